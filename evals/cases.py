"""Data sets as they stand on disk: `evals/datasets/<name>/v<N>/` with cases.jsonl, card.md and SHA256.

A version is append-only: a case that changes makes a new version, so that two runs with the same hash asked the same.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

DATASETS = Path(__file__).resolve().parent / "datasets"
Split = Literal["dev", "test"]


class DatasetInvalid(Exception):
    """A data set cannot be measured with; the message names file and line."""

    code = "dataset_invalid"

    def __init__(self, path: Path, problem: str, line: int | None = None) -> None:
        self.ids = {"file": str(path) if line is None else f"{path}:{line}", "problem": problem}
        super().__init__(f"{self.ids['file']}: {problem}")


class Case(BaseModel):
    """What every case carries. `source` is the cluster: cases written from the same material vary together."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    id: str
    split: Split
    source: str
    author: str
    reviewed_by: str = ""
    created: date
    slices: tuple[str, ...] = ()
    note: str = ""


class Label(BaseModel):
    """A passage that answers: of this document, and if said, with these words in it. `grade` 1 helps, 3 answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    document: str
    says: str | None = None
    grade: int = Field(3, ge=1, le=3)


class RetrievalCase(Case):
    """A question with graded labels; no labels: nothing in the knowledge answers it.

    `context` are earlier turns, oldest first; `as` the member who asks, None: whole bank. `must_not` are document or
    version ids that may not stand among the first five.
    """

    question: str
    context: tuple[str, ...] = ()
    on: date
    userid: str | None = Field(None, alias="as")
    relevant: tuple[Label, ...] = ()
    must_not: tuple[str, ...] = ()
    product: str | None = None
    intent: str | None = None


class Period(BaseModel):
    """The days a question speaks of; `to` is exclusive."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    since: date = Field(alias="from")
    to: date


class UnderstandingCase(RetrievalCase):
    """What a question is about. `candidates`: the products that its words leave open or that it sets side by side."""

    candidates: tuple[str, ...] = ()
    time: Period | None = None


class Wording(BaseModel):
    """One point in any of several wordings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    any: tuple[str, ...] = Field(min_length=1)
    why: str = ""


class About(BaseModel):
    """The customer of a drafting case."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: str | None = None
    age: int | None = None


class DraftingCase(Case):
    """A message of an RM and what its draft must and must not hold; lengths in characters."""

    question: str
    context: tuple[str, ...] = ()
    customer: About = About()
    on: date
    userid: str | None = Field(None, alias="as")
    must: tuple[Wording, ...] = ()
    must_not: tuple[Wording, ...] = ()
    figures: tuple[str, ...] = ()
    cites: tuple[str, ...] = ()
    next_step: bool = False
    length: tuple[int, int] | None = None
    expect: Literal["draft", "unknown", "blocked", "check", "answer"] = "draft"


class CopyCase(Case):
    """A wish for a post. `facts`: figures stand in a post only when they stand in one of these or in what it cites."""

    request: str
    on: date
    userid: str | None = Field(None, alias="as")
    facts: tuple[str, ...] = ()
    must_not: tuple[Wording, ...] = ()
    hooks_differ: bool = True
    angles: int = 3
    cites: tuple[str, ...] = ()
    expect: Literal["draft", "unknown", "blocked"] = "draft"


class GateCase(Case):
    """A text with the codes that the gate must find; no codes: it may go out."""

    on: date
    kind: Literal["reply", "moments", "group", "friend_request"] = "reply"
    product_type: str | None = "none"
    product_level: str | None = None
    customer_level: str | None = None
    customer_age: int | None = None
    context: str | None = None
    text: str
    codes: tuple[str, ...] = ()


class Span(BaseModel):
    """Personal data at `start`..`end` (code points, end exclusive)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start: int
    end: int
    type: str


class RedactionCase(Case):
    """A text with the personal data in it."""

    text: str
    spans: tuple[Span, ...] = ()


class DecisionCase(Case):
    """Messages of one member, and what the last one does to the draft of the first.

    `effect`: accepted, edited, rejected, another (a follow-up draft), asked (a new draft), an outcome's name after
    `outcome:`, or nothing. `reason` is the code of a rejection; `final` what an edit keeps.
    """

    says: tuple[str, ...] = Field(min_length=1)
    on: date
    userid: str = Field("rm001", alias="as")
    effect: str
    reason: str | None = None
    final: str | None = None


class DoorCase(Case):
    """Messages through the encrypted callback. `expect`: points among all that comes back after the last one."""

    says: tuple[str, ...] = Field(min_length=1)
    on: date
    userid: str = Field("rm001", alias="as")
    expect: tuple[Wording, ...] = ()
    must_not: tuple[Wording, ...] = ()
    messages: tuple[int, int] = (1, 5)


MODELS: dict[str, type[Case]] = {
    "retrieval": RetrievalCase,
    "understanding": UnderstandingCase,
    "drafting": DraftingCase,
    "copy": CopyCase,
    "gate": GateCase,
    "redaction": RedactionCase,
    "decisions": DecisionCase,
    "wecom": DoorCase,
}


@dataclass(frozen=True)
class Dataset:
    """One version of a data set; `sha256` is of cases.jsonl."""

    name: str
    version: str
    sha256: str
    cases: tuple[Case, ...]
    card: str
    folder: Path

    def of_split(self, split: str) -> tuple[Case, ...]:
        """Cases of `dev` or `test`; `all` means both."""
        return tuple(case for case in self.cases if split in ("all", case.split))


def read_dataset(name: str, root: Path = DATASETS, *, model: type[Case] | None = None) -> Dataset:
    """The newest version of a data set.

    Raises: DatasetInvalid when it is absent, a line breaks the schema, an id stands twice, or the hash differs.
    """
    folder = newest(root / name)
    path = folder / "cases.jsonl"
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    noted = folder / "SHA256"
    if not noted.is_file() or noted.read_text(encoding="utf-8").split()[:1] != [digest]:
        raise DatasetInvalid(noted, "the hash differs from cases.jsonl: a change of cases makes a new version")
    cases = _cases(path, data.decode("utf-8"), model or MODELS[name])
    card = folder / "card.md"
    return Dataset(name, folder.name, digest, cases, card.read_text(encoding="utf-8") if card.is_file() else "", folder)


def newest(folder: Path) -> Path:
    """The folder of the highest version. Raises: DatasetInvalid."""
    versions = [each for each in folder.glob("v*") if each.name[1:].isdigit() and (each / "cases.jsonl").is_file()]
    if not versions:
        raise DatasetInvalid(folder, "no version of this data set is here")
    return max(versions, key=lambda each: int(each.name[1:]))


def _cases(path: Path, text: str, model: type[Case]) -> tuple[Case, ...]:
    found: dict[str, Case] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            case = model.model_validate_json(line)
        except ValidationError as exc:
            error = exc.errors(include_url=False, include_input=False)[0]
            raise DatasetInvalid(path, f"{'.'.join(map(str, error['loc']))}: {error['msg']}", number) from exc
        if case.id in found:
            raise DatasetInvalid(path, f"id {case.id!r} stands here twice", number)
        found[case.id] = case
    if not found:
        raise DatasetInvalid(path, "holds no case")
    return tuple(found.values())
