"""Inserts that tolerate rows which are already there, in the words of either engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Insert, Table
from sqlalchemy.dialects import postgresql, sqlite

Row = Mapping[str, Any]


def insert_if_absent(conn: Connection, table: Table, keys: Iterable[str], rows: Row | Sequence[Row]) -> int:
    """Insert and leave rows with the same `keys` alone.

    Returns: how many rows were stored (for a single row: 1 or 0).
    """
    statement: Insert
    if conn.dialect.name == "sqlite":
        statement = sqlite.insert(table).on_conflict_do_nothing(index_elements=list(keys))
    else:
        statement = postgresql.insert(table).on_conflict_do_nothing(index_elements=list(keys))
    # inline: a RETURNING of the new key would leave no count
    return conn.execute(statement.inline(), rows, execution_options={"preserve_rowcount": True}).rowcount


def upsert(conn: Connection, table: Table, keys: Sequence[str], row: Row) -> None:
    """Insert, or overwrite the row with the same `keys` in the columns of `row`."""
    changes = {name: value for name, value in row.items() if name not in keys}
    statement: Insert
    if conn.dialect.name == "sqlite":
        statement = sqlite.insert(table).values(row).on_conflict_do_update(index_elements=list(keys), set_=changes)
    else:
        statement = postgresql.insert(table).values(row).on_conflict_do_update(index_elements=list(keys), set_=changes)
    conn.execute(statement)


def prefer_index_order(conn: Connection) -> None:
    """For the rest of the transaction, let PostgreSQL walk an index in order rather than sort a whole queue.

    A queue changes faster than PostgreSQL's statistics: measured, 4 ms instead of 0.07 for 1,500 waiting rows.
    """
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql("SET LOCAL enable_sort = off")
