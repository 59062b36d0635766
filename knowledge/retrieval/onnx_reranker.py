"""A cross-encoder in an ONNX folder: one logit per pair of question and passage, or one for no and one for yes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from knowledge.errors import ModelUnusable
from knowledge.retrieval.onnx_folder import Array, OnnxFolder


class OnnxReranker:
    """Raises: ModelUnusable when graph or tokenizer are missing."""

    def __init__(self, path: Path) -> None:
        self._folder = OnnxFolder(path)

    @cached_property
    def reranker_id(self) -> str:
        """Names model and files."""
        return f"onnx:{self._folder.name}:{self._folder.fingerprint}"

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """See `Reranker`. Raises: ModelUnusable for a graph that gives something else than one or two logits."""
        found = np.zeros(len(texts), dtype=np.float64)
        for output in self._folder.run([(question, text) for text in texts]):
            found[output.rows] = self._logits(output.arrays)
        return [float(score) for score in 1 / (1 + np.exp(-np.clip(found, -60, 60)))]

    def _logits(self, arrays: Mapping[str, Array]) -> Array:
        values = np.asarray(arrays.get("logits", next(iter(arrays.values()))), dtype=np.float64)
        values = values[:, None] if values.ndim == 1 else values
        if values.ndim != 2 or values.shape[1] not in (1, 2):
            raise ModelUnusable(model=self._folder.name, reason="logits")
        logits: Array = values[:, 0] if values.shape[1] == 1 else values[:, 1] - values[:, 0]
        return logits
