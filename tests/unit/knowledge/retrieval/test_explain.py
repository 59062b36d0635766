"""A search laid open, and questions that a passage is known not to answer."""

from datetime import date

import pytest

from knowledge.documents import WHOLE_BANK, DocumentKind, Passage, Scope
from knowledge.retrieval.admission import Reason, Refusal
from knowledge.retrieval.memory import PassagesInMemory
from knowledge.retrieval.ranking import StageWeights
from knowledge.retrieval.search import KnowledgeRetriever
from tests.unit.knowledge.retrieval.passages import ON, passage
from tests.unit.knowledge.retrieval.test_search import FAMILY, SHEETS

EARLY = passage(
    "early",
    "提前还款需提前十五天预约，不收违约金。",
    title="提前还款",
    known_questions=("房贷提前还款要收违约金吗",),
    counter_questions=("消费贷提前还款要收违约金吗",),
)
CONSUMER = passage("consumer", "消费贷款提前归还，按合同收取。", title="消费贷归还")


def retriever_of(*rows: Passage, **options: object) -> KnowledgeRetriever:
    return KnowledgeRetriever(PassagesInMemory(rows=rows, sheets=tuple(SHEETS)), **options)  # type: ignore[arg-type]


def ids(retriever: KnowledgeRetriever, question: str) -> list[str]:
    return [found.passage.passage_id for found in retriever.search(question, scope=WHOLE_BANK, on=ON).evidence]


@pytest.mark.parametrize("weights", [StageWeights(), StageWeights(dense=0.0)], ids=["with vectors", "words alone"])
def test_a_counter_question_puts_its_passage_last(weights: StageWeights) -> None:
    retriever = retriever_of(EARLY, CONSUMER, weights=weights)
    assert ids(retriever, "消费贷提前还款要收违约金吗？")[-1] == "early"
    assert ids(retriever, "房贷提前还款要收违约金吗")[0] == "early"
    best = retriever.search("消费贷提前还款要收违约金吗", scope=WHOLE_BANK, on=ON).evidence
    assert best[-1].scores["counter"] < 0
    assert "counter" not in best[0].scores


def test_a_passage_that_says_it_does_not_answer_gives_no_confidence() -> None:
    retriever = retriever_of(EARLY)
    assert retriever.search("消费贷提前还款要收违约金吗", scope=WHOLE_BANK, on=ON).abstained
    assert not retriever.search("房贷提前还款要收违约金吗", scope=WHOLE_BANK, on=ON).abstained


def test_a_question_that_is_both_known_and_countered_is_not_punished() -> None:
    both = passage("both", "按合同收取。", known_questions=("要收违约金吗",), counter_questions=("要收违约金吗",))
    found = retriever_of(both).search("要收违约金吗", scope=WHOLE_BANK, on=ON).evidence[0]
    assert "counter" not in found.scores


@pytest.mark.parametrize("question", ["稳盈180天能提前赎回吗", "黄金涨成这样还能买吗", "天气", ""])
def test_the_explanation_is_of_the_same_search(question: str) -> None:
    retriever = retriever_of(*FAMILY)
    searched = retriever.search(question, scope=WHOLE_BANK, on=ON, top_k=3)
    explained = retriever.explain(question, scope=WHOLE_BANK, on=ON, top_k=3)
    assert explained.result == searched
    assert explained.abstained == searched.abstained == (explained.confidence < explained.threshold)
    assert explained.product_code == searched.product_code
    assert [c.passage for c in explained.found[:3]] == [e.passage for e in searched.evidence]
    assert [c.score for c in explained.found[:3]] == [e.score for e in searched.evidence]


def test_every_stage_shows_score_and_rank() -> None:
    explained = retriever_of(*FAMILY).explain("稳盈180天能提前赎回吗", scope=WHOLE_BANK, on=ON)
    best = explained.found[0]
    assert best.rank == 1
    assert best.stages["text"].rank == 1
    assert best.stages["product"].score > 0
    assert best.stages["product"].rank is None
    [sister] = [c for c in explained.found if c.passage.passage_id == "wy90"]
    assert sister.reasons == (Reason(Refusal.OTHER_PRODUCT, "SL-WY90"),)


def test_what_was_filtered_out_says_every_reason() -> None:
    text = "积存金赎回规则与费用"
    rows = [
        passage("open", text),
        passage("expired", text, effective_until=date(2026, 2, 1)),
        passage("later", text, effective_from=date(2026, 5, 1)),
        passage("branch", text, branches=frozenset({"b2", "b1"})),
        passage("role", text, roles=frozenset({"compliance_officer"})),
        passage("line", text, lines=frozenset({"wealth"})),
        passage("law", text, kind=DocumentKind.REGULATION),
        passage("many", text, effective_until=date(2026, 2, 1), branches=frozenset({"b2"})),
    ]
    explained = retriever_of(*rows).explain(
        "积存金赎回费用", scope=Scope(frozenset({"b9"})), on=ON, kinds=frozenset({DocumentKind.FAQ}), top_k=8
    )
    assert [c.passage.passage_id for c in explained.found] == ["open"]
    assert {c.passage.passage_id: c.reasons for c in explained.filtered} == {
        "expired": (Reason(Refusal.EXPIRED, "2026-02-01"),),
        "later": (Reason(Refusal.NOT_YET_IN_FORCE, "2026-05-01"),),
        "branch": (Reason(Refusal.OTHER_BRANCH, "b1, b2"),),
        "role": (Reason(Refusal.OTHER_ROLE, "compliance_officer"),),
        "line": (Reason(Refusal.OTHER_LINE, "wealth"),),
        "law": (Reason(Refusal.OTHER_KIND, "regulation"),),
        "many": (Reason(Refusal.OTHER_BRANCH, "b2"), Reason(Refusal.EXPIRED, "2026-02-01")),
    }
    assert all(c.stages["text"].score > 0 for c in explained.filtered)


def test_what_would_not_have_ranked_is_not_listed_as_filtered() -> None:
    near = [passage(f"n{number}", "积存金赎回费用", title="积存金赎回费用") for number in range(3)]
    far = passage("far", "赎回" + "其他事项" * 50, branches=frozenset({"b2"}))
    explained = retriever_of(*near, far).explain("积存金赎回费用", scope=WHOLE_BANK, on=ON, top_k=3)
    assert explained.filtered == ()
