"""The breaker opens after failures in a row and lets one probe through."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from assistant.drafting.breaker import Breaker


def fail(breaker: Breaker, now: float) -> None:
    ticket = breaker.allow(now)
    assert ticket is not None
    breaker.report(ticket, False, now)


def opened() -> Breaker:
    breaker = Breaker(3, 30)
    for _ in range(3):
        fail(breaker, 0)
    return breaker


def test_it_opens_only_after_failures_in_a_row() -> None:
    breaker = Breaker(3, 30)
    fail(breaker, 0)
    fail(breaker, 1)
    ticket = breaker.allow(2)
    assert ticket is not None
    breaker.report(ticket, True, 2)
    fail(breaker, 3)
    fail(breaker, 4)
    assert not breaker.is_open
    fail(breaker, 5)
    assert breaker.is_open
    assert breaker.allow(6) is None


def test_one_probe_at_a_time_goes_out_when_the_pause_is_over() -> None:
    breaker = opened()
    assert breaker.allow(29.9) is None
    with ThreadPoolExecutor(8) as pool:
        tickets = [ticket for ticket in pool.map(lambda _: breaker.allow(30), range(50)) if ticket is not None]
    assert len(tickets) == 1


def test_a_failed_probe_opens_it_again_and_a_good_one_closes_it() -> None:
    breaker = opened()
    fail(breaker, 31)
    assert breaker.allow(60) is None
    ticket = breaker.allow(61)
    assert ticket is not None
    breaker.report(ticket, True, 62)
    assert not breaker.is_open
    assert breaker.allow(62) is not None


def test_a_probe_that_says_nothing_leaves_room_for_the_next() -> None:
    breaker = opened()
    ticket = breaker.allow(31)
    assert ticket is not None
    breaker.report(ticket, None, 31)
    assert breaker.is_open
    assert breaker.allow(31) is not None


def test_a_late_outcome_from_before_does_not_count_as_the_probe() -> None:
    breaker = Breaker(1, 30)
    late, first = breaker.allow(0), breaker.allow(0)
    assert late is not None
    assert first is not None
    breaker.report(first, False, 0)
    probe = breaker.allow(31)
    assert probe is not None
    breaker.report(late, True, 32)
    assert breaker.is_open
    assert breaker.allow(33) is None
