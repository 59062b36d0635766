"""Asking for a draft as an RM does, without leaving anything behind that the next case could see."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from assistant.asking import AskRequest
from assistant.compliance.findings import Subject
from assistant.conversation import Incoming, Turn
from assistant.reading import read
from assistant.records.drafts import Conversation, DraftRecord
from evals.house import DEFAULT_USER, House

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assistant.records.staff import StaffMember


def draft(house: House, name: str, words: str, *, on: date, userid: str | None, **customer: Any) -> DraftRecord:
    """The draft for one message, prepared and not stored; `customer`: customer_level and customer_age as said."""
    now = house.begin(name, on)
    member = None if userid is None else _member(house, userid)
    command = read(words)
    request = AskRequest(words, userid, on=on, **customer)
    question = house.asking.question(command, request, member, on=on)
    return house.asking.prepare(command, question, words, now=now, started_ms=house.asking.clock_ms()).record


def draft_in_talk(
    house: House,
    name: str,
    says: Sequence[str],
    *,
    on: date,
    userid: str | None,
    level: str | None = None,
    age: int | None = None,
) -> DraftRecord | None:
    """The draft for the last of several messages of one conversation, None when the last brought none.

    `level` and `age` are known to the conversation as if an earlier message had said them.
    """
    with talking(house, name, userid or DEFAULT_USER, on) as said:
        turn = Turn()
        for step, words in enumerate(says):
            turn = said(step, words, {"level": level, "age": age} if level or age else {})
        return house.records.drafts.get(turn.draft_id) if turn.draft_id else None


@contextmanager
def talking(house: House, name: str, userid: str, on: date) -> Iterator[Any]:
    """A fresh conversation with a member; afterwards it and what it changed of the customers is undone.

    Yields a function (step, words, known) -> Turn that stores the turn; nothing is queued to be sent.
    """
    house.begin(name, on)
    member = _member(house, userid)
    customers = house.records.customers.of_owner(userid)
    house.forget(userid, now=house.clock.at)

    def said(step: int, words: str, known: Mapping[str, Any]) -> Turn:
        now = house.set_clock(on, step)
        incoming = Incoming(_number(f"{name}:{step}"), userid, "text", words)
        turn = house.talk.turn(incoming, member, now=now)
        if turn.state:
            turn.state.update({key: value for key, value in known.items() if value is not None})
        with house.records.database.writing() as conn:
            kept = Conversation(userid, turn.last_draft_id, turn.state.get("question"), turn.state.get("words"))
            house.records.conversations.save(conn, replace(kept, state=turn.state), now=now)
            for write in turn.writes:
                write(conn)
        return turn

    try:
        yield said
    finally:
        house.forget(userid, now=house.clock.at)
        with house.records.database.writing() as conn:
            for customer in customers:
                house.records.customers.save(conn, customer)


def as_output(house: House, record: DraftRecord | None, *, level: str | None = None) -> dict[str, Any]:
    """A draft as the scorers read it: its texts, what they rest on, and what the gate says of them once more."""
    if record is None:
        return {"kind": "", "verdict": "unknown", "texts": [], "cited": [], "sources": [], "red_lines": []}
    texts = [record.text, *(str(item["text"]) for item in record.alternatives)]
    spoken = [text for text in texts if text]
    cited = [item.passage_id for item in record.evidence]
    passages = house.store.passages_by_ids(cited)
    return {
        "kind": record.kind,
        "verdict": record.verdict,
        "texts": spoken,
        "cited": list(dict.fromkeys(passages[pid].document_id for pid in cited if pid in passages)),
        "sources": [f"{passages[pid].title}\n{passages[pid].text}" for pid in cited if pid in passages],
        "red_lines": _red_lines(house, record, spoken, level),
    }


def _red_lines(house: House, record: DraftRecord, texts: Sequence[str], level: str | None) -> list[str]:
    kind = record.kind if record.kind in ("moments", "group", "friend_request") else "reply"
    details = record.details
    about = Subject(
        kind=kind, customer_level=level or details.get("customer_level"), customer_age=details.get("customer_age")
    )
    found = [f for text in texts for f in house.gate.findings(text, about, on=record.on_day) if f.severity == "B"]
    return sorted({finding.code for finding in found})


def _member(house: House, userid: str) -> StaffMember:
    member = house.records.staff.get(userid)
    if member is None:
        raise LookupError(userid)
    return member


def _number(name: str) -> int:
    """An inbox number that no real message has."""
    return 10**12 + int(hashlib.sha256(name.encode()).hexdigest()[:12], 16)
