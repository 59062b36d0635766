from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.documents import WHOLE_BANK, DocumentKind, Passage, Scope
from knowledge.retrieval.admission import Filter
from knowledge.retrieval.lexical_index import LexicalIndex
from tests.unit.knowledge.retrieval.passages import ON, passage

ALL = Filter(on=ON, scope=WHOLE_BANK)
REDEEM = passage("redeem", "封闭期内不支持提前赎回。", title="赎回规则")
GOLD = passage("gold", "黄金积存一克起。", title="黄金积存", known_questions=("黄金涨成这样还能买吗",))


@pytest.fixture
def index(tmp_path: Path) -> Iterator[LexicalIndex]:
    opened = LexicalIndex(tmp_path / "lexical")
    yield opened
    opened.close()


def found(index: LexicalIndex, question: str, allowed: Filter = ALL) -> list[str]:
    return list(index.view.search(question, allowed=allowed, limit=10))


def test_title_body_and_known_questions_are_all_searched(index: LexicalIndex) -> None:
    index.follow(1, [REDEEM, GOLD])
    assert found(index, "规则")[0] == "redeem"
    assert found(index, "封闭期")[0] == "redeem"
    assert found(index, "涨成这样")[0] == "gold"


def test_filters_stand_inside_the_search_so_that_nothing_crowds_out_what_may_be_shown(index: LexicalIndex) -> None:
    expired = [passage(f"old{n:02}", "赎回 赎回 赎回", effective_until=date(2026, 2, 1)) for n in range(50)]
    index.follow(1, [*expired, REDEEM])
    assert list(index.view.search("赎回", allowed=ALL, limit=1)) == ["redeem"]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(-5, 5),
            st.none() | st.integers(-5, 5),
            st.frozensets(st.sampled_from(["east", "west"])),
            st.frozensets(st.sampled_from(["rm", "head"])),
            st.sampled_from([DocumentKind.FAQ, DocumentKind.REGULATION]),
        ),
        max_size=8,
    ),
    st.frozensets(st.sampled_from(["east", "west"])),
    st.frozensets(st.sampled_from(["rm", "head"])),
    st.none() | st.just(frozenset({DocumentKind.FAQ})),
)
def test_exactly_what_is_in_force_in_scope_and_of_the_kind_is_found(
    rows: list[tuple[int, int | None, frozenset[str], frozenset[str], DocumentKind]],
    branches: frozenset[str],
    roles: frozenset[str],
    kinds: frozenset[DocumentKind] | None,
) -> None:
    passages = [
        passage(
            f"p{number}",
            "赎回规则",
            effective_from=ON + timedelta(days=start),
            effective_until=None if end is None else ON + timedelta(days=end),
            branches=where,
            roles=who,
            kind=kind,
        )
        for number, (start, end, where, who, kind) in enumerate(rows)
    ]
    index = LexicalIndex()
    index.follow(1, passages)
    allowed = Filter(on=ON, scope=Scope(branches, roles), kinds=kinds)
    assert set(found(index, "赎回", allowed)) == {p.passage_id for p in passages if allowed.admits(p)}


def test_an_article_number_in_the_title_is_no_subject() -> None:
    text = "管理人应当每周披露净值。"
    article = passage("law", text, title="理财产品管理办法第三十条")
    regulation = passage("rule", text, title="理财产品管理办法", kind=DocumentKind.REGULATION)
    subject = passage("faq", text, title="理财产品管理办法")
    index = LexicalIndex()
    index.follow(1, [article, regulation, subject])
    scores = index.view.search("理财产品", allowed=ALL, limit=3)
    assert scores["faq"] > 1.5 * max(scores["law"], scores["rule"])


def test_changes_are_followed(index: LexicalIndex) -> None:
    index.follow(1, [REDEEM, GOLD])
    reworded = passage("gold", "积存金一克起，随时可卖。")
    index.follow(2, [reworded])
    assert found(index, "赎回") == []
    assert found(index, "随时可卖") == ["gold"]
    assert found(index, "涨成这样") == []


def test_a_replica_in_step_is_read_and_not_built_again(tmp_path: Path) -> None:
    first = LexicalIndex(tmp_path)
    first.follow(7, [REDEEM, GOLD])
    first.close()
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "segments").iterdir()}
    again = LexicalIndex(tmp_path)
    again.follow(7, [REDEEM, GOLD])
    assert found(again, "赎回") == ["redeem"]
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "segments").iterdir()} == before


def test_another_database_with_the_same_revision_is_noticed(tmp_path: Path) -> None:
    first = LexicalIndex(tmp_path)
    first.follow(7, [REDEEM])
    first.close()
    second = LexicalIndex(tmp_path)
    second.follow(7, [GOLD])
    assert found(second, "赎回") == []
    assert found(second, "黄金") == ["gold"]


@pytest.mark.parametrize("damage", ["state", "format", "cut segment", "lost segment", "flipped byte", "no meta"])
def test_a_damaged_folder_is_built_again(tmp_path: Path, damage: str) -> None:
    first = LexicalIndex(tmp_path)
    first.follow(1, [REDEEM, GOLD])
    first.close()
    segment = max((tmp_path / "segments").glob("*.*"), key=lambda path: path.stat().st_size)
    if damage == "state":
        (tmp_path / "state.json").write_text("{", encoding="utf-8")
    elif damage == "format":
        state = (tmp_path / "state.json").read_text(encoding="utf-8")
        (tmp_path / "state.json").write_text(state.replace("lexical-", "older-"), encoding="utf-8")
    elif damage == "cut segment":
        segment.write_bytes(segment.read_bytes()[:-20])
    elif damage == "lost segment":
        segment.unlink()
    elif damage == "flipped byte":
        body = bytearray(segment.read_bytes())
        body[len(body) // 2] ^= 0xFF
        segment.write_bytes(bytes(body))
    else:
        (tmp_path / "segments" / "meta.json").unlink()
    again = LexicalIndex(tmp_path)
    again.follow(1, [REDEEM, GOLD])
    assert found(again, "赎回") == ["redeem"]
    assert again.on_disk


def test_a_second_process_follows_in_a_copy_of_its_own(tmp_path: Path) -> None:
    owner, reader = LexicalIndex(tmp_path), LexicalIndex(tmp_path)
    owner.follow(1, [REDEEM])
    reader.follow(1, [REDEEM])
    assert found(reader, "赎回") == ["redeem"]
    assert reader.on_disk
    assert reader.patch(2, [], [GOLD])
    assert reader.on_disk
    assert found(reader, "黄金") == ["gold"]
    assert found(owner, "黄金") == []
    assert owner.patch(2, [], [GOLD])
    assert found(owner, "黄金") == ["gold"]
    reader.close()
    owner.close()
    assert list((tmp_path / "copies").iterdir()) == []


def test_copies_of_killed_processes_are_swept_by_the_next_owner(tmp_path: Path) -> None:
    owner = LexicalIndex(tmp_path)
    owner.follow(1, [REDEEM])
    left = tmp_path / "copies" / "left-behind"
    left.mkdir(parents=True)
    reader = LexicalIndex(tmp_path)
    reader.follow(1, [REDEEM])
    owner.close()
    heir = LexicalIndex(tmp_path)
    heir.follow(1, [REDEEM])
    assert not left.exists()
    assert found(reader, "赎回") == ["redeem"]  # a living reader keeps its copy
    assert reader.patch(2, [], [GOLD])
    assert found(reader, "黄金") == ["gold"]
    reader.close()
    heir.close()


def test_a_patch_takes_out_puts_in_and_replaces(index: LexicalIndex) -> None:
    index.follow(1, [REDEEM, GOLD])
    before = index.view
    assert index.patch(2, ["redeem"], [passage("gold", "积存金随时可卖。"), passage("bond", "国债三年期。")])
    assert found(index, "赎回") == []
    assert found(index, "随时可卖") == ["gold"]
    assert found(index, "涨成这样") == []
    assert found(index, "国债") == ["bond"]
    assert index.view.entries == 2
    assert list(before.search("赎回", allowed=ALL, limit=5)) == ["redeem"]  # a search under way sees what was


def test_a_patched_folder_is_read_again_after_a_restart(tmp_path: Path) -> None:
    first = LexicalIndex(tmp_path)
    first.follow(1, [REDEEM, GOLD])
    for number in range(2, 30):
        assert first.patch(number, [f"p{number - 1}"], [passage(f"p{number}", f"第{number}次改动")])
    first.close()
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "segments").iterdir()}
    again = LexicalIndex(tmp_path)
    again.follow(29, [REDEEM, GOLD, passage("p29", "第29次改动")])
    assert found(again, "改动") == ["p29"]
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "segments").iterdir()} == before
    again.close()


@pytest.mark.parametrize("file", ["slots.json", "changes.jsonl"])
def test_a_damaged_list_of_slots_is_noticed(tmp_path: Path, file: str) -> None:
    first = LexicalIndex(tmp_path)
    first.follow(1, [REDEEM])
    first.patch(2, [], [GOLD])
    first.close()
    body = (tmp_path / file).read_bytes()
    (tmp_path / file).write_bytes(body.replace(b"redeem", b"nobody").replace(b"gold", b"rust"))
    again = LexicalIndex(tmp_path)
    again.follow(2, [REDEEM, GOLD])
    assert [found(again, question) for question in ("赎回", "黄金")] == [["redeem"], ["gold"]]
    again.close()


def test_a_reader_takes_the_folder_over_when_its_owner_is_gone(tmp_path: Path) -> None:
    owner, heir = LexicalIndex(tmp_path), LexicalIndex(tmp_path)
    owner.follow(1, [REDEEM])
    heir.follow(1, [REDEEM])
    owner.close()
    assert not heir.patch(2, [], [GOLD])  # everything is compared once
    heir.follow(2, [REDEEM, GOLD])
    assert heir.patch(3, ["redeem"], [])
    heir.close()
    third = LexicalIndex(tmp_path)
    third.follow(3, [GOLD])
    assert found(third, "黄金") == ["gold"]
    third.close()


def test_a_process_that_takes_over_reads_what_the_last_owner_wrote(tmp_path: Path) -> None:
    owner, heir = LexicalIndex(tmp_path), LexicalIndex(tmp_path)
    owner.follow(1, [REDEEM])
    heir.follow(1, [REDEEM])
    owner.follow(2, [REDEEM, GOLD])
    owner.close()
    more = passage("more", "国债三年期")
    heir.follow(3, [REDEEM, GOLD, more])
    assert heir.on_disk
    assert [found(heir, question) for question in ("赎回", "黄金", "国债")] == [["redeem"], ["gold"], ["more"]]


def test_a_folder_that_cannot_be_written_leaves_a_copy_in_memory(tmp_path: Path) -> None:
    (tmp_path / "segments").write_text("a file where a folder should be", encoding="utf-8")
    index = LexicalIndex(tmp_path)
    index.follow(1, [REDEEM])
    assert found(index, "赎回") == ["redeem"]
    assert not index.on_disk


@pytest.mark.parametrize("question", ["", "   ", "？？", "😀", "a" * 5000, "赎" * 10_000])
def test_odd_questions_are_no_error(index: LexicalIndex, question: str) -> None:
    index.follow(1, [REDEEM])
    index.view.search(question, allowed=ALL, limit=5)


def test_an_empty_knowledge_base_finds_nothing(index: LexicalIndex) -> None:
    assert found(index, "赎回") == []
    empty: list[Passage] = []
    index.follow(1, empty)
    assert found(index, "赎回") == []
