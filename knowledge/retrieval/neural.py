"""Any model of sentence-transformers, as embedder or as reranker; the one file that loads it (extra `neural`)."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from knowledge.retrieval.embedding import Vectors
from knowledge.retrieval.instructions import Instructions, instructions_of, model_names
from knowledge.retrieval.text import encodable

_MOST_TOKENS = 1024  # as for ONNX folders


class SentenceTransformerEmbedder:
    """By name or local path. Raises: ModuleNotFoundError where sentence-transformers is not installed."""

    def __init__(self, name: str, *, question_instruction: str = "", passage_instruction: str = "") -> None:
        from sentence_transformers import SentenceTransformer

        self._model = SentenceTransformer(name, device="cpu")
        self._name = name
        longest = self._model.max_seq_length
        self._model.max_seq_length = min(longest or _MOST_TOKENS, _MOST_TOKENS)
        self._dimension = int(self._model.get_embedding_dimension() or 0)
        told = self._own_prompts() or instructions_of(*model_names(name))
        self._instructions = told.overridden(question_instruction, passage_instruction)

    def _own_prompts(self) -> Instructions | None:
        prompts = self._model.prompts or {}
        found = Instructions(prompts.get("query") or "", prompts.get("document") or prompts.get("passage") or "")
        return found if found != Instructions() else None

    @cached_property
    def embedder_id(self) -> str:
        """Names model, instructions and dimension; a local folder also by the time of its last change."""
        path = Path(self._name)
        version = f"@{int(max(each.stat().st_mtime for each in path.rglob('*')))}" if path.is_dir() else ""
        return f"st:{self._name}{version}/{self._instructions.fingerprint}/{self._dimension}"

    @property
    def dimension(self) -> int:
        """Numbers per vector."""
        return self._dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder`."""
        if not texts:
            return np.zeros((0, self._dimension), dtype=np.float32)
        options: dict[str, Any] = {"prompt": self._instructions.passage, "normalize_embeddings": True}
        found = self._model.encode_document([encodable(text) for text in texts], show_progress_bar=False, **options)
        return np.asarray(found, dtype=np.float32).reshape(len(texts), self._dimension)

    def embed_question(self, question: str) -> Vectors:
        """See `Embedder`."""
        options: dict[str, Any] = {"prompt": self._instructions.question, "normalize_embeddings": True}
        found = self._model.encode_query([encodable(question)], show_progress_bar=False, **options)
        return np.asarray(found, dtype=np.float32).reshape(self._dimension)


class CrossEncoderReranker:
    """By name or local path; loaded with the first question. Raises: ModuleNotFoundError without the extra."""

    def __init__(self, name: str) -> None:
        import sentence_transformers  # so that a missing extra is told at the start, as for embedders

        self._library, self._name = sentence_transformers, name
        self._lock = threading.Lock()
        self._model: Any = None

    @property
    def reranker_id(self) -> str:
        """Names the model."""
        return f"st:{self._name}"

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """See `Reranker`."""
        import torch

        with self._lock:
            if self._model is None:
                self._model = self._library.CrossEncoder(self._name, device="cpu", num_labels=1)
        pairs = [(encodable(question), encodable(text)) for text in texts]
        logits = self._model.predict(pairs, activation_fn=torch.nn.Identity(), show_progress_bar=False)
        return [1 / (1 + math.exp(-min(max(float(logit), -60.0), 60.0))) for logit in logits]
