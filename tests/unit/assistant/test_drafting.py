"""What holds for every draft over the sample bank: figures that stand in their sources, lengths, tones, suitability."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from assistant.answering import Question, Reply
from assistant.drafting.brief import CustomerFacts, DraftKind, Length, Tone, Writer
from assistant.drafting.likeness import likeness
from knowledge.documents import WHOLE_BANK
from knowledge.products import ProductSheet
from tests.house import TODAY, Bank

WRITER = Writer("rm003", "何敏", "城东支行")
ASKED = (
    "黄金涨成这样还能买吗|利息也太低了吧|别家银行都两个点了|这个保本吗|稳盈90天起购多少|稳盈90天能提前取吗|稳盈180天收益多少|"
    "天天利几点前赎回|三年定期利率多少|10万存三年利息多少|大额存单能转让吗|国债什么时候卖|个人养老金划算吗|提前还房贷划算吗|"
    "经营贷要什么条件|消费贷利率多少|账单分期手续费多少|孩子压岁钱怎么存|我再考虑考虑|不用了谢谢|别再给我发了|我要投诉你们|"
    "你是机器人吗|我妈刚住院了|有人让我转钱到安全账户|亏了这么多我要赎回|到期了怎么弄|我想退保|保险靠谱吗|美元存款利率多少|"
    "存十万送什么|手续费怎么收|风评过期了怎么办|利率还会降吗|中秋快乐|我得跟女儿商量|工资一发我就转走|积存金怎么卖|"
    "稳盈90天和天天利有什么区别|货币A会亏吗"
)
QUESTIONS = ASKED.split("|")
FIGURE = re.compile(r"\d+(?:\.\d+)?")
LIST_NUMBER = re.compile(r"^\d\. ", re.MULTILINE)
Ask = Callable[..., Reply]


TWO_WORDINGS = {"不用了谢谢", "别再给我发了", "我妈刚住院了"}  # careful situations hold two approved wordings, no more


@pytest.fixture(scope="module")
def ask(bank: Bank) -> Ask:
    pipeline = cache(bank.pipeline.__call__)  # equal questions have equal replies, which one test below proves

    def asked(words: str, **changes: Any) -> Reply:
        return pipeline(replace(Question(words, WRITER, WHOLE_BANK, TODAY), **changes))

    return asked


def sheet_of(bank: Bank, code: str) -> ProductSheet:
    found = bank.library.sheet(code, scope=WHOLE_BANK, on=TODAY)
    assert found is not None
    return found[0]


@pytest.mark.parametrize("words", QUESTIONS)
@pytest.mark.parametrize("length", list(Length))
def test_every_figure_of_a_draft_stands_in_a_passage_it_cites_or_in_the_question(
    ask: Ask, bank: Bank, words: str, length: Length
) -> None:
    reply = ask(words, length=length)
    if reply.text is None or reply.best is None:
        return
    cited = {citation.version_id for citation in reply.best.citations}
    sources = "\n".join(p.text + p.title for version in cited for p in bank.store.passages_of(version)) + words
    known = set(FIGURE.findall(sources))
    figures = {figure for figure in FIGURE.findall(LIST_NUMBER.sub("", reply.text)) if figure not in known}
    if "利息" in reply.text and words.startswith("10万"):
        figures = {figure for figure in figures if figure not in _interest(bank)}
    assert not figures, reply.text


def _interest(bank: Bank) -> set[str]:
    """What 10万 earns in three years at each published rate, worked out anew."""
    rates = [float(rate.rate.rstrip("%")) for rate in sheet_of(bank, "CK-DQ").rates]
    return {f"{100_000 * rate * 3 / 100:.0f}" for rate in rates} | {f"{100_000 * rate * 3 / 100:.2f}" for rate in rates}


@pytest.mark.parametrize("words", QUESTIONS)
def test_the_same_question_gives_the_same_draft(ask: Ask, bank: Bank, words: str) -> None:
    again = bank.pipeline(Question(words, WRITER, WHOLE_BANK, TODAY))
    assert again.text == ask(words).text


@pytest.mark.parametrize("words", QUESTIONS)
def test_shorter_is_shorter_and_longer_is_longer(ask: Ask, words: str) -> None:
    sizes = [len(ask(words, length=length).text or "") for length in (Length.SHORT, Length.MEDIUM, Length.LONG)]
    assert sizes == sorted(sizes)


def test_most_drafts_have_three_truly_different_lengths(ask: Ask) -> None:
    different = 0
    for words in QUESTIONS:
        sizes = {len(ask(words, length=length).text or "") for length in Length}
        different += len(sizes) == 3
    assert different >= 0.6 * len(QUESTIONS), f"{different} of {len(QUESTIONS)}"


@pytest.mark.parametrize("words", QUESTIONS)
def test_another_version_has_other_words_twice_in_a_row(ask: Ask, words: str) -> None:
    said: list[str] = []
    for variant in range(2 if words in TWO_WORDINGS else 3):
        text = ask(words, variant=variant, said=frozenset(said)).text
        if text is None:
            return
        assert text not in said
        said.append(text)


@pytest.mark.parametrize("words", QUESTIONS)
def test_politer_begins_with_a_greeting(ask: Ask, words: str) -> None:
    text = ask(words, tone=Tone.POLITE).text
    assert text is None or text.startswith("您好")


NAMED = ["稳盈90天起购多少", "稳盈90天能提前取吗", "稳盈180天收益多少", "货币A会亏吗"]


@pytest.mark.parametrize("length", Length)
@pytest.mark.parametrize("words", NAMED)
def test_a_product_with_a_risk_level_is_never_spoken_of_without_what_must_be_said(
    ask: Ask, bank: Bank, words: str, length: Length
) -> None:
    reply = ask(words, length=length)
    assert reply.text is not None
    assert reply.product_code is not None
    must_say = sheet_of(bank, reply.product_code).must_say[0].rstrip("。")
    assert must_say in reply.text or re.search(r"风险|谨慎", reply.text)
    assert re.search(r"非存款|不是存款|不等于存款|不保证|投资[须需]谨慎", reply.text)


@pytest.mark.parametrize("words", ["有什么理财推荐", "稳盈90天怎么样", "黄金还能买吗", "存款利率多少", "写点什么给他"])
@pytest.mark.parametrize("kind", [DraftKind.REPLY])
def test_who_opted_out_gets_no_marketing(ask: Ask, bank: Bank, words: str, kind: DraftKind) -> None:
    reply = ask(words, kind=kind, customer=CustomerFacts("C0016", "C3", 47, "曹先生", opted_out=True))
    text = reply.text or ""
    assert not any(name in text for name in bank.library.product_names(TODAY))
    assert not re.search(r"起购|推荐您|收益|要不要.{0,6}(看|买|存)", text)


@pytest.mark.parametrize("level", ["C1", "C2"])
@pytest.mark.parametrize("code", ["990025", "990026", "SL-QY", "SL-JX365"])
def test_a_product_above_the_customers_level_is_not_recommended(ask: Ask, bank: Bank, level: str, code: str) -> None:
    sheet = sheet_of(bank, code)
    assert sheet.risk_level is not None
    if sheet.risk_level[1] <= level[1]:
        pytest.skip("within the level")
    reply = ask(f"{sheet.name}现在能买吗", customer=CustomerFacts(level=level))
    assert reply.text is not None
    assert re.search(r"不能.{0,6}推荐|不匹配", reply.text)
    assert not re.search(r"起购|业绩比较基准|适合您|可以买", reply.text)


@pytest.mark.parametrize("level", ["C1", "C2", "C3", "C4", "C5"])
def test_only_products_within_the_level_are_listed(ask: Ask, bank: Bank, level: str) -> None:
    reply = ask("能买哪些产品", customer=CustomerFacts(level=level))
    assert reply.text is not None
    assert all(int(number) <= int(level[1]) for number in re.findall(r"R(\d)", reply.text))


@pytest.mark.parametrize("level", ["EXPIRED", "NONE"])
@pytest.mark.parametrize("words", ["稳盈90天怎么样", "能买哪些产品", "稳盈180天收益多少"])
def test_without_a_valid_assessment_the_assessment_comes_first(ask: Ask, level: str, words: str) -> None:
    text = ask(words, customer=CustomerFacts(level=level)).text
    assert text is not None
    assert "测评" in text
    assert not re.search(r"\d\.\d+%|起购", text)


def test_a_minor_is_offered_no_investment(ask: Ask) -> None:
    text = ask("稳盈90天怎么样", customer=CustomerFacts(level="C3", age=16)).text
    assert text is not None
    assert "监护人" in text


def test_two_relationship_managers_say_it_in_their_own_words(ask: Ask) -> None:
    others, some = 0, QUESTIONS[::3]
    for words in some:
        texts = {ask(words, writer=Writer(userid)).text for userid in ("rm001", "rm002", "rm004")}
        others += len(texts) > 1
    assert others >= len(some) / 2, f"{others} of {len(some)}"


def test_most_questions_are_answered_and_no_draft_says_one_sentence_twice(ask: Ask) -> None:
    unanswered = []
    for words in QUESTIONS:
        text = ask(words, length=Length.LONG).text
        if text is None:
            unanswered.append(words)
            continue
        parts = [part for part in re.split(r"[。！？\n]", text) if len(part) > 8]
        pairs = [(a, b) for number, a in enumerate(parts) for b in parts[number + 1 :]]
        assert not any(likeness(a, b) > 0.8 for a, b in pairs), text
    assert len(unanswered) <= 2, unanswered
