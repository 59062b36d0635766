"""The embedder that is used unless a bank sets another: ours as shipped, or adapted to the bank's own knowledge."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from knowledge.retrieval.embedder.static_model import (
    Matrix,
    ModelUnreadable,
    StaticModel,
    normalised,
    saved_fingerprint,
)
from knowledge.retrieval.text import fold

SHIPPED = Path(__file__).with_name("model")
_ACTIVE = "active.json"


class OwnEmbedder:
    """Word vectors, summed. In a text of several lines the first is its title and counts as much as all together."""

    def __init__(self, model: StaticModel, fingerprint: str = "") -> None:
        self._model = model
        self._id = f"own:{fingerprint or model.fingerprint}/{model.dimension}"

    @property
    def embedder_id(self) -> str:
        """Changes with every number in the table."""
        return self._id

    @property
    def dimension(self) -> int:
        """Numbers per vector."""
        return self._model.dimension

    def embed(self, texts: Sequence[str]) -> Matrix:
        """One vector of length one per text, all zero for a text without words."""
        folded = [fold(text) for text in texts]
        vectors = self._model.embed(folded)
        titled = [row for row, text in enumerate(folded) if "\n" in text.strip()]
        if titled:
            titles = self._model.embed([folded[row].strip().split("\n", 1)[0] for row in titled])
            vectors[titled] = normalised(vectors[titled] + titles)
        return vectors

    def embed_question(self, question: str) -> Matrix:
        """A question is a text like any other."""
        vector: Matrix = self.embed([question])[0]
        return vector

    @classmethod
    def load(cls, folder: Path | None = None) -> OwnEmbedder:
        """The shipped one; with a data folder, the one that was adapted there, if any. Raises: ModelUnreadable."""
        chosen = Shelf(folder).active if folder else SHIPPED
        return cls(StaticModel.load(chosen), saved_fingerprint(chosen))


@dataclass(frozen=True)
class Shelf:
    """Adapted models in a data folder, one of which is in use; the one before stays for a step back."""

    folder: Path

    @property
    def active(self) -> Path:
        """The folder of the model in use."""
        name = self._noted().get("active")
        return self.folder / name if name and (self.folder / name).is_dir() else SHIPPED

    def put(self, model: StaticModel, card: str) -> Path:
        """Keep a model and use it from the next start on."""
        target = self.folder / f"adapted-{model.fingerprint}"
        if not target.is_dir():
            part = self.folder / f".part-{model.fingerprint}"
            shutil.rmtree(part, ignore_errors=True)
            model.save(part, card)
            part.rename(target)
        before = self._noted().get("active", "")
        if before != target.name:
            self._note(active=target.name, before=before)
        self._forget_others()
        return target

    def back(self) -> Path:
        """Use the one before again, or the shipped one; a second step back comes forward again."""
        noted = self._noted()
        self._note(active=noted.get("before", ""), before=noted.get("active", ""))
        return self.active

    def _noted(self) -> dict[str, str]:
        try:
            found = json.loads((self.folder / _ACTIVE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}

    def _note(self, **names: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f".{_ACTIVE}"
        part.write_text(json.dumps(names) + "\n", encoding="utf-8")
        part.replace(self.folder / _ACTIVE)

    def _forget_others(self) -> None:
        kept = set(self._noted().values())
        for old in self.folder.glob("adapted-*"):
            if old.name not in kept:
                shutil.rmtree(old, ignore_errors=True)


__all__ = ["SHIPPED", "ModelUnreadable", "OwnEmbedder", "Shelf"]
