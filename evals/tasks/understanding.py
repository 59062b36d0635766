"""Question understanding: which product is named, and where the product looks for the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from assistant.reading import Want, read
from evals.cases import RetrievalCase
from evals.house import House
from evals.scores import Score

BY_WANT = {Want.RULE: "rule", Want.PLAYBOOK: "playbook", Want.GREETING: "chat", Want.HELP: "chat"}
BY_KIND = {
    "product": "product_fact",
    "faq": "known_question",
    "regulation": "rule",
    "playbook": "playbook",
    "transcript": "objection",
}


def run(house: House, case: RetrievalCase) -> dict[str, Any]:
    """The product named; the intent is what the product acts on: the wish that was read, else its best source."""
    found = house.retriever.search(case.question, scope=house.scope(case.userid), on=case.on, top_k=1)
    want = read(case.question).want
    kind = str(found.evidence[0].passage.kind) if found.evidence else ""
    return {
        "product": found.product_code,
        "candidates": list(found.candidates),
        "intent": BY_WANT.get(want) or BY_KIND.get(kind, "other"),
    }


def product(case: RetrievalCase, output: Mapping[str, Any]) -> Iterable[Score]:
    """The product that is named is found; where none is named, none is made up."""
    found = output["product"]
    if case.product is not None:
        yield Score("product", float(found == case.product), f"{found}, not {case.product}" * (found != case.product))
    else:
        yield Score("no_product", float(found is None), f"{found} was not named" if found else "")


def intent(case: RetrievalCase, output: Mapping[str, Any]) -> Iterable[Score]:
    """The intent, where the case says one."""
    if case.intent is not None:
        right = output["intent"] == case.intent
        yield Score("intent", float(right), "" if right else f"{output['intent']}, not {case.intent}")


SCORERS = (product, intent)
