from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from knowledge.comparing import Change, compare_passages, marks
from knowledge.documents import DocumentKind, Passage

TEXTS = st.lists(st.text(alphabet="起点一万元五年利率。", min_size=1, max_size=12), max_size=8)


def passages(texts: list[str], number: int = 1) -> list[Passage]:
    name = f"d@v{number}"
    return [
        Passage(f"{name}#p{at}", name, "d", number, DocumentKind.PRODUCT, "存款", text)
        for at, text in enumerate(texts, start=1)
    ]


@given(st.text(max_size=40), st.text(max_size=40))
def test_marks_hold_both_texts(before: str, after: str) -> None:
    found = marks(before, after)
    assert "".join(mark.text for mark in found if mark.change is not Change.ADDED) == before
    assert "".join(mark.text for mark in found if mark.change is not Change.REMOVED) == after


@given(TEXTS, TEXTS)
def test_every_passage_of_both_versions_is_shown_once(before: list[str], after: list[str]) -> None:
    changes = compare_passages(passages(before), passages(after, 2))
    assert [change.before.text for change in changes if change.before] == before
    assert [change.after.text for change in changes if change.after] == after


def test_a_reworded_passage_is_one_change_and_not_a_loss_and_a_gain() -> None:
    before = passages(["起点金额：1万元。", "年利率 1.55%，按月付息。", "可以提前支取。"])
    after = passages(["起点金额：1万元。", "年利率 1.35%，按月付息。", "可以提前支取。", "支持自动转存。"], 2)
    assert [change.change for change in compare_passages(before, after)] == [
        Change.SAME,
        Change.CHANGED,
        Change.SAME,
        Change.ADDED,
    ]


def test_a_figure_changes_whole() -> None:
    found = marks("年利率 1.35%，起点 60 万元", "年利率 1.15%，起点 61 万元")
    assert [mark.text for mark in found if mark.change is not Change.SAME] == ["1.35%", "1.15%", "60", "61"]
