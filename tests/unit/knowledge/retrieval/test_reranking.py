"""The first candidates judged again: in the judge's order, its score shown, and never at the price of an answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from knowledge.documents import Evidence, Scope
from knowledge.errors import ModelUnusable
from knowledge.retrieval.memory import PassagesInMemory
from knowledge.retrieval.onnx_reranker import OnnxReranker
from knowledge.retrieval.reranking import Reranking, load_reranker, merged
from knowledge.retrieval.search import KnowledgeRetriever
from tests.unit.knowledge.retrieval.onnx_models import embedder_folder, reranker_folder
from tests.unit.knowledge.retrieval.passages import ON, passage

QUESTION = "提前赎回手续费多少"


class Judge:
    """Scores by rule, and remembers what it was asked."""

    reranker_id = "rule"

    def __init__(self, rule: Callable[[str], float]) -> None:
        self.rule, self.asked = rule, list[Sequence[str]]()

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        self.asked.append(texts)
        return [self.rule(text) for text in texts]


def found(*names: str) -> list[Evidence]:
    """Evidence in this order, a tenth apart."""
    scores = [1 - place / 10 for place in range(len(names))]
    return [
        Evidence(passage(name, f"正文{name}"), score, {"fused": score})
        for name, score in zip(names, scores, strict=True)
    ]


def names(evidence: Sequence[Evidence]) -> list[str]:
    return [each.passage.passage_id for each in evidence]


def test_the_first_are_put_in_the_judges_order_and_the_rest_stay_behind() -> None:
    judge = Judge(lambda text: {"a": 0.1, "b": 0.9, "c": 0.5}.get(text[-1], 1.0))
    after = Reranking(judge, top_n=3).reordered(QUESTION, found("a", "b", "c", "d", "e"))
    assert names(after) == ["b", "c", "a", "d", "e"]
    assert [each.scores.get("rerank") for each in after] == [0.9, 0.5, 0.1, None, None]
    assert [each.score for each in after] == sorted((each.score for each in after), reverse=True)
    assert len(judge.asked[0]) == 3


def test_what_lowered_a_passage_before_lowers_it_still() -> None:
    of_another_product = Evidence(passage("x", "别的产品"), 0.4, {"fused": 0.9, "product": -0.5})
    of_this_product = Evidence(passage("y", "这个产品"), 0.9, {"fused": 0.4, "product": 0.5})
    assert names(merged([of_another_product, of_this_product], {"x": 0.9, "y": 0.3})) == ["y", "x"]


def test_a_passage_that_says_it_does_not_answer_this_is_not_judged() -> None:
    warned = Evidence(passage("w", "不适用"), -2.0, {"fused": 0.9, "counter": -2.9})
    judge = Judge(lambda text: 0.9 if text.endswith("b") else 0.1)
    assert names(Reranking(judge).reordered(QUESTION, [*found("a", "b"), warned])) == ["b", "a", "w"]
    assert all("不适用" not in text for text in judge.asked[0])


@pytest.mark.parametrize("wrong", [lambda _: 1 / 0, lambda _: 2.0, lambda _: float("nan")])
def test_after_a_failure_the_order_is_what_it_was(wrong: Callable[[str], float]) -> None:
    evidence = found("a", "b")
    assert Reranking(Judge(wrong)).reordered(QUESTION, evidence) == evidence


def test_one_that_is_late_is_left_and_nobody_waits_for_it_again() -> None:
    gate, evidence = threading.Event(), found("a", "b")
    judge = Judge(lambda text: float(gate.wait(20)) * (0.9 if text.endswith("b") else 0.1))
    reranking = Reranking(judge, timeout_s=0.1)
    assert reranking.reordered(QUESTION, evidence) == evidence
    began = time.monotonic()
    assert all(reranking.reordered(QUESTION, evidence) == evidence for _ in range(20))
    assert time.monotonic() - began < 1
    gate.set()
    patient = time.monotonic() + 10
    while names(reranking.reordered(QUESTION, evidence)) != ["b", "a"]:
        assert time.monotonic() < patient
    reranking.close()
    assert reranking.reordered(QUESTION, evidence) == evidence


@pytest.mark.parametrize("labels", [1, 2])
def test_a_cross_encoder_in_an_onnx_folder_reads_question_and_text_together(tmp_path: Path, labels: int) -> None:
    folder = reranker_folder(tmp_path / "m", labels=labels)
    scores = load_reranker(str(folder)).scores("工资卡", ["手续费", "赎回手续费，提前赎回", "存款" * 30])
    assert scores[1] > scores[0] > scores[2] == pytest.approx(0.5)
    assert all(0 <= score <= 1 for score in scores)
    with pytest.raises(ModelUnusable):
        load_reranker(str(tmp_path / "nowhere"))


def test_a_graph_that_gives_no_logits_changes_nothing(tmp_path: Path) -> None:
    evidence = found("a", "b")
    with pytest.raises(ModelUnusable):
        OnnxReranker(embedder_folder(tmp_path / "m")).scores(QUESTION, ["a"])
    assert Reranking(OnnxReranker(tmp_path / "m")).reordered(QUESTION, evidence) == evidence


def test_search_and_explanation_show_the_judges_order_and_score() -> None:
    rows = tuple(passage(name, f"提前赎回要收手续费，见第{name}条。", title="赎回") for name in ("a", "b", "c"))
    source = PassagesInMemory(rows=rows)
    judge = Judge(lambda text: 0.99 if "第c条" in text else 0.2)
    retriever = KnowledgeRetriever(source, reranking=Reranking(judge))
    plain = KnowledgeRetriever(source).search(QUESTION, scope=Scope(), on=ON)
    result = retriever.search(QUESTION, scope=Scope(), on=ON)
    assert names(result.evidence) == ["c", *(name for name in names(plain.evidence) if name != "c")]
    assert result.evidence[0].scores["rerank"] == 0.99
    shown = retriever.explain(QUESTION, scope=Scope(), on=ON).found[0]
    assert (shown.passage.passage_id, shown.stages["rerank"].score, shown.stages["rerank"].rank) == ("c", 0.99, 1)
    retriever.close()


if find_spec("sentence_transformers"):  # the extra `neural`

    def test_a_cross_encoder_of_sentence_transformers_scores_pairs(tmp_path: Path) -> None:
        from tests.unit.knowledge.retrieval.bert_models import cross_encoder

        scores = load_reranker(str(cross_encoder(tmp_path))).scores("工资卡", ["手续费", "提前赎回"])
        assert len(scores) == 2
        assert all(0 < score < 1 for score in scores)
