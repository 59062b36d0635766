"""Results of evaluation runs and cases taken from life, as files that console and harness share.

A run is a folder `results/<run_id>/`: samples.jsonl and summary.json, the same for the same code and data; run.json
with all that differs from run to run; report.html for people.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

from assistant.masking import mask
from assistant.records.drafts import DraftRecord
from assistant.records.errors import RecordNotFound
from assistant.records.records import Records

SUMMARY, SAMPLES, RUN, REPORT = "summary.json", "samples.jsonl", "run.json", "report.html"
LATEST = "latest"
_RUN_ID = re.compile(r"[0-9A-Za-z][\w.-]{0,79}")
Origin = Literal["draft", "ticket"]


class ResultsMissing(Exception):
    """There is no such run, or what is there cannot be read."""

    code = "results_missing"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.ids = {"run": name}


class CaseNotThere(Exception):
    """There is no such draft or ticket to make a case of."""

    code = "case_source_missing"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.ids = {"source": name}


@dataclass(frozen=True)
class Results:
    """One run as read; `samples` are the lines of samples.jsonl."""

    run_id: str
    folder: Path
    summary: Mapping[str, Any]
    run: Mapping[str, Any] = field(default_factory=dict)

    def samples(self) -> list[dict[str, Any]]:
        """Every case of the run. Raises: ResultsMissing."""
        try:
            lines = (self.folder / SAMPLES).read_text(encoding="utf-8").splitlines()
            return [json.loads(line) for line in lines]
        except (OSError, ValueError) as exc:
            raise ResultsMissing(self.run_id) from exc


@dataclass(frozen=True)
class ResultsFolder:
    """All runs below one folder."""

    root: Path

    def write(
        self, run_id: str, *, samples: Iterable[Mapping[str, Any]], summary: Mapping[str, Any], run: Mapping[str, Any]
    ) -> Results:
        """Keep a run; run.json comes last, so that a folder without it was never finished."""
        folder = self.root / run_id
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SAMPLES).write_text("".join(as_line(sample) for sample in samples), encoding="utf-8")
        (folder / SUMMARY).write_text(as_page(summary), encoding="utf-8")
        (folder / RUN).write_text(as_page(run), encoding="utf-8")
        return Results(run_id, folder, summary, run)

    def run_ids(self) -> list[str]:
        """Finished runs, the newest first."""
        found = [path.parent.name for path in self.root.glob(f"*/{RUN}")]
        return sorted(found, reverse=True)

    def read(self, name: str) -> Results:
        """A run by id, or `latest`. Raises: ResultsMissing."""
        runs = self.run_ids()
        run_id = runs[0] if name == LATEST and runs else name
        if not _RUN_ID.fullmatch(run_id) or run_id not in runs:
            raise ResultsMissing(name)
        return read_results(self.root / run_id)

    def history(self, *, limit: int = 50) -> list[Results]:
        """The newest runs that can be read."""
        found = []
        for run_id in self.run_ids()[:limit]:
            try:
                found.append(self.read(run_id))
            except ResultsMissing:
                continue
        return found


def read_results(folder: Path) -> Results:
    """The run in a folder. Raises: ResultsMissing."""
    try:
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        run = json.loads((folder / RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ResultsMissing(folder.name) from exc
    return Results(folder.name, folder, summary, run)


def as_line(value: Mapping[str, Any]) -> str:
    """One JSON object as one line, keys as they come."""
    return json.dumps(value, ensure_ascii=False) + "\n"


def as_page(value: Mapping[str, Any]) -> str:
    """One JSON object, to be read by people and compared by line."""
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


@dataclass(frozen=True)
class LivingCases:
    """Cases made of what went wrong in production: masked, each once, in `eval_cases/` of the data folder."""

    root: Path

    @property
    def file(self) -> Path:
        """Drafting cases, one JSON a line."""
        return self.root / "drafting.jsonl"

    def all(self) -> list[dict[str, Any]]:
        """Every case, oldest first."""
        if not self.file.is_file():
            return []
        return [json.loads(line) for line in self.file.read_text(encoding="utf-8").splitlines() if line.strip()]

    def add(self, case: Mapping[str, Any]) -> bool:
        """Keep a case; False when one with the same question on the same day is there."""
        known = {(each["id"]) for each in self.all()}
        if case["id"] in known:
            return False
        self.root.mkdir(parents=True, exist_ok=True)
        with self.file.open("a", encoding="utf-8") as file:
            file.write(as_line(case))
        return True


def case_of_draft(records: Records, draft_id: str, *, by: str, on: date, expect: str | None = None) -> dict[str, Any]:
    """A drafting case from a draft that was edited, rejected or otherwise found wanting.

    What the RM sent instead becomes points that must be made; what a rejected draft said is left to the reviewer.
    Raises: CaseNotThere.
    """
    try:
        draft = records.drafts.get(draft_id)
    except RecordNotFound as exc:
        raise CaseNotThere(draft_id) from exc
    decided = records.decisions.of_draft(draft_id)
    edits = [edit for decision in decided for edit in decision.edits]
    reasons = sorted({decision.reason for decision in decided if decision.reason})
    return _case(
        draft.question_masked,
        draft,
        by=by,
        on=on,
        expect=expect or _came(draft),
        must=[
            {"any": [after], "why": str(edit.get("category", ""))} for edit in edits if (after := _part(edit, "after"))
        ],
        must_not=[{"any": [before]} for edit in edits if _is_fact(edit) and (before := _part(edit, "before"))],
        note="; ".join(reasons),
        slices=sorted({"production", *(decision.decision for decision in decided)}),
    )


def case_of_ticket(records: Records, ticket_id: str, *, by: str, on: date, expect: str | None = None) -> dict[str, Any]:
    """A drafting case from a question that found nothing; the answer of the middle office is kept as a note.

    Raises: CaseNotThere.
    """
    try:
        ticket = records.tickets.get(ticket_id)
        draft = records.drafts.get(ticket.draft_id) if ticket.draft_id else None
    except RecordNotFound as exc:
        raise CaseNotThere(ticket_id) from exc
    wanted = expect or ("draft" if ticket.status == "answered" else "unknown")
    note = mask(ticket.answer) if ticket.answer else ""
    return _case(ticket.question_masked, draft, by=by, on=on, expect=wanted, note=note, slices=["gap", "production"])


def _case(
    question: str,
    draft: DraftRecord | None,
    *,
    by: str,
    on: date,
    expect: str,
    must: Iterable[Mapping[str, Any]] = (),
    must_not: Iterable[Mapping[str, Any]] = (),
    note: str = "",
    slices: Iterable[str] = (),
) -> dict[str, Any]:
    day = draft.on_day if draft else on
    words = mask(question)
    name = hashlib.sha256(f"{day}\n{words}".encode()).hexdigest()[:12]
    details = draft.details if draft else {}
    return {
        "id": f"live-{name}",
        "split": "dev",
        "source": f"live-{name}",
        "author": by,
        "reviewed_by": "",
        "created": on.isoformat(),
        "slices": list(slices),
        "note": note,
        "question": words,
        "on": day.isoformat(),
        "customer": {"level": details.get("customer_level"), "age": details.get("customer_age")},
        "must": [dict(point) for point in must],
        "must_not": [dict(point) for point in must_not],
        "expect": expect,
    }


def _came(draft: DraftRecord) -> str:
    if draft.kind == "check":
        return "check"
    return draft.verdict if draft.verdict in ("blocked", "unknown") else "draft"


def _part(edit: Mapping[str, Any], side: str) -> str:
    text = mask(str(edit.get(side) or "")).strip()
    return text if len(text) > 1 else ""


def _is_fact(edit: Mapping[str, Any]) -> bool:
    return edit.get("category") in ("fact", "compliance")
