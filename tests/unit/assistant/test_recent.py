"""What WeCom would drop silently is told apart or known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from assistant.recent import MOST, RecentTexts

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def test_a_text_sent_within_the_window_is_known_and_later_forgotten() -> None:
    recent = RecentTexts({}, NOW)
    recent.note("记下了")
    assert RecentTexts(recent.stored, NOW + timedelta(minutes=9)).holds(["别的", "记下了"])
    assert not RecentTexts(recent.stored, NOW + timedelta(minutes=11)).holds(["记下了"])
    assert not recent.holds([None, ""])


def test_a_repeat_is_told_apart_also_within_one_second() -> None:
    recent = RecentTexts({}, NOW)
    sent = []
    for number in range(3):
        text = recent.told_apart("在的", number)
        recent.note(text)
        sent.append(text)
    assert len(set(sent)) == 3
    assert sent[0] == "在的"


def test_many_messages_push_out_the_oldest_only() -> None:
    recent = RecentTexts({}, NOW)
    recent.note("最早")
    for number in range(MOST - 1):
        recent.note(f"第{number}条")
    recent.note("最早")  # said again: it is the newest now
    recent.note("又一条")
    kept = RecentTexts(recent.stored, NOW)
    assert kept.holds(["最早"])
    assert not kept.holds(["第0条"])
