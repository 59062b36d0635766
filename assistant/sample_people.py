"""Puts the sample bank's branches, staff and customers into the records."""

from __future__ import annotations

from datetime import datetime

from assistant.records.customers import Customer
from assistant.records.records import Records
from assistant.records.staff import Branch, StaffMember
from knowledge.sample_bank import BankFile


def save_people(records: Records, bank: BankFile, *, now: datetime) -> dict[str, int]:
    """Add what is not there yet; what has been changed since (an opt-out, say) stays. Returns counts added."""
    known_staff = {member.userid for member in records.staff.all()}
    fresh_staff = [row for row in bank.staff if row.userid not in known_staff]
    fresh_customers = [row for row in bank.customers if records.customers.get(row.customer_id) is None]
    if fresh_staff or fresh_customers:
        with records.database.writing() as conn:
            for branch in bank.branches:
                records.staff.save_branch(conn, Branch(branch.branch_id, branch.name, branch.parent))
            for row in fresh_staff:
                member = StaffMember(row.userid, row.name, row.role, row.branch_id, now, row.persona, source="sample")
                records.staff.add_if_new(conn, member)
            for person in fresh_customers:
                data = person.model_dump()
                records.customers.save(conn, Customer(**{**data, "opt_out_at": now if person.opt_out else None}))
    return {"staff": len(fresh_staff), "customers": len(fresh_customers)}
