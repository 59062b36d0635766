"""Reply drafting: the points that must be made, those that must not, figures, sources, length, next step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from evals.cases import DraftingCase
from evals.drafted import as_output, draft, draft_in_talk
from evals.house import House
from evals.scores import Score
from evals.tasking import words_of
from evals.wording import figure_stands, first_held, holds, rates


def run(house: House, case: DraftingCase) -> dict[str, Any]:
    """The draft that an RM gets; with `context`, as the last message of a conversation."""
    name, about = f"drafting:{case.id}", case.customer
    if case.context:
        says = (*case.context, case.question)
        record = draft_in_talk(house, name, says, on=case.on, userid=case.userid, level=about.level, age=about.age)
    else:
        known = {"customer_level": about.level, "customer_age": about.age}
        record = draft(house, name, case.question, on=case.on, userid=case.userid, **known)
    output = as_output(house, record, level=about.level)
    output["outcome"] = outcome(output)
    return output


def outcome(output: Mapping[str, Any]) -> str:
    """What came: check, blocked, unknown, answer (to the RM) or draft (for the customer)."""
    if output["kind"] == "check":
        return "check"
    if output["verdict"] in ("blocked", "unknown"):
        return str(output["verdict"])
    return "answer" if output["kind"] == "answer" else "draft"


def expectation(case: DraftingCase, output: Mapping[str, Any]) -> Iterable[Score]:
    """A draft where one is due, and none where nothing carries it."""
    came = output["outcome"]
    right = came == case.expect or {came, case.expect} == {"draft", "answer"}
    yield Score("expected", float(right), "" if right else f"{came}, not {case.expect}")


def points(case: DraftingCase, output: Mapping[str, Any]) -> Iterable[Score]:
    """The share of key points made in the first draft, and whether a forbidden one is made in any."""
    text = _first(output)
    if case.must:
        missed = [point for point in case.must if first_held(text, point) is None]
        share = 1 - len(missed) / len(case.must)
        yield Score("key_points", share, f"missed: {' / '.join(p.any[0] for p in missed)}" if missed else "")
    if case.must_not:
        said = [held for point in case.must_not for t in output["texts"] if (held := first_held(t, point))]
        yield Score("forbidden", float(bool(said)), f"said: {' / '.join(dict.fromkeys(said))}" if said else "")


def figures(case: DraftingCase, output: Mapping[str, Any]) -> Iterable[Score]:
    """Figures that should stand there do; and every rate that stands there is in a cited passage or the question."""
    text = _first(output)
    if case.figures:
        missed = [figure for figure in case.figures if not figure_stands(text, figure)]
        yield Score("figures", 1 - len(missed) / len(case.figures), f"missed: {' '.join(missed)}" if missed else "")
    if output["kind"] == "check" or not output["texts"]:
        return
    given = rates("\n".join((*output["sources"], case.question, *case.context)))
    loose = sorted(str(rate) for t in output["texts"] for rate in rates(t) - given)
    yield Score("ungrounded", float(bool(loose)), f"in no source: {' '.join(loose)}" if loose else "")


def sources(case: DraftingCase, output: Mapping[str, Any]) -> Iterable[Score]:
    """One of the documents that should be cited is."""
    if case.cites:
        hit = bool(set(case.cites) & set(output["cited"]))
        yield Score("cited", float(hit), "" if hit else f"cites {', '.join(output['cited']) or 'nothing'}")


def form(case: DraftingCase, output: Mapping[str, Any]) -> Iterable[Score]:
    """Length within bounds, and something that the customer can do next."""
    text = _first(output)
    if not text:
        return
    if case.length:
        least, most = case.length
        yield Score("length", float(least <= len(text) <= most), f"{len(text)} characters")
    if case.next_step:
        cues = words_of("drafting", "next_step")
        yield Score("next_step", float(any(holds(text, cue) for cue in cues)))


def red_lines(case: DraftingCase, output: Mapping[str, Any]) -> Iterable[Score]:
    """No text that may be sent breaks a rule that blocks."""
    if output["texts"] and output["kind"] != "check":
        yield Score("red_line", float(bool(output["red_lines"])), ", ".join(output["red_lines"]))


def _first(output: Mapping[str, Any]) -> str:
    return str(output["texts"][0]) if output["texts"] else ""


SCORERS = (expectation, points, figures, sources, form, red_lines)
