"""A folder with an ONNX graph and its tokenizer, run by onnxruntime without torch.

What lies in the folder is looked at when it is opened; the graph is loaded with the first text.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from knowledge.errors import EmbedderUnavailable, ModelUnusable
from knowledge.retrieval.instructions import model_names, read_json
from knowledge.retrieval.text import encodable

Array = npt.NDArray[Any]
Pair = tuple[str, str]

_GRAPHS = ("model.onnx", "onnx/model.onnx")
_MOST_TOKENS = 1024  # of one text; attention costs the square of it
_TOKENS_AT_ONCE = 8_192  # in one run, padding included
_TEXTS_AT_ONCE = 64
_MOST_THREADS = 4
_OFFSET_FAMILIES = ("roberta", "xlm-roberta", "camembert", "mpnet")  # two of their positions are not for tokens
_SAMPLES, _SAMPLE = 64, 16_384
_TYPES = {
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
}


@dataclass(frozen=True, slots=True)
class Output:
    """What the graph gave for some texts: arrays by output name, first axis texts; `mask` 1 where a token stands."""

    rows: npt.NDArray[np.int64]
    arrays: Mapping[str, Array]
    mask: Array


class OnnxFolder:
    """Raises: ModelUnusable when graph or tokenizer are missing or cannot be read. Safe to call from many threads."""

    def __init__(self, path: Path) -> None:
        self._graph = _graph_in(path)
        self.folder = path if path.is_dir() else self._graph.parent
        if self._graph.parent.name == "onnx" and self.folder == self._graph.parent:
            self.folder = self._graph.parent.parent
        self._tokens = _beside(self._graph, self.folder, "tokenizer.json")
        self.config = read_json(self.folder / "config.json")
        self.names = (
            *model_names(str(self.folder.absolute())),
            *model_names(str(self.config.get("_name_or_path", ""))),
        )
        self._lock = threading.Lock()
        self._loaded: tuple[Any, Any] | None = None

    @property
    def name(self) -> str:
        """The name that people know the folder by."""
        return self.names[0] if self.names else str(self.folder)

    @property
    def fingerprint(self) -> str:
        """Changes with the files that the numbers come from; large ones are sampled."""
        found = blake2b(digest_size=6)
        settings = (
            self.folder / name for name in ("modules.json", "1_Pooling/config.json", "sentence_bert_config.json")
        )
        weights = sorted(self._graph.parent.glob(f"{self._graph.name}?data*"))
        for path in (self._graph, *weights, self._tokens, *(path for path in settings if path.is_file())):
            found.update(f"{path.name} {path.stat().st_size}\n".encode())
            for piece in _sampled(path):
                found.update(piece)
        return found.hexdigest()

    @property
    def max_tokens(self) -> int:
        """Tokens of one text that are read."""
        held = self.config.get("max_position_embeddings")
        if isinstance(held, int) and self.config.get("model_type") in _OFFSET_FAMILIES:
            held -= 2
        said = read_json(self.folder / "sentence_bert_config.json").get("max_seq_length")
        tokenizer = read_json(self.folder / "tokenizer_config.json").get("model_max_length")
        known = [limit for limit in (held, said, tokenizer) if isinstance(limit, int) and limit > 0]
        return min([*known, _MOST_TOKENS])

    @property
    def output_names(self) -> Sequence[str]:
        """Outputs of the graph; loads it."""
        return [output.name for output in self._parts()[0].get_outputs()]

    def run(self, texts: Sequence[str] | Sequence[Pair]) -> Iterator[Output]:
        """Texts (or pairs) in batches of like length; `Output.rows` tells which they are."""
        session, tokenizer = self._parts()
        encoded = tokenizer.encode_batch([_readable(text) for text in texts])
        order = sorted(range(len(encoded)), key=lambda row: (len(encoded[row].ids), row))
        names = [output.name for output in session.get_outputs()]
        for rows in _batches(order, [len(each.ids) for each in encoded]):
            feed = self._feed(session, [encoded[row] for row in rows])
            mask = feed.pop("mask")
            arrays = self._ran(session, feed)
            yield Output(np.array(rows, dtype=np.int64), dict(zip(names, arrays, strict=True)), mask)

    def _ran(self, session: Any, feed: Mapping[str, Array]) -> list[Array]:
        try:
            arrays: list[Array] = session.run(None, feed)
        except Exception as exc:  # as for loading: out of memory, or a graph that does not fit its tokenizer
            raise EmbedderUnavailable(model=self.name, reason=type(exc).__name__) from exc
        return arrays

    def _parts(self) -> tuple[Any, Any]:
        with self._lock:
            if self._loaded is None:
                self._loaded = (self._session(), self._tokenizer())
            return self._loaded

    def _session(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = min(_MOST_THREADS, os.cpu_count() or 1)
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            return onnxruntime.InferenceSession(str(self._graph), options, providers=["CPUExecutionProvider"])
        except Exception as exc:  # onnxruntime has a tree of its own, built in C++
            raise ModelUnusable(model=str(self._graph), reason=type(exc).__name__) from exc

    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        try:
            tokenizer = Tokenizer.from_file(str(self._tokens))
        except Exception as exc:  # the tokenizers library raises it plain
            raise ModelUnusable(model=str(self._tokens), reason=str(exc)[:100]) from exc
        tokenizer.no_padding()
        tokenizer.enable_truncation(self.max_tokens)
        return tokenizer

    @staticmethod
    def _feed(session: Any, encoded: Sequence[Any]) -> dict[str, Array]:
        """What the graph asks for, of what texts have; whatever is padded is masked."""
        lengths = np.array([len(each.ids) for each in encoded])
        mask = (np.arange(max(int(lengths.max()), 1)) < lengths[:, None]).astype(np.int64)
        values = {
            "input_ids": _filled(mask, [each.ids for each in encoded]),
            "attention_mask": mask,
            "token_type_ids": _filled(mask, [each.type_ids for each in encoded]),
            "position_ids": np.maximum(np.cumsum(mask, axis=1) - 1, 0),
        }
        feed: dict[str, Array] = {"mask": mask}
        for wanted in session.get_inputs():
            kind = _TYPES.get(wanted.type, np.int64)
            feed[wanted.name] = (
                values[wanted.name].astype(kind) if wanted.name in values else _empty(wanted, len(mask), kind)
            )
        return feed


def is_onnx(path: Path) -> bool:
    """Whether an ONNX graph stands there."""
    return path.suffix == ".onnx" or any((path / name).is_file() for name in _GRAPHS) or bool(_only_graph(path))


def _graph_in(path: Path) -> Path:
    found = [path] if path.suffix == ".onnx" else [path / name for name in _GRAPHS]
    graph = next((each for each in found if each.is_file()), None) or _only_graph(path)
    if graph is None:
        raise ModelUnusable(model=str(path), reason="model.onnx")
    return graph


def _only_graph(path: Path) -> Path | None:
    """A graph of another name (quantised, say), where no other makes it a matter of choice."""
    found = [*path.glob("*.onnx"), *path.glob("onnx/*.onnx")]
    return found[0] if len(found) == 1 else None


def _beside(graph: Path, folder: Path, name: str) -> Path:
    for place in (folder, graph.parent):
        if (place / name).is_file():
            return place / name
    raise ModelUnusable(model=str(folder), reason=name)


def _batches(order: Sequence[int], lengths: Sequence[int]) -> Iterator[list[int]]:
    """Rows in the given order, cut so that no run is too large; the last of a batch is its longest."""
    batch: list[int] = []
    for row in order:
        if batch and (len(batch) >= _TEXTS_AT_ONCE or (len(batch) + 1) * lengths[row] > _TOKENS_AT_ONCE):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _readable(text: str | Pair) -> str | Pair:
    return encodable(text) if isinstance(text, str) else (encodable(text[0]), encodable(text[1]))


def _filled(mask: Array, rows: Sequence[Sequence[int]]) -> Array:
    values = np.zeros(mask.shape, dtype=np.int64)
    values[mask == 1] = np.array([value for row in rows for value in row], dtype=np.int64)
    return values


def _empty(wanted: Any, texts: int, kind: Any) -> Array:
    """An input that only generation fills: the keys and values of what came before, of which there is nothing."""
    if not wanted.name.startswith("past"):
        raise ModelUnusable(model=wanted.name, reason="input")
    shape = [size if isinstance(size, int) else 0 for size in wanted.shape]
    return np.zeros([texts, *shape[1:]], dtype=kind)


def _sampled(path: Path) -> Iterator[bytes]:
    """The whole of a small file, evenly spread pieces of a large one."""
    size = path.stat().st_size
    if size <= _SAMPLES * _SAMPLE:
        yield path.read_bytes()
        return
    with path.open("rb") as file:
        for piece in range(_SAMPLES):
            file.seek((size - _SAMPLE) * piece // (_SAMPLES - 1))
            yield file.read(_SAMPLE)
