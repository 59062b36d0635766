"""End to end through WeCom's door: encrypted in over HTTP, stored, worked off, sent, arrived on the phone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from evals.cases import DoorCase
from evals.house import House
from evals.scores import Score
from evals.wording import first_held

APART_MIN = 5


def run(house: House, case: DoorCase) -> dict[str, Any]:
    """What arrives after each message. Raises: LookupError when this house has no phone."""
    if house.phone is None:
        raise LookupError("phone")
    place = int("".join(filter(str.isdigit, case.id)) or 0)  # WeCom counts and compares what one member got lately
    house.begin(f"wecom:{case.id}", case.on)
    house.forget(case.userid, now=house.clock.at)
    arrived = []
    for step, words in enumerate(case.says):
        at = house.set_clock(case.on, APART_MIN * place + step)
        arrived.append(list(house.phone.says(case.userid, words, at=at)))
    house.forget(case.userid, now=house.clock.at)
    return {"arrived": arrived}


def answered(case: DoorCase, output: Mapping[str, Any]) -> Iterable[Score]:
    """Nobody is left without an answer, and nothing arrives twice."""
    empty = sum(not texts for texts in output["arrived"])
    yield Score("answered", 1 - empty / len(case.says), f"{empty} without an answer" if empty else "")
    doubled = sum(len(texts) - len(set(texts)) for texts in output["arrived"])
    yield Score("doubled", float(doubled > 0), f"{doubled} twice" if doubled else "")
    least, most = case.messages
    count = len(output["arrived"][-1])
    yield Score("message_count", float(least <= count <= most), f"{count} messages")


def content(case: DoorCase, output: Mapping[str, Any]) -> Iterable[Score]:
    """What should come back does, and what should not does not."""
    text = "\n".join(output["arrived"][-1])
    if case.expect:
        missed = [point.any[0] for point in case.expect if first_held(text, point) is None]
        yield Score("content", 1 - len(missed) / len(case.expect), f"missed: {' / '.join(missed)}" if missed else "")
    if case.must_not:
        said = [held for point in case.must_not if (held := first_held(text, point))]
        yield Score("forbidden", float(bool(said)), f"said: {' / '.join(said)}" if said else "")


SCORERS = (answered, content)
