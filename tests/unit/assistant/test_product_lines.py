"""Product lines in use, on both engines."""

from __future__ import annotations

from datetime import UTC, date, datetime

from assistant.product_lines import lines_in_use, lines_said
from assistant.records.records import Records
from assistant.records.staff import StaffMember
from knowledge.documents import DocumentKind, PassageText
from knowledge.stores.database import Database
from knowledge.stores.repository import KnowledgeStore

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def test_lines_of_members_and_of_knowledge_are_one_list(database: Database) -> None:
    assert lines_in_use(database) == ()
    records = Records.of(database)
    with database.writing() as conn:
        for userid, lines in (("rm1", ("财富", "gold")), ("rm2", ()), ("rm3", ("gold",))):
            member = StaffMember(userid, userid, "relationship_manager", None, NOW, lines=lines)
            records.staff.save(conn, member)
    KnowledgeStore(database).add_version(
        "d", DocumentKind.OTHER, "题", [PassageText("文。")], effective_from=date(2026, 1, 1), lines=["跨境", "财富"]
    )
    assert lines_in_use(database) == tuple(sorted(("gold", "财富", "跨境")))


def test_typed_lines_are_parted_as_people_part_them() -> None:
    assert lines_said(" 财富、跨境, gold，财富；贷款 ") == ("财富", "跨境", "gold", "贷款")
    assert lines_said(" ") == ()
