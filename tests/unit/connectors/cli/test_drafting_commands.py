"""ask, decide and search, over the sample bank."""

from __future__ import annotations

from tests.unit.connectors.cli.house import House

QUESTION = "客户问：稳盈90天能提前取吗"
ASK_KEYS = {
    "draft_id",
    "kind",
    "text",
    "alternatives",
    "verdict",
    "findings",
    "citations",
    "drafter",
    "ticket_id",
    "holding_reply",
    "question_back",
    "elapsed_ms",
}


def test_an_answer_has_the_keys_of_the_contract(house: House) -> None:
    answer = house.json("ask", QUESTION, "--as", "rm001", "--customer-level", "C3", "--customer-age", 46)
    assert set(answer) == ASK_KEYS
    assert answer["kind"] == "reply"
    assert answer["verdict"] in {"pass", "revised"}
    assert answer["text"]
    for citation in answer["citations"]:
        assert set(citation) == {"document_id", "title", "version", "passage_id", "quote"}


def test_a_post_comes_with_other_angles(house: House) -> None:
    answer = house.json("ask", "写条朋友圈，今天降准了", "--as", "rm001")
    assert answer["kind"] == "moments"
    assert answer["alternatives"]
    assert {"text", "verdict", "citations"} <= set(answer["alternatives"][0])


def test_a_question_nobody_can_answer_is_no_failure(house: House) -> None:
    answer = house.json("ask", "客户问：大闸蟹蒸几分钟最好吃", "--as", "rm001")
    assert answer["verdict"] == "unknown"
    assert answer["text"] is None
    assert answer["ticket_id"]
    assert answer["holding_reply"]


def test_people_see_the_draft_alone_on_standard_output(house: House) -> None:
    result = house.run("ask", QUESTION, "--as", "rm001")
    answer = house.json("ask", QUESTION, "--as", "rm001")
    assert result.exit_code == 0
    assert result.stdout.strip() == answer["text"].strip()
    assert "依据" in result.stderr


def test_an_unknown_member_cannot_ask(house: House) -> None:
    told = house.told("ask", QUESTION, "--as", "nobody", exit_code=1)
    assert "staff_unknown" in told
    assert "wainao user add" in told


def test_the_day_of_the_question_decides_what_may_be_quoted(house: House) -> None:
    answer = house.json("ask", QUESTION, "--as", "rm001", "--on", "2020-01-01")
    assert answer["citations"] == []


def test_an_edit_is_kept_with_its_differences(house: House) -> None:
    draft = house.json("ask", QUESTION, "--as", "rm001")
    final = draft["text"] + "明天上午方便来网点聊聊吗？"
    decided = house.json("decide", draft["draft_id"], "edited", "--text", final, "--as", "rm001")
    assert set(decided) == {"feedback_id", "draft_id", "decision", "edits", "category", "reason", "findings"}
    assert decided["decision"] == "edited"
    assert [set(edit) for edit in decided["edits"]] == [{"op", "before", "after", "category"}] * len(decided["edits"])
    assert decided["edits"]


def test_a_draft_is_decided_once(house: House) -> None:
    draft_id = house.json("ask", QUESTION, "--as", "rm001")["draft_id"]
    house.told("decide", draft_id, "accepted", "--as", "rm001")
    assert "draft_already_decided" in house.told("decide", draft_id, "accepted", "--as", "rm001", exit_code=1)


def test_an_edit_needs_its_text_and_a_draft_its_owner(house: House) -> None:
    draft_id = house.json("ask", QUESTION, "--as", "rm001")["draft_id"]
    assert "--text" in house.told("decide", draft_id, "edited", "--as", "rm001", exit_code=1)
    assert "draft_not_yours" in house.told("decide", draft_id, "accepted", "--as", "rm002", exit_code=1)
    assert "draft_not_found" in house.told("decide", "d-none", "accepted", exit_code=1)


def test_a_rejection_keeps_its_reason(house: House) -> None:
    draft_id = house.json("ask", QUESTION, "--as", "rm001")["draft_id"]
    decided = house.json("decide", draft_id, "rejected", "--reason", "too_long", "--as", "rm001")
    assert decided["reason"] == "too_long"


def test_search_lists_passages_with_the_score_of_each_stage(house: House) -> None:
    found = house.json("search", "稳盈90天起购多少", "--top", 3)
    assert set(found) == {"query", "on", "product", "passages", "abstained"}
    assert found["on"] == "2026-11-23"
    assert len(found["passages"]) == 3
    keys = {"passage_id", "document_id", "title", "version", "kind", "text", "score", "scores", "source"}
    for passage in found["passages"]:
        assert set(passage) == keys
        assert set(passage["source"]) == {"file", "page", "sheet", "cells", "heading"}
    scores = [passage["score"] for passage in found["passages"]]
    assert scores == sorted(scores, reverse=True)


def test_search_lists_passages_also_when_it_abstains(house: House) -> None:
    found = house.json("search", "大闸蟹蒸几分钟最好吃")
    assert found["abstained"]
    assert found["passages"]


def test_people_see_search_as_a_table(house: House) -> None:
    told = house.told("search", "稳盈90天起购多少", "--as", "rm001")
    assert "得分" in told
    assert "把握" in told
