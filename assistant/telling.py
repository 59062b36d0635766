"""Puts a text for a member into the outbox, in as many parts as the channel needs, once for each key."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from assistant.outgoing import Splitter
from assistant.records.records import Records


def tell(
    records: Records, conn: Connection, userid: str, words: str, *, key: str, split: Splitter, now: datetime
) -> None:
    """Queue `words` in the caller's transaction; what was queued under `key` before is not queued again."""
    for number, part in enumerate(split(words), start=1):
        records.outbox.enqueue(
            conn,
            dedupe_key=f"{key}:{number}",
            userid=userid,
            msgtype="text",
            body={"content": part},
            now=now,
            sequence=number,
        )
