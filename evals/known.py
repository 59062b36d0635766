"""Metrics whose answers were worked out by hand: a metric that is wrong for Chinese must not pass unnoticed."""

from __future__ import annotations

from collections.abc import Callable
from math import log2

from evals.cases import Label
from evals.metrics import ndcg, recall, reciprocal_rank
from evals.statistics import holm, mean_interval, paired, wilson
from evals.tasks.retrieval import labelled
from evals.wording import containment, figure_stands, holds, longest_shared_run, rates

GRADES = {"甲": 3, "乙": 1}
SENTENCE = "三年期定期存款年利率1.25%，提前支取按活期计息。"
REORDERED = "提前支取按活期计息。三年期定期存款年利率1.25%，"
ELSEWHERE = "周末网点有插花活动，欢迎带孩子来。"
PASSAGES = [{"document": "d1", "text": "一年期 0.95%"}, {"document": "d1", "text": "三年期 1.25%"}]
LABELS = (Label(document="d1", says="1.25%", grade=3), Label(document="d2", grade=2))

KNOWN: dict[str, tuple[Callable[[], float], float]] = {
    "nDCG of the ideal order is 1": (lambda: ndcg(["甲", "乙"], GRADES, at=10), 1.0),
    "nDCG with the two exchanged": (
        lambda: ndcg(["乙", "甲"], GRADES, at=10),
        (1 + 3 / log2(3)) / (3 + 1 / log2(3)),
    ),
    "nDCG of nothing relevant is 0": (lambda: ndcg(["丙"], GRADES, at=10), 0.0),
    "recall of one of two": (lambda: recall(["丙", "甲"], GRADES, at=5), 0.5),
    "reciprocal rank of the third": (lambda: reciprocal_rank(["x", "y", "乙"], GRADES, at=10), 1 / 3),
    "a label wants the passage that says it": (
        lambda: recall(labelled(LABELS, PASSAGES), {"0": 3, "1": 2}, at=5),
        0.5,
    ),
    "a Chinese sentence holds itself whole": (lambda: containment(SENTENCE, SENTENCE), 1.0),
    "a sentence about something else shares nothing": (lambda: containment(SENTENCE, ELSEWHERE), 0.0),
    "reordering does not hide a copy": (lambda: float(containment(SENTENCE, REORDERED) > 0.8), 1.0),
    "longest shared run": (lambda: float(longest_shared_run("一二三四五六", "九三四五八")), 3.0),
    "1.10% and １．１ ％ are one rate": (lambda: float(rates("利率1.10%") == rates("利率１．１ ％")), 1.0),
    "1.3% does not stand in 1.30 percent's neighbour 11.3%": (lambda: float(figure_stands("11.3%", "1.3%")), 0.0),
    "a sum stands with and without its comma": (lambda: float(figure_stands("共1,000元", "1000元")), 1.0),
    "words stand whatever their width": (lambda: float(holds("稳盈９０天 持有期", "稳盈90天持有")), 1.0),
    "negated words still stand: wording is no judgement": (lambda: float(holds("不保本", "保本")), 1.0),
    "Wilson: no failure in 200": (lambda: round(1 - wilson(1.0, 200)[0], 4), 0.0188),
    "an interval holds its mean": (lambda: _inside(mean_interval([0.0, 1.0, 1.0, 0.0], ["a", "b", "c", "d"])), 1.0),
    "one cluster says nothing about the next": (
        lambda: float(mean_interval([1.0] * 40 + [0.0] * 40, ["a"] * 40 + ["b"] * 40).low),
        0.0,
    ),
    "no difference has p 1": (lambda: paired([0.0, 0.0], ["a", "b"]).p, 1.0),
    "twelve gains of twelve are no accident": (
        lambda: float(paired([0.5] * 12, [str(n) for n in range(12)]).p < 0.01),
        1.0,
    ),
    "Holm corrects the smallest of three by three": (lambda: holm({"a": 0.01, "b": 0.5, "c": 0.6})["a"], 0.03),
}


def _inside(interval: object) -> float:
    low, value, high = (float(getattr(interval, name)) for name in ("low", "value", "high"))
    return float(low <= value <= high)
