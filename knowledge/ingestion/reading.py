"""What a reader hands on: one document, ready to be stored as a version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from knowledge.documents import DocumentKind, PassageText, Source
from knowledge.errors import KnowledgeError
from knowledge.ingestion.chunking import CHUNKER
from knowledge.ingestion.extracted import Doubt, ExtractedText
from knowledge.ingestion.wording import sentence

Model = TypeVar("Model", bound=BaseModel)
_CHOICES = {"literal_error", "enum"}


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """One document of a file. Dates and number are None where the file does not say; the caller then decides.

    `extracted` is the masked text that the passages' offsets count in, shared by all documents of the file; `masked`
    is how many of its blocks held personal data; `file_hash` the SHA-256 of the file's bytes. `keeps_file`: the bytes
    may be kept as long as nothing had to be masked.
    """

    document_id: str
    kind: DocumentKind
    title: str
    passages: tuple[PassageText, ...]
    payload: dict[str, object] | None = None
    product_code: str | None = None
    effective_from: date | None = None
    effective_until: date | None = None
    version: int | None = None
    branches: frozenset[str] = frozenset()
    doubts: tuple[Doubt, ...] = field(default=(), compare=False)
    extracted: ExtractedText | None = field(default=None, compare=False, repr=False)
    masked: int = field(default=0, compare=False)
    file_hash: str = field(default="", compare=False)
    keeps_file: bool = field(default=True, compare=False)

    @property
    def content_hash(self) -> str:
        """Changes with anything that would be stored, and with the chunker; not with the file's name."""
        wording = {
            "chunker": CHUNKER,
            "kind": self.kind.value,
            "title": self.title,
            "payload": self.payload,
            "passages": [
                [passage.text, *passage.known_questions, *(f"-{asked}" for asked in passage.counter_questions)]
                for passage in self.passages
            ],
            "from": self.effective_from.isoformat() if self.effective_from else None,
            "until": self.effective_until.isoformat() if self.effective_until else None,
            "branches": sorted(self.branches),
        }
        return hashlib.sha256(json.dumps(wording, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


class ContentInvalid(KnowledgeError):
    """A typed file does not fit its template; `field` and `problem` are for the person who wrote it."""

    code = "content_invalid"


def validated(model: type[Model], data: Any, *, at: str = "") -> Model:
    """Data as a model. Raises: ContentInvalid with the first field that does not fit, e.g. `2.turns.0.role`."""
    try:
        return model.model_validate(data)
    except ValidationError as exc:
        place, problem = next(iter(problems_by_field(exc).items()))
        raise ContentInvalid(field=".".join(part for part in (at, place) if part), problem=problem) from exc


def problems_by_field(invalid: ValidationError) -> dict[str, str]:
    """What is wrong with each field, as sentences for people: {"turns.0.role": "…"}, in the model's order."""
    found: dict[str, str] = {}
    for error in invalid.errors(include_url=False):
        place = ".".join(str(part) for part in error["loc"])
        found.setdefault(place, _problem(error["type"], error.get("ctx", {})))
    return found


def _problem(kind: str, context: dict[str, Any]) -> str:
    if kind in {"missing", "extra_forbidden"}:
        return sentence("problems", kind)
    if kind in _CHOICES:
        return sentence("problems", "choice", expected=str(context.get("expected", "")))
    if kind.startswith("date"):
        return sentence("problems", "date")
    return sentence("problems", "type" if kind.endswith(("type", "parsing")) else "other")


def typed_payload(content: str, model: BaseModel) -> dict[str, object]:
    """How typed content is stored beside its passages."""
    return {"content": content, "data": model.model_dump(mode="json")}


def labelled(pairs: Iterable[tuple[str, str | None]]) -> str:
    """`label：value` one a line; empty values are left out."""
    return "\n".join(f"{label}：{value}" for label, value in pairs if value)


def whole_file(file: str, text: str, heading: str = "") -> Source:
    """The source of a passage that was composed from everything in the file."""
    return Source(file=file, heading=heading, start=0, end=len(text))
