import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from evals.retrieval import BadSet, measure

ROOT = Path(__file__).parents[3]
SHARED = ROOT.parent / "shared" / "data" / "benchmarks"

CORPUS: list[dict[str, object]] = [
    {"id": "redeem", "title": "提前赎回", "text": "封闭期内不支持提前赎回。", "aliases": ["急用钱能取出来吗"]},
    {"id": "gold", "title": "黄金积存", "text": "一克起。", "aliases": None, "category": "不认识的字段"},
    {"id": 3, "text": "国债三年期"},
    {"id": "loan", "title": "急用钱怎么办", "text": "急用钱可以申请消费贷。"},
]
QUERIES = [
    {"id": "q1", "text": "可以提前赎回吗"},
    {"id": "q2", "text": "急用钱，能取出来吗？"},
    {"id": "unjudged", "text": "国债"},
]
QRELS = "q1\tredeem\t1\nq1\tgold\t0\nq2\tredeem\t2\n"


def write(folder: Path, *, corpus: str | None = None, queries: str | None = None, qrels: str = QRELS) -> list[Path]:
    files = [folder / "corpus.jsonl", folder / "queries.jsonl", folder / "qrels.tsv"]
    for path, text in zip(files, (corpus or lines(CORPUS), queries or lines(QUERIES), qrels), strict=True):
        path.write_text(text, encoding="utf-8")
    return files


def lines(rows: Sequence[Mapping[str, object]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def test_the_report_has_exactly_the_keys_of_the_contract(tmp_path: Path) -> None:
    report = measure(*write(tmp_path), aliases=True)
    assert list(report) == [
        "ndcg@10", "recall@5", "recall@10", "mrr@10", "p50_ms", "p95_ms", "index_s", "passages", "queries", "peak_mb",
    ]  # fmt: skip
    assert report["passages"] == 4
    assert report["queries"] == 2
    assert report["recall@5"] == 1


def test_aliases_are_searched_only_when_asked_for(tmp_path: Path) -> None:
    files = write(tmp_path)
    without, with_aliases = measure(*files, aliases=False), measure(*files, aliases=True)
    assert with_aliases["ndcg@10"] > without["ndcg@10"]


@pytest.mark.parametrize(
    ("broken", "where", "why"),
    [
        ({"corpus": '{"id": "a", "text": "b"}\n{"id": '}, "corpus.jsonl, line 2", "JSON"),
        ({"corpus": '{"id": "a"}\n'}, "corpus.jsonl, line 1", "text"),
        ({"corpus": '{"id": "a", "text": "b"}\n\n{"id": "a", "text": "c"}\n'}, "corpus.jsonl, line 3", "twice"),
        ({"corpus": "\n"}, "corpus.jsonl", "nothing"),
        ({"queries": '["q1"]\n'}, "queries.jsonl, line 1", ""),
        ({"qrels": "q1\tredeem\t1\nq9\tredeem\t1\n"}, "qrels.tsv, line 2", "q9"),
        ({"qrels": "q1\tnowhere\t1\n"}, "qrels.tsv, line 1", "nowhere"),
        ({"qrels": "q1 redeem 1\n"}, "qrels.tsv, line 1", "tabs"),
        ({"qrels": "q1\tredeem\tyes\n"}, "qrels.tsv, line 1", "grade"),
        ({"qrels": "q1\tredeem\t0\n"}, "qrels.tsv", "no query"),
    ],
)
def test_bad_input_names_file_and_line(tmp_path: Path, broken: dict[str, str], where: str, why: str) -> None:
    with pytest.raises(BadSet) as caught:
        measure(*write(tmp_path, **broken), aliases=False)
    assert where in str(caught.value)
    assert why in str(caught.value)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    corpus, queries, qrels = write(tmp_path)
    queries.unlink()
    with pytest.raises(BadSet, match=r"queries\.jsonl"):
        measure(corpus, queries, qrels, aliases=False)


def test_text_in_another_encoding_is_refused(tmp_path: Path) -> None:
    corpus, queries, qrels = write(tmp_path)
    corpus.write_bytes("赎回".encode("gb18030"))
    with pytest.raises(BadSet, match="UTF-8"):
        measure(corpus, queries, qrels, aliases=False)


@pytest.mark.parametrize(("aliases", "ndcg", "recall"), [(False, 0.69, 0.77), (True, 0.82, 0.89)])
def test_bank_customers_questions_find_their_entry(tmp_path: Path, aliases: bool, ndcg: float, recall: float) -> None:
    folder = SHARED / "cathay-bank-faq"
    if not folder.is_dir():
        pytest.skip(f"needs the shared measuring sets at {folder}")
    half = tmp_path / "qrels.tsv"  # every second judgement: half the time, and the figures hold within a point
    half.write_text("\n".join((folder / "qrels.dev.tsv").read_text("utf-8").splitlines()[::2]), encoding="utf-8")
    report = measure(folder / "corpus.jsonl", folder / "queries.dev.jsonl", half, aliases=aliases)
    assert report["ndcg@10"] >= ndcg
    assert report["recall@5"] >= recall
