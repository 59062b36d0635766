import threading
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.documents import WHOLE_BANK, DocumentKind, Passage, Scope, SearchResult
from knowledge.errors import IndexUnavailable
from knowledge.products import ProductSheet
from knowledge.retrieval.embedding import HashEmbedder, Vectors
from knowledge.retrieval.memory import PassagesInMemory
from knowledge.retrieval.search import KnowledgeRetriever
from knowledge.retrieval.vectors import ExactVectors
from tests.unit.knowledge.retrieval.passages import ON, passage, sheet

Sheets = list[tuple[ProductSheet, date, date | None]]

WY90 = sheet("SL-WY90", "示例理财稳盈90天持有期", "稳盈90天")
WY180 = sheet("SL-WY180", "示例理财稳盈180天持有期", "稳盈180天")
SHEETS: Sheets = [(WY90, date(2026, 1, 1), None), (WY180, date(2026, 1, 1), None)]
FAMILY = [
    passage(
        "wy90",
        "持有满90天后可以赎回，提前赎回不支持。",
        title="稳盈90天",
        product_code="SL-WY90",
        kind=DocumentKind.PRODUCT,
    ),
    passage(
        "wy180",
        "持有满180天后可以赎回，提前赎回不支持。",
        title="稳盈180天",
        product_code="SL-WY180",
        kind=DocumentKind.PRODUCT,
    ),
    passage("rule", "提前赎回以产品说明书为准。", title="提前赎回规则"),
    passage("gold", "黄金积存起点一克，价格随行就市。", title="黄金积存", known_questions=("黄金涨成这样还能买吗",)),
]


def retriever_of(*rows: Passage, sheets: Sheets | None = None, folder: Path | None = None) -> KnowledgeRetriever:
    source = PassagesInMemory(rows=rows, sheets=tuple(sheets or ()))
    return KnowledgeRetriever(source, folder=folder)


def ids(result: SearchResult) -> list[str]:
    return [found.passage.passage_id for found in result.evidence]


def test_the_named_product_comes_first_and_its_sister_last() -> None:
    retriever = retriever_of(*FAMILY, sheets=SHEETS)
    result = retriever.search("稳盈180天能提前赎回吗", scope=WHOLE_BANK, on=ON)
    assert result.product_code == "SL-WY180"
    assert ids(result)[0] == "wy180"
    assert ids(result).index("wy90") > ids(result).index("rule")
    assert not result.abstained


def test_a_name_of_several_products_leaves_candidates() -> None:
    result = retriever_of(*FAMILY, sheets=SHEETS).search("稳盈能提前赎回吗", scope=WHOLE_BANK, on=ON)
    assert result.product_code is None
    assert set(result.candidates) == {"SL-WY90", "SL-WY180"}
    assert set(ids(result)[:2]) == {"wy90", "wy180"}


def test_only_sheets_in_force_name_a_product() -> None:
    sheets: Sheets = [(WY90, date(2026, 1, 1), date(2026, 2, 1)), (WY180, date(2026, 4, 1), None)]
    retriever = retriever_of(*FAMILY, sheets=sheets)
    assert retriever.search("稳盈90天", scope=WHOLE_BANK, on=date(2026, 1, 31)).product_code == "SL-WY90"
    assert retriever.search("稳盈90天", scope=WHOLE_BANK, on=date(2026, 2, 1)).product_code is None
    assert retriever.search("稳盈180天", scope=WHOLE_BANK, on=date(2026, 4, 1)).product_code == "SL-WY180"


@pytest.mark.parametrize(
    "question", ["今天天气怎么样", "帮我写首诗", "稳盈45天能赎回吗", "？？？", "", "😀😀", "Where is the moon"]
)
def test_it_abstains_from_what_the_knowledge_does_not_speak_of(question: str) -> None:
    assert retriever_of(*FAMILY, sheets=SHEETS).search(question, scope=WHOLE_BANK, on=ON).abstained


@pytest.mark.parametrize("question", ["能提前赎回吗", "黄金还能买吗", "黃金漲成這樣還能買嗎", "积存起点是多少"])
def test_it_does_not_abstain_from_what_it_knows(question: str) -> None:
    assert not retriever_of(*FAMILY, sheets=SHEETS).search(question, scope=WHOLE_BANK, on=ON).abstained


def test_a_question_known_word_for_word_wins_over_more_talkative_passages() -> None:
    chatty = [passage(f"c{n}", "黄金还能买吗？" * 5 + "涨成这样", title="黄金能买吗") for n in range(3)]
    result = retriever_of(*FAMILY, *chatty).search("黄金涨成这样，还能买吗？", scope=WHOLE_BANK, on=ON)
    assert ids(result)[0] == "gold"
    assert result.evidence[0].scores["question"] > 0.99


def test_each_stage_says_its_score() -> None:
    best = retriever_of(*FAMILY, sheets=SHEETS).search("稳盈90天赎回", scope=WHOLE_BANK, on=ON).evidence[0]
    assert {"text", "dense", "fused", "product", "confidence"} <= best.scores.keys()


def test_only_asked_kinds_are_found() -> None:
    result = retriever_of(*FAMILY).search("提前赎回", scope=WHOLE_BANK, on=ON, kinds=frozenset({DocumentKind.PRODUCT}))
    assert set(ids(result)) == {"wy90", "wy180"}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-3, 3), st.none() | st.integers(-3, 3), st.frozensets(st.sampled_from(["east", "west"]))),
        max_size=6,
    ),
    st.integers(-4, 4),
    st.frozensets(st.sampled_from(["east", "west"])),
)
def test_nothing_expired_not_yet_valid_or_out_of_scope_is_ever_listed(
    rows: list[tuple[int, int | None, frozenset[str]]], asked: int, branches: frozenset[str]
) -> None:
    passages = [
        passage(
            f"p{number}",
            "提前赎回规则",
            effective_from=ON + timedelta(days=start),
            effective_until=None if end is None else ON + timedelta(days=end),
            branches=where,
        )
        for number, (start, end, where) in enumerate(rows)
    ]
    day, scope = ON + timedelta(days=asked), Scope(branches=branches)
    result = retriever_of(*passages).search("提前赎回", scope=scope, on=day)
    right = {
        p.passage_id
        for p in passages
        if p.effective_from <= day and (p.effective_until is None or day < p.effective_until) and scope.admits(p)
    }
    assert set(ids(result)) == right


def test_a_withdrawn_passage_is_gone_at_the_next_question(tmp_path: Path) -> None:
    source = PassagesInMemory(rows=tuple(FAMILY))
    retriever = KnowledgeRetriever(source, folder=tmp_path)
    assert "gold" in ids(retriever.search("黄金", scope=WHOLE_BANK, on=ON))
    source.replace(row for row in FAMILY if row.passage_id != "gold")
    assert "gold" not in ids(retriever.search("黄金", scope=WHOLE_BANK, on=ON))
    source.replace(FAMILY)
    assert ids(retriever.search("黄金", scope=WHOLE_BANK, on=ON))[0] == "gold"
    retriever.close()


def test_vectors_come_from_the_database_when_it_has_them() -> None:
    class CountingEmbedder(HashEmbedder):
        embedded = 0

        def embed(self, texts: Sequence[str]) -> Vectors:
            self.embedded += len(texts)
            return super().embed(texts)

    source, embedder = PassagesInMemory(rows=tuple(FAMILY)), CountingEmbedder()
    KnowledgeRetriever(source, embedder=embedder).refresh()
    assert embedder.embedded == len(FAMILY) + 1
    KnowledgeRetriever(source, embedder=embedder).refresh()
    assert embedder.embedded == len(FAMILY) + 1


def test_two_passages_with_the_same_text_are_both_found() -> None:
    result = retriever_of(passage("a", "封闭期不能赎回"), passage("b", "封闭期不能赎回")).search(
        "赎回", scope=WHOLE_BANK, on=ON
    )
    assert ids(result) == ["a", "b"]


def test_without_vectors_words_still_answer() -> None:
    class NoVectors(ExactVectors):
        def nearest(self, vector: Vectors, limit: int) -> list[tuple[str, float]]:
            raise IndexUnavailable(index="none")

    retriever = KnowledgeRetriever(PassagesInMemory(rows=tuple(FAMILY)), vectors=NoVectors())
    assert ids(retriever.search("黄金积存", scope=WHOLE_BANK, on=ON)) == ["gold"]


def test_many_threads_may_ask_while_knowledge_changes() -> None:
    source = PassagesInMemory(rows=tuple(FAMILY))
    retriever = KnowledgeRetriever(source)
    failures: list[Exception] = []

    def ask() -> None:
        try:
            for _ in range(30):
                found = retriever.search("提前赎回", scope=WHOLE_BANK, on=ON)
                assert ids(found)[0] in {"rule", "wy90", "wy180"}
        except Exception as exc:  # noqa: BLE001 - a thread must hand over whatever went wrong
            failures.append(exc)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(10):
        source.replace([*FAMILY, passage(f"new{number}", "国债")])
    for thread in threads:
        thread.join()
    assert not failures


class Torn(PassagesInMemory):
    """A database whose rows change between the revision being read and the rows."""

    def passages(self) -> Iterator[Passage]:
        rows = super().passages()
        if self._revision == 1:
            self.replace([*self.rows, passage("late", "国债三年期")])
        return rows


def test_a_change_during_the_reading_is_seen_at_the_next_question() -> None:
    retriever = KnowledgeRetriever(Torn(rows=tuple(FAMILY)))
    retriever.search("国债", scope=WHOLE_BANK, on=ON)
    assert ids(retriever.search("国债", scope=WHOLE_BANK, on=ON))[0] == "late"
    assert retriever.status.passages == len(FAMILY) + 1
