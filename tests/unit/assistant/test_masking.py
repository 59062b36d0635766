"""Personal data out of sight, and what is nobody's in sight."""

from __future__ import annotations

import pytest

from assistant.masking import mask


@pytest.mark.parametrize(
    "words",
    ["月均资产 5 万元以上可享受贵宾服务。", "月日均资产600万元及以上的客户", "在我行资产达到50万元(含)以上"],
)
def test_what_a_rule_asks_of_anybody_is_nobodys_balance(words: str) -> None:
    assert mask(words) == words


def test_the_same_figure_said_of_somebody_is_masked() -> None:
    assert "50" not in mask("她账上有50万元以上")
