"""Branches, staff and customers of the sample bank in the records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from assistant.records.customers import Customer
from assistant.records.records import Records
from assistant.records.staff import Branch, StaffMember
from knowledge.sample_bank import BankFile, CustomerRow

SOURCE = "sample"


@dataclass(frozen=True, slots=True)
class PeopleCounts:
    """How many rows stand there after loading."""

    branches: int
    staff: int
    customers: int


def load_sample_people(records: Records, bank: BankFile, *, now: datetime) -> PeopleCounts:
    """Store who is missing; members and customers that are there already stay as they are."""
    known = {customer.customer_id for row in bank.staff for customer in records.customers.of_owner(row.userid)}
    with records.database.writing() as conn:
        for branch in bank.branches:
            records.staff.save_branch(conn, Branch(branch.branch_id, branch.name, branch.parent))
        for row in bank.staff:
            member = StaffMember(
                row.userid, row.name, row.role, row.branch_id, now, row.persona, source=SOURCE, lines=row.lines
            )
            records.staff.add_if_new(conn, member)
        for customer in bank.customers:
            if customer.customer_id not in known:
                records.customers.save(conn, _customer(customer, now))
    return PeopleCounts(len(bank.branches), len(bank.staff), len(bank.customers))


def _customer(row: CustomerRow, now: datetime) -> Customer:
    return Customer(
        customer_id=row.customer_id,
        alias=row.alias,
        owner=row.owner,
        age=row.age,
        level=row.level,
        assessed_on=row.assessed_on,
        stage=row.stage,
        segment=row.segment,
        opt_out=row.opt_out,
        opt_out_at=now if row.opt_out else None,
        holdings=row.holdings,
        note=row.note,
    )
