"""Customers as the assistant knows them: a pseudonym, a form of address, risk level, stage and consent."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from assistant.records.errors import RecordNotFound
from assistant.records.tables import customers
from knowledge.stores.database import Database
from knowledge.stores.statements import upsert


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer of one relationship manager. `alias` is a form of address such as 李姐, never a full name."""

    customer_id: str
    alias: str
    owner: str
    age: int | None = None
    level: str | None = None
    assessed_on: date | None = None
    stage: str | None = None
    segment: str | None = None
    opt_out: bool = False
    opt_out_at: datetime | None = None
    holdings: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Customers:
    """Stored customers."""

    database: Database

    def save(self, conn: Connection, customer: Customer) -> None:
        """Add or replace in the caller's transaction."""
        upsert(conn, customers, ("customer_id",), {**asdict(customer), "holdings": list(customer.holdings)})

    def set_opt_out(self, conn: Connection, customer_id: str, opt_out: bool, *, now: datetime) -> None:
        """Note that the customer wants no more marketing, or agrees again. Raises RecordNotFound."""
        change = update(customers).where(customers.c.customer_id == customer_id)
        if conn.execute(change.values(opt_out=opt_out, opt_out_at=now if opt_out else None)).rowcount != 1:
            raise RecordNotFound(customer_id=customer_id)

    def get(self, customer_id: str) -> Customer | None:
        """One customer."""
        with self.database.reading() as conn:
            row = conn.execute(select(customers).where(customers.c.customer_id == customer_id)).one_or_none()
        return None if row is None else _customer(row)

    def of_owner(self, owner: str) -> list[Customer]:
        """The customers of one relationship manager, by id."""
        query = select(customers).where(customers.c.owner == owner).order_by(customers.c.customer_id)
        with self.database.reading() as conn:
            return [_customer(row) for row in conn.execute(query)]

    def called(self, owner: str, alias: str) -> list[Customer]:
        """Those of this owner's customers who go by this form of address."""
        query = select(customers).where(customers.c.owner == owner, customers.c.alias == alias)
        with self.database.reading() as conn:
            return [_customer(row) for row in conn.execute(query.order_by(customers.c.customer_id))]


def _customer(row: Row[Any]) -> Customer:
    return Customer(**{**row._mapping, "holdings": tuple(row.holdings)})
