import pytest

from knowledge.products import Term
from knowledge.retrieval.products import ProductNames
from knowledge.retrieval.rewriting import rewrite
from tests.unit.knowledge.retrieval.passages import sheet

NAMES = ProductNames(
    [
        sheet("LX-60", "灵犀60天持有期", "灵犀60天", "灵犀60", term=Term(text="60天", days=60)),
        sheet("LX-120", "灵犀120天持有期", "灵犀120天", "灵犀120", term=Term(text="120天", days=120)),
        sheet("KX-A", "康信中证A", "康信A"),
        sheet("KX-C", "康信中证C", "康信C"),
        sheet("QT", "七天通知存款", "通知存款"),
    ]
)


@pytest.mark.parametrize(
    ("turns", "question", "code"),
    [
        (["灵犀60天几点截止"], "那120的呢", "LX-120"),
        (["灵犀120天起购多少"], "短一点的那只呢", "LX-60"),
        (["康信A申购费多少", "千分之一"], "C的那个呢", "KX-C"),
        (["通知存款几万起"], "提前多久说", "QT"),
        (["灵犀60天", "好的", "康信C收费吗"], "卖的时候扣多少", "KX-C"),
    ],
)
def test_the_product_is_carried_over_or_turned_to_its_sibling(turns: list[str], question: str, code: str) -> None:
    assert NAMES.resolve(rewrite(question, turns, NAMES)).code == code


@pytest.mark.parametrize(
    "question", ["康信C收费吗", "房贷提前还要违约金吗", "那条短一点", "我想投诉", "客户一直不回消息怎么办呢"]
)
def test_a_question_with_a_subject_of_its_own_stays_as_it_is(question: str) -> None:
    assert rewrite(question, ["灵犀60天几点截止"], NAMES) == question


def test_without_a_talk_before_it_nothing_is_added() -> None:
    assert rewrite("那120的呢", [], NAMES) == "那120的呢"


def test_what_was_asked_comes_along_when_the_question_only_points() -> None:
    assert "起购" in rewrite("那120的呢", ["灵犀60天起购多少"], NAMES)
    assert "起购" not in rewrite("那120的几天到账", ["灵犀60天起购多少"], NAMES)
