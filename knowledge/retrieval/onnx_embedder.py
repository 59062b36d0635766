"""An embedder in an ONNX folder: the graph's token vectors made one vector as sentence-transformers would."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from knowledge.errors import ModelUnusable
from knowledge.retrieval.embedding import Vectors
from knowledge.retrieval.instructions import Instructions, instructions_of, pooling_of, read_json
from knowledge.retrieval.onnx_folder import Array, OnnxFolder, Output

_OUTPUTS = ("sentence_embedding", "token_embeddings", "last_hidden_state")  # the first that there is; else the first
_KNOWN_MODULES = frozenset({"Transformer", "Pooling", "Normalize"})  # vectors have length one here in any case


class OnnxEmbedder:
    """Raises: ModelUnusable for a folder that cannot be run as its files say."""

    def __init__(self, path: Path, *, question_instruction: str = "", passage_instruction: str = "") -> None:
        self._folder = OnnxFolder(path)
        told = instructions_of(*self._folder.names, folder=self._folder.folder)
        self._instructions: Instructions = told.overridden(question_instruction, passage_instruction)
        self._pooling = _pooling_told(self._folder)

    @cached_property
    def embedder_id(self) -> str:
        """Names model, files, pooling, instructions and dimension."""
        folder, pooling = self._folder, "+".join(self._pooling)
        return f"onnx:{folder.name}:{folder.fingerprint}/{pooling}/{self._instructions.fingerprint}/{self.dimension}"

    @cached_property
    def dimension(self) -> int:
        """Numbers per vector, asked of the graph itself."""
        return int(self._embedded([""]).shape[1])

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder`."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return self._embedded([self._instructions.passage + text for text in texts])

    def embed_question(self, question: str) -> Vectors:
        """See `Embedder`."""
        vector: Vectors = self._embedded([self._instructions.question + question])[0]
        return vector

    def _embedded(self, texts: Sequence[str]) -> Vectors:
        batches = list(self._folder.run(texts))
        rows = np.concatenate([batch.rows for batch in batches])
        vectors = np.concatenate([self._pooled(batch) for batch in batches]).astype(np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit = np.empty_like(vectors)
        unit[rows] = vectors / np.where(lengths == 0, 1, lengths)
        return unit

    def _pooled(self, output: Output) -> Array:
        named = next((output.arrays[name] for name in _OUTPUTS if name in output.arrays), None)
        found = named if named is not None else next(iter(output.arrays.values()))
        values = found.astype(np.float32)
        if values.ndim == 2:
            return values
        if values.ndim != 3:
            raise ModelUnusable(model=self._folder.name, reason="output")
        return np.concatenate([_POOLINGS[mode](values, output.mask) for mode in self._pooling], axis=1)


def _first(values: Array, mask: Array) -> Array:
    picked: Array = values[:, 0]
    return picked


def _last(values: Array, mask: Array) -> Array:
    picked: Array = values[np.arange(len(values)), np.maximum(mask.sum(axis=1) - 1, 0)]
    return picked


def _largest(values: Array, mask: Array) -> Array:
    picked: Array = np.where(mask[:, :, None] == 1, values, np.float32(-1e9)).max(axis=1)
    return picked


def _averaged(values: Array, weights: Array) -> Array:
    total: Array = (values * weights[:, :, None]).sum(axis=1) / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    return total.astype(np.float32)


def _mean(values: Array, mask: Array) -> Array:
    return _averaged(values, mask.astype(np.float32))


def _root_mean(values: Array, mask: Array) -> Array:
    total: Array = _mean(values, mask) * np.sqrt(mask.sum(axis=1, keepdims=True)).astype(np.float32)
    return total


def _weighted_mean(values: Array, mask: Array) -> Array:
    return _averaged(values, (mask * np.arange(1, mask.shape[1] + 1)).astype(np.float32))


# In the order in which sentence-transformers puts them side by side.
_POOLINGS: Mapping[str, Callable[[Array, Array], Array]] = {
    "cls": _first,
    "max": _largest,
    "mean": _mean,
    "mean_sqrt_len_tokens": _root_mean,
    "weightedmean": _weighted_mean,
    "lasttoken": _last,
}
_FLAGS = {f"pooling_mode_{name}{'_tokens' if name in ('max', 'mean') else ''}": name for name in _POOLINGS} | {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_weightedmean_tokens": "weightedmean",
}


def _pooling_told(folder: OnnxFolder) -> tuple[str, ...]:
    """By the model's own files, else as its family does it. Raises: ModelUnusable for steps that are not known here."""
    steps = _modules(folder.folder)
    unknown = [kind for kind, _ in steps if kind not in _KNOWN_MODULES]
    if unknown:
        raise ModelUnusable(model=folder.name, reason=f"modules.json: {unknown[0]}")
    place = next((path for kind, path in steps if kind == "Pooling"), "1_Pooling")
    config = read_json(folder.folder / place / "config.json")
    if config.get("include_prompt") is False:
        raise ModelUnusable(model=folder.name, reason="include_prompt")
    said = config.get("pooling_mode")
    told = {said} if isinstance(said, str) else set(said or ()) | {n for flag, n in _FLAGS.items() if config.get(flag)}
    if not told <= set(_POOLINGS):
        raise ModelUnusable(model=folder.name, reason=f"pooling: {sorted(map(str, told))[0]}")
    return tuple(name for name in _POOLINGS if name in told) or (pooling_of(*folder.names),)


def _modules(folder: Path) -> list[tuple[str, str]]:
    """Kind and place of each step of a sentence-transformers model; empty where the folder has none."""
    try:
        found = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        return [(str(each["type"]).rsplit(".", 1)[-1], str(each["path"])) for each in found]
    except (OSError, ValueError, KeyError, TypeError):
        return []
