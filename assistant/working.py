"""The work after the 200: drafts answers to stored messages and sends what was queued, with leases and retries.

Two loops over rows: a worker that dies loses its lease and another takes the row over. Effects are exactly once because
draft, outbox rows and the inbox mark are one transaction, and every send repeats the same content under WeCom's
duplicate check.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from assistant.conversation import Incoming, Talk
from assistant.outgoing import Directory, DirectoryUnavailable, MessageSender, SendOutcome, SendResult
from assistant.records.errors import LeaseLost
from assistant.records.inbox import InboxMessage
from assistant.records.outbox import OutboxMessage
from assistant.records.records import Records
from assistant.records.staff import StaffMember
from knowledge.errors import DatabaseUnavailable

log = logging.getLogger(__name__)

INBOX_LEASE = timedelta(seconds=120)
OUTBOX_LEASE = timedelta(seconds=30)
BATCH = 16
SENDING_BATCH = 32  # as many calls as 8 threads finish well within the lease, also when WeCom is slow
RATE_WINDOW = timedelta(seconds=60)
SAFETY = timedelta(seconds=10)
FIRST_RETRY_S = 2.0
LONGEST_RETRY_S = 60.0
MOST_SEND_ATTEMPTS = 8  # of unknown outcome; what certainly did not leave is tried for KEEP_TRYING
KEEP_TRYING = timedelta(hours=24)
ANSWERED_EVENTS = frozenset({"subscribe", "enter_agent", "template_card_event"})
NEW_MEMBER_ROLE = "relationship_manager"


def backoff(attempts: int) -> timedelta:
    """How long to wait after the given number of attempts."""
    return timedelta(seconds=min(LONGEST_RETRY_S, FIRST_RETRY_S * 2 ** min(10, max(0, attempts - 1))))


@dataclass(frozen=True)
class DraftingLoop:
    """Turns stored messages into drafts and queued answers."""

    records: Records
    talk: Talk
    directory: Directory
    now: Callable[[], datetime]
    pool: Executor

    def step(self) -> int:
        """Handle one batch; returns how many messages were taken."""
        claimed = self.records.inbox.claim(BATCH, INBOX_LEASE, now=self.now())
        list(self.pool.map(self._one, claimed))
        return len(claimed)

    def _one(self, message: InboxMessage) -> None:
        try:
            self._answer(message)
        except LeaseLost:
            log.warning("inbox_lease_lost", extra={"inbox_id": message.id})
        except DatabaseUnavailable as exc:
            log.error("inbox_waits_for_database", extra={"inbox_id": message.id, "code": exc.code})
        except DirectoryUnavailable:
            self._fail(message, "directory_unavailable")
        except Exception as exc:  # noqa: BLE001 - the outermost door of the work: nothing may kill the loop
            log.error("inbox_failed", extra={"inbox_id": message.id, **_trouble(exc)})
            self._fail(message, "internal_error")

    def _answer(self, message: InboxMessage) -> None:
        incoming = incoming_of(message)
        if incoming.kind == "event" and incoming.event not in ANSWERED_EVENTS:
            with self.records.database.writing() as conn:  # events of the corp itself: kept, and nobody to answer
                self.records.inbox.done(conn, message, now=self.now())
            return
        member = self._member(message.userid)
        if member is None:
            with self.records.database.writing() as conn:
                self.records.inbox.bury(conn, message, "member_unknown_to_wecom", now=self.now())
            return
        now = self.now()
        turn = self.talk.turn(incoming, member, now=now)
        with self.records.database.writing() as conn:
            self.records.inbox.done(conn, message, now=now)
            self.talk.keep(conn, incoming, turn, now=now)

    def _member(self, userid: str) -> StaffMember | None:
        known = self.records.staff.get(userid)
        if known is not None:
            return known
        found = self.directory.look_up(userid)
        if found is None:
            return None
        member = StaffMember(userid, found.name, NEW_MEMBER_ROLE, None, self.now(), source="wecom")
        with self.records.database.writing() as conn:
            if self.records.staff.add_if_new(conn, member):
                self.records.audit.append(
                    conn, actor="wecom", event="member_registered", subject=userid, body={}, now=self.now()
                )
        return member

    def _fail(self, message: InboxMessage, error: str) -> None:
        """Try again later; when the attempts are used up, tell the member and leave a dead letter."""
        now = self.now()
        try:
            dead = self.records.inbox.fail(message, error, retry_at=now + backoff(message.attempts), now=now)
            if dead:
                text = self.talk.messages("failed", number=message.id)
                with self.records.database.writing() as conn:
                    self.records.outbox.enqueue(
                        conn,
                        dedupe_key=f"{message.id}:failed",
                        userid=message.userid,
                        msgtype="text",
                        body={"content": text},
                        now=now,
                    )
        except (LeaseLost, DatabaseUnavailable) as exc:
            log.error("inbox_fail_not_kept", extra={"inbox_id": message.id, "code": exc.code})


def incoming_of(message: InboxMessage) -> Incoming:
    """A stored message as the conversation reads it."""
    payload = message.payload
    return Incoming(
        inbox_id=message.id,
        userid=message.userid,
        kind=str(payload.get("kind", "unknown")),
        text=str(payload.get("content") or ""),
        event=str(payload.get("event") or ""),
        event_key=str(payload.get("event_key") or ""),
    )


@dataclass(frozen=True)
class SendingLoop:
    """Sends queued messages: in order for each member, within WeCom's rate, never twice on purpose."""

    records: Records
    sender: MessageSender
    now: Callable[[], datetime]
    pool: Executor
    messages_per_minute: int
    duplicate_check: timedelta

    def step(self) -> int:
        """Send one batch; returns how many messages were taken. Raises: DatabaseUnavailable.

        The database is written to once before and once after the calls of a batch: others wait for it too.
        """
        claimed = self.records.outbox.claim(SENDING_BATCH, OUTBOX_LEASE, now=self.now())
        if not claimed:
            return 0
        results = list(self.pool.map(self._call, self._begun(self._within_the_rate(claimed))))
        calls = [(message, result) for message, result in results if result is not None]
        taken = [(message, result.msgid) for message, result in calls if result.outcome is SendOutcome.SENT]
        if taken and self.records.outbox.sent_all(taken, now=self.now()) < len(taken):
            log.warning("outbox_lease_lost", extra={"outbox_ids": [message.id for message, _ in taken]})
        for message, result in calls:
            if result.outcome is not SendOutcome.SENT:
                self._settled(message, partial(self._failed, message, result))
        return len(claimed)

    def _within_the_rate(self, claimed: Sequence[OutboxMessage]) -> list[OutboxMessage]:
        """Those whose members may get another message now; the others wait."""
        now, limit = self.now(), self.messages_per_minute
        got = self.records.outbox.sent_since({message.userid for message in claimed}, now - RATE_WINDOW)
        for message in claimed:
            if got.get(message.userid, 0) >= limit:
                self._settled(message, partial(self.records.outbox.put_off, message, at=now + timedelta(seconds=5)))
        return [message for message in claimed if got.get(message.userid, 0) < limit]

    def _begun(self, messages: Sequence[OutboxMessage]) -> list[OutboxMessage]:
        """Those whose send call may start, noted as started."""
        now = self.now()
        firsts = self.records.outbox.mark_sending(messages, now=now) if messages else {}
        begun = []
        for message in messages:
            if message.id not in firsts:
                log.warning("outbox_lease_lost", extra={"outbox_id": message.id})
            elif now - firsts[message.id] > self.duplicate_check - SAFETY:
                # An earlier try may have arrived and WeCom would no longer drop the repeat: a person decides.
                self._settled(message, partial(self.records.outbox.bury, message, "outcome_unknown", now=now))
            else:
                begun.append(message)
        return begun

    def _call(self, message: OutboxMessage) -> tuple[OutboxMessage, SendResult | None]:
        try:
            return message, self.sender.send(message.userid, message.msgtype, message.body)
        except Exception as exc:  # noqa: BLE001 - the outermost door of the work: nothing may kill the loop
            log.error("outbox_failed", extra={"outbox_id": message.id, **_trouble(exc)})
            return message, None

    def _settled(self, message: OutboxMessage, settle: Callable[[], None]) -> None:
        """Settle one message; what cannot be settled is tried again when its lease ends."""
        try:
            settle()
        except LeaseLost:
            log.warning("outbox_lease_lost", extra={"outbox_id": message.id})
        except DatabaseUnavailable as exc:
            log.error("outbox_waits_for_database", extra={"outbox_id": message.id, "code": exc.code})

    def _failed(self, message: OutboxMessage, result: SendResult) -> None:
        now = self.now()
        error = f"{result.outcome}:{result.errcode}"
        if _is_hopeless(message, result.outcome, now):
            self.records.outbox.bury(message, error, now=now)
            return
        wait = max(backoff(message.attempts), timedelta(seconds=result.retry_after_s))
        never_sent = result.outcome is SendOutcome.RETRY
        self.records.outbox.retry(message, error, at=now + wait, never_sent=never_sent)


def _is_hopeless(message: OutboxMessage, outcome: SendOutcome, now: datetime) -> bool:
    """Whether another try is not worth it: refused, too old, or too often in the dark and not for the first time."""
    if outcome is SendOutcome.RETRY:
        return now - message.queued_at >= KEEP_TRYING
    again_in_the_dark = message.first_sent_at is not None and message.attempts >= MOST_SEND_ATTEMPTS
    return outcome is SendOutcome.REFUSED or again_in_the_dark


def _trouble(exc: Exception) -> dict[str, str]:
    """Type and place of an unforeseen error; never its text, which may quote what a member wrote."""
    frames = traceback.extract_tb(exc.__traceback__)[-4:]
    place = " > ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames)
    return {"error": type(exc).__name__, "place": place}


def run_until(stop: threading.Event, step: Callable[[], int], *, idle_s: float = 0.05, gather_s: float = 0.0) -> None:
    """Repeat `step` until `stop`; rest when there was nothing to do, longer while the database is away.

    Args:
        gather_s: rest so long after each step, so that the next one finds a batch rather than a single row.
    """
    while not stop.is_set():
        try:
            taken = step()
        except DatabaseUnavailable as exc:
            log.error("loop_waits_for_database", extra={"code": exc.code})
            stop.wait(1.0)
            continue
        stop.wait(gather_s if taken else idle_s)
