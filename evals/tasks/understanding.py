"""Question understanding: which product and which days are meant, and where the product looks for the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from assistant.reading import Want, read
from assistant.spoken_days import spoken_days
from evals.cases import UnderstandingCase
from evals.house import House
from evals.scores import Score

BY_WANT = {
    Want.RULE: "rule",
    Want.PLAYBOOK: "playbook",
    Want.MOMENTS: "moments",
    Want.CHECK: "check_text",
    Want.WHO_NEXT: "who_next",
    Want.DECISION: "decision",
    Want.GREETING: "small_talk",
    Want.HELP: "small_talk",
}
BY_KIND = {
    "product": "product_fact",
    "faq": "known_question",
    "regulation": "rule",
    "playbook": "playbook",
    "transcript": "objection",
}


def run(house: House, case: UnderstandingCase) -> dict[str, Any]:
    """Products as the search names them; the intent is what is acted on: the wish read, else the best source's kind."""
    scope = house.scope(case.userid)
    asked = house.asking.in_context(case.question, case.context, scope=scope, on=case.on)
    found = house.retriever.search(asked, scope=scope, on=case.on, top_k=1)
    days = spoken_days(case.question, on=case.on)
    want = read(case.question, has_draft=case.intent == "decision").want
    kind = str(found.evidence[0].passage.kind) if found.evidence else ""
    return {
        "product": found.product_code,
        "candidates": sorted(found.candidates),
        "intent": BY_WANT.get(want) or BY_KIND.get(kind, "other"),
        "time": [days.since.isoformat(), days.until.isoformat()] if days else None,
    }


def product(case: UnderstandingCase, output: Mapping[str, Any]) -> Iterable[Score]:
    """The product that is named is found; where none is named, none is made up; where several fit, they are given."""
    found = output["product"]
    if case.product is not None:
        yield Score("product", float(found == case.product), f"{found}, not {case.product}" * (found != case.product))
    else:
        yield Score("no_product", float(found is None), f"{found} was not named" if found else "")
    if case.candidates:
        right = set(output["candidates"]) == set(case.candidates)
        yield Score("asks_back", float(right), "" if right else f"gave {', '.join(output['candidates']) or 'none'}")


def intent(case: UnderstandingCase, output: Mapping[str, Any]) -> Iterable[Score]:
    """The intent, where the case says one."""
    if case.intent is not None:
        right = output["intent"] == case.intent
        yield Score("intent", float(right), "" if right else f"{output['intent']}, not {case.intent}")


def days(case: UnderstandingCase, output: Mapping[str, Any]) -> Iterable[Score]:
    """The days that the words mean, where they mean any."""
    if case.time is not None:
        wanted = [case.time.since.isoformat(), case.time.to.isoformat()]
        right = output["time"] == wanted
        yield Score("time", float(right), "" if right else f"{output['time']}, not {' to '.join(wanted)}")


SCORERS = (product, intent, days)
