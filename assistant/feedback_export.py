"""The feedback ledger as lines for others to read: people as pseudonyms, customers' data masked.

The schema stands in docs/feedback-schema.md; a test keeps both in step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from assistant.masking import mask
from assistant.outgoing import text_hash
from assistant.pseudonyms import Pseudonyms
from assistant.records.decisions import DecisionRecord, OutcomeRecord
from assistant.records.drafts import DraftRecord
from assistant.records.records import Records
from knowledge.documents import Passage
from knowledge.stores.repository import KnowledgeStore

_FAR = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class FeedbackExport:
    """Writes decisions, oldest first; the last one about a draft counts."""

    records: Records
    store: KnowledgeStore
    people: Pseudonyms

    def lines(self, *, since: datetime | None = None) -> Iterator[dict[str, Any]]:
        """One JSON-ready line for each decision taken from `since` on."""
        decisions = self.records.decisions
        names = self._names()
        for decision in decisions.all() if since is None else decisions.between(since, _FAR):
            draft = self.records.drafts.get(decision.draft_id)
            yield self._line(decision, draft, names)

    def _names(self) -> dict[str, str]:
        """Full names of staff with what stands for them; one character is no name."""
        return {m.name: f"[{self.people.of(m.userid)}]" for m in self.records.staff.all() if len(m.name) > 1}

    def _line(self, decision: DecisionRecord, draft: DraftRecord, names: dict[str, str]) -> dict[str, Any]:
        def clean(value: Any) -> Any:
            return _cleaned(value, names)

        return {
            "feedback_id": decision.feedback_id,
            "draft_id": draft.draft_id,
            "at": decision.decided_at.astimezone(UTC).isoformat(),
            "relationship_manager": self.people.of(decision.userid),
            "kind": draft.kind,
            "decision": decision.decision,
            "draft_text": clean(draft.text),
            "final_text": clean(_final_text(decision, draft)),
            "edits": [
                clean({key: edit[key] for key in ("op", "before", "after", "category")}) for edit in decision.edits
            ],
            "reason": clean(decision.reason),
            "citations": self._citations(draft),
            "prompt": draft.prompt_id or None,
            "rule_pack": draft.rule_pack or None,
            "drafter": draft.drafter,
            "sent": {"how": decision.how, "text_hash": decision.sent_hash},
            "outcomes": [
                self._outcome(outcome, names) for outcome in self.records.decisions.outcomes_of(draft.draft_id)
            ],
        }

    def _outcome(self, outcome: OutcomeRecord, names: dict[str, str]) -> dict[str, Any]:
        return {
            "kind": outcome.kind,
            "at": outcome.recorded_at.astimezone(UTC).isoformat(),
            "recorded_by": self.people.of(outcome.recorded_by) if outcome.recorded_by else None,
            "body": _cleaned(dict(outcome.body), names),
        }

    def _citations(self, draft: DraftRecord) -> list[dict[str, Any]]:
        found = self.store.passages_by_ids([item.passage_id for item in draft.evidence])
        return [_citation(item.passage_id, item.quote, found.get(item.passage_id)) for item in draft.evidence]


def _final_text(decision: DecisionRecord, draft: DraftRecord) -> str | None:
    """What went out: the edited text, or the draft as it stood; None when nothing did."""
    if decision.decision == "accepted" and decision.final_text is None:
        sent_as_drafted = decision.sent_hash in (None, text_hash(draft.text))
        return draft.text if sent_as_drafted else None
    return decision.final_text


def _citation(passage_id: str, quote: str, passage: Passage | None) -> dict[str, Any]:
    return {
        "document_id": passage.document_id if passage else None,
        "title": passage.title if passage else None,
        "version": passage.version if passage else None,
        "passage_id": passage_id,
        "quote": quote,
    }


def _cleaned(value: Any, names: dict[str, str]) -> Any:
    """Personal data masked and staff renamed in every text within `value`."""
    if isinstance(value, str):
        for name, alias in names.items():
            value = value.replace(name, alias)
        return mask(value)
    if isinstance(value, dict):
        return {key: _cleaned(item, names) for key, item in value.items()}
    return [_cleaned(item, names) for item in value] if isinstance(value, (list, tuple)) else value
