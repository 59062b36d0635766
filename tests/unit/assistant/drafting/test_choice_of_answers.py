"""What the composer answers over the sample bank: the matter that was asked, said once, refused where it must be."""

from __future__ import annotations

import pytest

from assistant.answering import Question, Reply
from assistant.drafting.brief import CustomerFacts, Length, Writer
from assistant.drafting.product_rest import still_to_say
from knowledge.documents import WHOLE_BANK
from tests.house import TODAY, Bank

WRITER = Writer("rm003", "何敏", "城东支行")


def ask(bank: Bank, words: str, **facts: object) -> Reply:
    customer = CustomerFacts(**facts)  # type: ignore[arg-type]  # the facts differ from test to test
    return bank.pipeline(Question(words, WRITER, WHOLE_BANK, TODAY, customer=customer))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("能帮我刷点流水吗", "帮不了"),
        ("给我留点内部额度", "没有内部额度"),
        ("我把账号密码给你，你帮我操作", "千万别发我"),
        ("能不能帮我查下我老婆的余额", "不能查"),
        ("老板让我把工资卡借他用", "不能出租、出借"),
        ("帮我垫一下，过两天还你", "不能有资金往来"),
        ("借钱炒股行不行", "不可以"),
        ("买你们基金送什么", "不许拿礼品"),
    ],
)
def test_an_improper_request_gets_a_clear_and_kind_no(bank: Bank, words: str, told: str) -> None:
    assert told in (ask(bank, words).text or "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("你们理财靠谱吗", "登记编码"),
        ("一年定期和国债哪个好", "选一年定期"),
        ("年金要交多少年", "缴费期"),
        ("我78岁了想买点收益高的", "图个稳"),
        ("我想了解下颐享年金", "每年领一笔"),
        ("提前还贷划算吗", "拿两个数比"),
        ("养老金账户里买啥好", "按离退休的年头"),
        ("稳盈90天和天天利有什么区别", "主要差在"),
        ("黄金ETF联接跟积存金啥区别", "提不出实物"),
    ],
)
def test_the_matter_that_was_asked_is_answered(bank: Bank, words: str, told: str) -> None:
    assert told in (ask(bank, words).text or "")


@pytest.mark.parametrize("words", ["宝贝成长基金能买吗", "如意365多少利率", "安心宝还有吗", "聚财通5号收益多少"])
def test_a_product_that_does_not_exist_gets_no_answer_about_another_one(bank: Bank, words: str) -> None:
    assert ask(bank, words).text is None


@pytest.mark.parametrize(("words", "level"), [("C2能买R4吗", "C2"), ("我测评C1，想买稳盈行不行", "C1")])
def test_what_is_out_of_reach_is_refused_before_anything_is_listed(bank: Bank, words: str, level: str) -> None:
    text = ask(bank, words, level=level).text or ""
    assert text.index(level) < text.index("我不能给您推荐") < text.index("货币A")


def test_no_article_of_law_is_quoted_into_a_customers_chat(bank: Bank) -> None:
    assert "（摘要）" not in (ask(bank, "62岁能买基金不").text or "")


def test_the_closing_question_does_not_ask_for_what_was_given(bank: Bank) -> None:
    assert "存多少" not in (ask(bank, "10万存三年多少利息").text or "")


def test_what_the_answer_has_said_is_not_said_again(bank: Bank) -> None:
    text = ask(bank, "e贷利率多少").text or ""
    assert text.count("3.60%") == 2  # once as interest, once as the whole cost
    assert "明示表为准" in text


def test_what_must_be_said_stays_whole_when_nothing_of_it_was_said(bank: Bank) -> None:
    opened = bank.library.sheet("DK-XF", scope=WHOLE_BANK, on=TODAY)
    assert opened is not None
    said = still_to_say(opened[0], opened[1], Length.MEDIUM, "")
    assert [s.text.rstrip("。") for s in said] == [text.rstrip("。") for text in opened[0].must_say[:2]]


@pytest.mark.parametrize("words", ["信用卡年费多少", "换点欧元出国用"])
def test_a_fact_that_nothing_states_is_not_answered_with_a_neighbouring_one(bank: Bank, words: str) -> None:
    assert ask(bank, words).text is None


@pytest.mark.parametrize(
    ("words", "figure"),
    [
        ("国债3年利率多少", "1.63%"),
        ("三年期大额存单利率多少", "1.55%"),
        ("稳盈90天收益多少", "1.95%-2.55%"),
        ("积存金手续费多少", "0.50%"),
    ],
)
def test_a_figure_of_a_named_product_is_read_from_its_sheet(bank: Bank, words: str, figure: str) -> None:
    assert figure in (ask(bank, words).text or "")
