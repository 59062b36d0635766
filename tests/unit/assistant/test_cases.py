"""Results as files, and cases made from life."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from assistant.asking import AskRequest
from assistant.cases import (
    CaseNotThere,
    LivingCases,
    ResultsFolder,
    ResultsMissing,
    case_of_draft,
    case_of_ticket,
)
from assistant.records.records import Records
from evals.cases import DraftingCase
from tests.house import NOW, Chat

TODAY = NOW.date()


def test_an_edited_draft_becomes_a_case_that_wants_what_was_sent(chat: Chat) -> None:
    answer = chat.talk.asking.ask(AskRequest("客户问：定期没到期能取出来吗，电话13912345678", "rm003"), now=NOW)
    assert answer.text is not None
    final = answer.text + "不收手续费，最快当天到账。"
    chat.talk.deciding.decide(answer.draft_id, "edited", now=NOW, how="cli", userid="rm003", final_text=final)
    case = case_of_draft(chat.records, answer.draft_id, by="curator1", on=TODAY)
    read = DraftingCase.model_validate(case)
    assert "13912345678" not in str(case)
    assert read.expect == "draft"
    assert any("手续费" in wording for point in read.must for wording in point.any)
    assert {"production", "edited"} <= set(read.slices)


def test_a_question_that_found_nothing_becomes_a_case(chat: Chat) -> None:
    answer = chat.talk.asking.ask(AskRequest("客户问：量子存款通今年还有额度吗", "rm003"), now=NOW)
    assert answer.ticket_id is not None
    case = case_of_ticket(chat.records, answer.ticket_id, by="curator1", on=TODAY)
    assert (case["expect"], case["slices"]) == ("unknown", ["gap", "production"])
    assert case_of_ticket(chat.records, answer.ticket_id, by="c", on=TODAY, expect="draft")["expect"] == "draft"


def test_the_same_question_of_a_day_is_kept_once(chat: Chat, tmp_path: Path) -> None:
    living = LivingCases(tmp_path / "eval_cases")
    asked = AskRequest("客户问：定期没到期能取出来吗", "rm003")
    names = [chat.talk.asking.ask(asked, now=NOW + timedelta(minutes=n)).draft_id for n in range(2)]
    cases = [case_of_draft(chat.records, name, by="c", on=TODAY) for name in names]
    assert [living.add(case) for case in cases] == [True, False]
    assert living.all() == cases[:1]


def test_what_is_not_there_makes_no_case(chat: Chat) -> None:
    records: Records = chat.records
    with pytest.raises(CaseNotThere):
        case_of_draft(records, "d-none", by="c", on=TODAY)
    with pytest.raises(CaseNotThere):
        case_of_ticket(records, "t-none", by="c", on=TODAY)


def test_a_run_is_read_back_and_one_that_was_cut_short_is_none(tmp_path: Path) -> None:
    folder = ResultsFolder(tmp_path)
    folder.write("r1", samples=[{"case": "a"}], summary={"tasks": {}}, run={"run_id": "r1"})
    folder.write("r2", samples=[], summary={"tasks": {}}, run={"run_id": "r2"})
    (tmp_path / "r3").mkdir()
    assert folder.run_ids() == ["r2", "r1"]
    assert folder.read("r1").samples() == [{"case": "a"}]
    (tmp_path / "r2" / "summary.json").write_text("{", encoding="utf-8")
    assert [run.run_id for run in folder.history()] == ["r1"]
    with pytest.raises(ResultsMissing):
        folder.read("r3")
