"""WeCom's access tokens, shared by all workers until they expire; never part of a backup."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select

from assistant.records.tables import wecom_tokens
from knowledge.stores.database import Database
from knowledge.stores.statements import upsert


@dataclass(frozen=True)
class WecomTokens:
    """Stored access tokens by key, e.g. corp id and agent id."""

    database: Database

    def get(self, key: str, *, now: datetime) -> tuple[str, datetime] | None:
        """The token and its end, unless it has expired."""
        query = select(wecom_tokens.c.value, wecom_tokens.c.expires_at)
        with self.database.reading() as conn:
            row = conn.execute(query.where(wecom_tokens.c.key == key, wecom_tokens.c.expires_at > now)).one_or_none()
        return None if row is None else (row.value, row.expires_at)

    def put(self, key: str, value: str, expires_at: datetime) -> None:
        """Replace the token."""
        with self.database.writing() as conn:
            upsert(conn, wecom_tokens, ("key",), {"key": key, "value": value, "expires_at": expires_at})

    def forget(self, key: str, value: str) -> None:
        """Drop a token that WeCom refused, unless another worker has replaced it already."""
        gone = delete(wecom_tokens).where(wecom_tokens.c.key == key, wecom_tokens.c.value == value)
        with self.database.writing() as conn:
            conn.execute(gone)
