from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from assistant.records.customers import Customer
from assistant.records.drafts import Conversation
from assistant.records.errors import RecordNotFound
from assistant.records.purge import purge
from assistant.records.records import Records
from assistant.records.staff import StaffMember
from knowledge.stores.database import Database
from tests.scenarios.records_work import fill
from tests.unit.assistant.records.samples import NOW, a_draft

LI = Customer(
    "C0001", "李姐", "rm001", 52, "C3", date(2026, 3, 1), "维护", "到期", holdings=("理财", "定期"), note="谨慎"
)


def test_a_member_is_registered_once_and_can_be_changed(records: Records) -> None:
    member = StaffMember("rm009", "韩雪", "relationship_manager", "binhe", NOW, source="wecom")
    with records.database.writing() as conn:
        assert records.staff.add_if_new(conn, member)
        assert not records.staff.add_if_new(conn, replace(member, role="admin"))
    assert records.staff.get("rm009") == member
    with records.database.writing() as conn:
        records.staff.save(conn, replace(member, active=False))
    assert records.staff.all(role="relationship_manager") == [replace(member, active=False)]
    assert records.staff.get("nobody") is None


def test_a_token_is_known_until_it_is_revoked(records: Records) -> None:
    with records.database.writing() as conn:
        secret = records.api_tokens.create("rm001", "crm", now=NOW, conn=conn)
    assert records.api_tokens.userid_of(secret) == "rm001"
    assert records.api_tokens.userid_of(secret + "x") is None
    with records.database.writing() as conn:
        assert records.api_tokens.revoke(conn, "rm001", "crm", now=NOW) == 1
    assert records.api_tokens.userid_of(secret) is None


def test_an_access_token_is_shared_until_it_ends(records: Records) -> None:
    end = NOW + timedelta(hours=2)
    records.wecom_tokens.put("corp", "old", end)
    records.wecom_tokens.put("corp", "new", end)
    records.wecom_tokens.forget("corp", "old")
    assert records.wecom_tokens.get("corp", now=NOW) == ("new", end)
    assert records.wecom_tokens.get("corp", now=end) is None
    records.wecom_tokens.forget("corp", "new")
    assert records.wecom_tokens.get("corp", now=NOW) is None


def test_a_customer_is_found_by_id_owner_and_form_of_address(records: Records) -> None:
    with records.database.writing() as conn:
        records.customers.save(conn, LI)
        records.customers.save(conn, replace(LI, customer_id="C0002", owner="rm002"))
        records.customers.set_opt_out(conn, "C0001", True, now=NOW)
    told = replace(LI, opt_out=True, opt_out_at=NOW)
    assert records.customers.get("C0001") == told
    assert records.customers.of_owner("rm001") == [told]
    assert records.customers.called("rm002", "李姐")[0].customer_id == "C0002"
    with pytest.raises(RecordNotFound), records.database.writing() as conn:
        records.customers.set_opt_out(conn, "C9999", True, now=NOW)


def test_a_ticket_is_answered_once(database: Database) -> None:
    fill(database)
    tickets = Records.of(database).tickets
    assert [ticket.ticket_id for ticket in tickets.overdue(now=NOW + timedelta(hours=4))] == ["t1"]
    with database.writing() as conn:
        tickets.answer(conn, "t1", "可以到柜台办理", "curator1", now=NOW)
    assert (tickets.get("t1").status, tickets.get("t1").answered_at) == ("answered", NOW)
    with pytest.raises(RecordNotFound), database.writing() as conn:
        tickets.answer(conn, "t1", "again", "curator2", now=NOW)


def test_a_draft_comes_back_whole(records: Records) -> None:
    first, second = a_draft("d1"), a_draft("d2", parent_draft_id="d1", created_at=NOW + timedelta(seconds=1), text=None)
    with records.database.writing() as conn:
        records.drafts.save(conn, first)
        records.drafts.save(conn, second)
        records.drafts.mark(conn, "d1", "accepted")
    first = replace(first, status="accepted")
    assert records.drafts.get("d1") == first
    assert records.drafts.last_of("rm001") == second
    assert records.drafts.lineage("d2") == [first, second]
    assert records.drafts.undecided(NOW + timedelta(hours=1)) == [second]
    assert records.drafts.between(NOW, NOW + timedelta(seconds=1)) == [first]
    assert records.drafts.citing("gold@v1", NOW) == [first, second]
    assert records.drafts.counts() == {("pass", "accepted"): 1, ("pass", "open"): 1}
    with pytest.raises(RecordNotFound):
        records.drafts.get("\ud800\x00")


def test_a_conversation_keeps_its_last_state(records: Records) -> None:
    assert records.conversations.get("rm001") == Conversation("rm001")
    for draft_id in ("d1", "d2"):
        with records.database.writing() as conn:
            records.conversations.save(conn, Conversation("rm001", draft_id, "问", "话", {"n": 1}), now=NOW)
    assert records.conversations.get("rm001") == Conversation("rm001", "d2", "问", "话", {"n": 1}, NOW)


def test_a_decision_is_logged_once_with_its_outcomes(database: Database) -> None:
    fill(database)
    decisions = Records.of(database).decisions
    [decision] = decisions.of_draft("d1")
    with database.writing() as conn:
        assert not decisions.add(conn, decision)
    assert decisions.all() == decisions.between(NOW, NOW + timedelta(seconds=1)) == [decision]
    assert decisions.outcomes_of("d1")[0].body == {"minutes": 3}


def test_a_purge_takes_the_words_and_leaves_counts_and_audit(database: Database) -> None:
    fill(database)
    records = Records.of(database)
    before = (records.inbox.counts(), records.drafts.counts(), records.audit.verify())
    assert sum(purge(database, older_than=NOW).rows.values()) == 0
    gone = purge(database, older_than=NOW + timedelta(seconds=1)).rows
    assert (gone["drafts"], gone["decisions"], gone["inbox"], gone["draft_evidence"]) == (1, 1, 1, 2)
    assert sum(purge(database, older_than=NOW + timedelta(seconds=1)).rows.values()) == 0
    assert (records.inbox.counts(), records.drafts.counts(), records.audit.verify()) == before
    draft = records.drafts.get("d1")
    assert (draft.text, draft.question_masked, draft.findings) == (None, "", ())
    assert (draft.evidence[0].passage_id, draft.evidence[0].quote) == ("gold@v1#p1", "")
    [decision] = records.decisions.of_draft("d1")
    assert (decision.decision, decision.final_text, decision.edits) == ("edited", None, ())
    [waiting] = records.inbox.claim(1, timedelta(seconds=1), now=NOW)
    assert waiting.payload  # what still waits for its answer is not touched
