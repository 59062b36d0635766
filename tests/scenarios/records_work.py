"""Work on real records for scenario tests: fill a database, or keep writing until killed."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, timedelta

from assistant.records.customers import Customer
from assistant.records.decisions import DecisionRecord, OutcomeRecord
from assistant.records.drafts import Conversation
from assistant.records.inbox import InboxMessage
from assistant.records.records import Records
from assistant.records.staff import Branch, StaffMember
from assistant.records.tickets import Ticket
from knowledge.documents import DocumentKind, PassageText
from knowledge.stores.database import Database
from knowledge.stores.repository import KnowledgeStore
from tests.unit.assistant.records.samples import LEASE, NOW, a_draft


def fill(database: Database) -> None:
    """At least one row in every table."""
    records, store = Records.of(database), KnowledgeStore(database)
    version = store.add_version(
        "gold",
        DocumentKind.FAQ,
        "积存金",
        [PassageText("积存金不保本", known_questions=("黄金还能买吗",))],
        effective_from=date(2026, 1, 1),
        payload={"id": "FAQ-1"},
        uploaded_by="curator1",
        now=NOW,
    )
    store.approve(version.version_id, "curator2", now=NOW)
    store.store_embeddings("hash", {"k": b"\x00\xff\x01"})
    for key, userid in (("m1", "rm001"), ("m2", "rm001"), ("m3", "rm002")):
        records.inbox.put("wecom", key, userid, {"text": "黄金\u0000还能买吗"}, now=NOW)
    [message] = records.inbox.claim(1, LEASE, now=NOW)
    with database.writing() as conn:
        records.staff.save_branch(conn, Branch("chengdong", "城东支行", "linjiang"))
        records.staff.save(conn, StaffMember("rm001", "林晓", "relationship_manager", "chengdong", NOW))
        records.customers.save(conn, Customer("C0001", "李姐", "rm001", 52, "C3", date(2026, 3, 1), holdings=("理财",)))
        records.api_tokens.create("rm001", "crm", now=NOW, conn=conn)
        records.drafts.save(conn, a_draft(inbox_id=message.id))
        records.conversations.save(
            conn, Conversation("rm001", "d1", "黄金还能买吗", None, {"length": "short"}), now=NOW
        )
        records.outbox.enqueue(conn, dedupe_key="d1:1", userid="rm001", msgtype="text", body={"content": "好"}, now=NOW)
        records.tickets.open(conn, Ticket("t1", "外汇怎么买", "rm001", NOW, NOW + timedelta(hours=4)))
        records.inbox.done(conn, message, now=NOW)
        decision = DecisionRecord("f1", "d1", "rm001", "edited", NOW, "chat", "改过的话", ({"op": "replace"},), "太长")
        records.decisions.add(conn, decision)
        records.decisions.add_outcome(conn, OutcomeRecord("o1", "d1", "replied", "rm001", NOW, {"minutes": 3}))
        records.audit.append(conn, actor="rm001", event="drafted", subject="d1", body={"verdict": "pass"}, now=NOW)


def answer_one(records: Records, number: int) -> None:
    """Receive a message and answer it as the service does; the draft is one transaction."""
    now = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(seconds=number)
    records.inbox.put("wecom", f"m{number}", f"rm{number}", {"text": "黄金还能买吗"}, now=now)
    [message] = records.inbox.claim(1, LEASE, now=now)
    settle(records, message, f"d{number}", now)


def settle(records: Records, message: InboxMessage, draft_id: str, now: datetime) -> None:
    """The one transaction of a draft."""
    with records.database.writing() as conn:
        records.drafts.save(conn, a_draft(draft_id, inbox_id=message.id))
        for part in (1, 2):
            records.outbox.enqueue(
                conn,
                dedupe_key=f"{draft_id}:{part}",
                userid="rm001",
                msgtype="text",
                body={"content": "金价波动大，先看这笔钱多久不用。"},
                now=now,
                sequence=part,
                draft_id=draft_id,
            )
        records.conversations.save(conn, Conversation("rm001", draft_id, "黄金还能买吗"), now=now)
        records.inbox.done(conn, message, now=now)
        records.audit.append(conn, actor="rm001", event="drafted", subject=draft_id, body={"verdict": "pass"}, now=now)


def main() -> None:
    """Answer messages for ever, and say each number once it is stored: `records_work URL FIRST`."""
    records = Records.of(Database(sys.argv[1], checkpoints=True))
    records.inbox.release_all(now=NOW)
    number = int(sys.argv[2])
    while True:
        answer_one(records, number)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        number += 1


if __name__ == "__main__":
    main()
