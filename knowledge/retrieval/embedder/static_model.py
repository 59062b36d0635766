"""Word vectors in a folder that sentence-transformers can load, used here without it and without torch.

A text is cut into words by the tokenizer, the words' vectors are added up, and the sum has length one. The folder has
sentence-transformers' own layout (StaticEmbedding, then Normalize), so `SentenceTransformer(folder)` gives the same
vectors.
"""

from __future__ import annotations

import json
import mmap
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from knowledge.retrieval.text import encodable

Matrix = npt.NDArray[np.float32]

_BATCH = 256
_LONGEST = 2_000  # characters of a text that are looked at
_MODULES = [
    {
        "idx": 0,
        "name": "0",
        "path": "0_StaticEmbedding",
        "type": "sentence_transformers.sentence_transformer.modules.static_embedding.StaticEmbedding",
    },
    {
        "idx": 1,
        "name": "1",
        "path": "1_Normalize",
        "type": "sentence_transformers.base.modules.normalize.Normalize",
    },
]


class ModelUnreadable(ValueError):
    """This folder does not hold a model of ours."""


@dataclass(frozen=True)
class StaticModel:
    """`matrix` has one row per token of the tokenizer. Values only; nothing here changes them."""

    tokenizer: Tokenizer
    matrix: Matrix

    @property
    def dimension(self) -> int:
        """Numbers per vector."""
        return int(self.matrix.shape[1])

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text, in order; a text without any has none."""
        cut = self.tokenizer.encode_batch_fast([encodable(text[:_LONGEST]) for text in texts], add_special_tokens=False)
        return [encoding.ids for encoding in cut]

    def embed(self, texts: Sequence[str]) -> Matrix:
        """One vector of length one per text; all zero for a text without tokens."""
        rows = [self._batch(texts[at : at + _BATCH]) for at in range(0, len(texts), _BATCH)]
        return np.concatenate(rows) if rows else np.zeros((0, self.dimension), dtype=np.float32)

    def _batch(self, texts: Sequence[str]) -> Matrix:
        sums = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, tokens in enumerate(self.token_ids(texts)):
            if tokens:
                sums[row] = self.matrix[tokens].sum(axis=0, dtype=np.float32)
        return normalised(sums)

    @property
    def fingerprint(self) -> str:
        """Changes with every number in the table and with the words."""
        words = sorted(self.tokenizer.get_vocab().items())
        found = blake2b(json.dumps(words, ensure_ascii=False).encode("utf-8", "replace"), digest_size=8)
        found.update(np.ascontiguousarray(self.matrix).tobytes())
        return found.hexdigest()

    def save(self, folder: Path, card: str = "") -> None:
        """Write the folder; a card is for people."""
        inner = folder / "0_StaticEmbedding"
        inner.mkdir(parents=True, exist_ok=True)
        (folder / "1_Normalize").mkdir(exist_ok=True)
        (folder / "1_Normalize" / "config.json").write_text("{}\n", encoding="utf-8")
        (folder / "modules.json").write_text(json.dumps(_MODULES, indent=2) + "\n", encoding="utf-8")
        config = {"similarity_fn_name": "cosine", "model_type": "SentenceTransformer", "fingerprint": self.fingerprint}
        (folder / "config_sentence_transformers.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        (inner / "tokenizer.json").write_text(self.tokenizer.to_str(), encoding="utf-8")
        _write_safetensors(inner / "model.safetensors", self.matrix)
        if card:
            (folder / "README.md").write_text(card, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> StaticModel:
        """Read a folder; the table stays on disk until it is looked at. Raises: ModelUnreadable."""
        inner = folder / "0_StaticEmbedding"
        try:
            tokenizer = Tokenizer.from_file(str(inner / "tokenizer.json"))
            matrix = _read_safetensors(inner / "model.safetensors")
        except Exception as exc:  # the tokenizers library raises it plain
            raise ModelUnreadable(f"{folder}: {exc}") from exc
        if matrix.shape[0] < tokenizer.get_vocab_size():
            raise ModelUnreadable(f"{folder}: fewer vectors than tokens")
        return cls(tokenizer, matrix)


def normalised(rows: Matrix) -> Matrix:
    """Each row with length one; rows of zeros stay."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Matrix = (rows / np.where(lengths == 0, 1, lengths)).astype(np.float32)
    return unit


def saved_fingerprint(folder: Path) -> str:
    """What `save` noted; read without looking at the table. Raises: ModelUnreadable."""
    try:
        config = json.loads((folder / "config_sentence_transformers.json").read_text(encoding="utf-8"))
        return str(config["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ModelUnreadable(f"{folder}: {exc}") from exc


def _write_safetensors(path: Path, matrix: Matrix) -> None:
    data = np.ascontiguousarray(matrix, dtype="<f4").tobytes()
    about = {"embedding.weight": {"dtype": "F32", "shape": list(matrix.shape), "data_offsets": [0, len(data)]}}
    header = json.dumps({"__metadata__": {"format": "pt"}, **about}).encode()
    header += b" " * (-len(header) % 8)
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)


def _read_safetensors(path: Path) -> Matrix:
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    (length,) = struct.unpack_from("<Q", mapped, 0)
    about = json.loads(mapped[8 : 8 + length])["embedding.weight"]
    start, end = about["data_offsets"]
    flat = np.frombuffer(mapped, dtype="<f4", count=(end - start) // 4, offset=8 + length + start)
    matrix: Matrix = flat.reshape(about["shape"])
    return matrix
