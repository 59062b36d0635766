"""Decisions in the conversation: what the last message does to the draft that came before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from evals.cases import DecisionCase
from evals.drafted import talking
from evals.house import House
from evals.scores import Score
from evals.wording import plain


def run(house: House, case: DecisionCase) -> dict[str, Any]:
    """The effect in the records: a decision, an outcome, a further draft, or nothing."""
    with talking(house, f"decisions:{case.id}", case.userid, case.on) as said:
        turns = [said(step, words, {}) for step, words in enumerate(case.says)]
    drafts = list(dict.fromkeys(turn.draft_id for turn in turns[:-1] if turn.draft_id))
    decided = [decision for draft_id in drafts for decision in house.records.decisions.of_draft(draft_id)]
    outcomes = [outcome for draft_id in drafts for outcome in house.records.decisions.outcomes_of(draft_id)]
    last = decided[-1] if decided else None
    fresh = turns[-1].draft_id if turns[-1].draft_id not in drafts else None
    return {
        "effect": _effect(house, last.decision if last else None, [o.kind for o in outcomes], fresh),
        "reason": (last.reason or "").split(":", 1)[0] or None if last else None,
        "final": last.final_text if last else None,
        "told": [message.text for message in turns[-1].messages],
    }


def _effect(house: House, decision: str | None, outcomes: list[str], fresh: str | None) -> str:
    if fresh is not None:
        return "another" if house.records.drafts.get(fresh).parent_draft_id else "asked"
    if outcomes:
        return f"outcome:{outcomes[-1]}"
    return decision or "nothing"


def effect(case: DecisionCase, output: Mapping[str, Any]) -> Iterable[Score]:
    """What was kept is what the member meant."""
    right = output["effect"] == case.effect
    yield Score("effect", float(right), "" if right else f"{output['effect']}, not {case.effect}")


def details(case: DecisionCase, output: Mapping[str, Any]) -> Iterable[Score]:
    """The reason of a rejection and the final text of an edit."""
    if case.reason is not None:
        right = output["reason"] == case.reason
        yield Score("reason", float(right), "" if right else f"{output['reason']}, not {case.reason}")
    if case.final is not None:
        yield Score("final", float(plain(output["final"] or "") == plain(case.final)))


SCORERS = (effect, details)
