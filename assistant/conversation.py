"""The conversation with one relationship manager: each message in, the messages out, what to keep, as one change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from assistant.answering import Question
from assistant.asking import Answer, Asking, AskRequest, Prepared
from assistant.clock import business_day
from assistant.deciding import Deciding
from assistant.drafting.brief import DraftKind, Length, Tone
from assistant.edits import summary_category
from assistant.errors import DraftAlreadyDecided, DraftNotFound, DraftNotYours, EvidenceLapsed, FinalTextMissing
from assistant.masking import mask
from assistant.outgoing import Splitter
from assistant.reading import MAX_QUESTION_CHARACTERS, Command, Want, customer_hints, read, reject_reason
from assistant.recent import RecentTexts
from assistant.records.decisions import OutcomeRecord
from assistant.records.drafts import Conversation
from assistant.records.staff import StaffMember
from assistant.rendering import basis_card, basis_message, blocked_message, check_message, short_code, unknown_message
from assistant.wording import Messages, load_toml

MOST_REMEMBERED = 8
TURNS_REMEMBERED = 3
FOREIGN_SHARE = 0.2
LONGEST_REASON = 20
SHORTER = {Length.LONG: Length.MEDIUM, Length.MEDIUM: Length.SHORT, Length.SHORT: Length.SHORT}
LONGER = {Length.SHORT: Length.MEDIUM, Length.MEDIUM: Length.LONG, Length.LONG: Length.LONG}


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message from a member. `kind`: text, event or another type; `event_key` of a button that was pressed."""

    inbox_id: int
    userid: str
    kind: str
    text: str = ""
    event: str = ""
    event_key: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to the member. `draft`: it is the draft itself, to be copied whole."""

    text: str
    draft: bool = False
    card: Mapping[str, Any] | None = None
    keep: tuple[str, ...] = ()


@dataclass
class Turn:
    """What one incoming message brings about; `writes` run in one transaction, in order."""

    messages: list[Outgoing] = field(default_factory=list)
    writes: list[Callable[[Connection], object]] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)
    last_draft_id: str | None = None
    draft_id: str | None = None


@dataclass(frozen=True)
class Talk:
    """Answers members. Stateless between messages: what it remembers stands in the conversation row."""

    asking: Asking
    deciding: Deciding
    messages: Messages
    split: Splitter
    ticket_hours: int
    cards: bool = False

    def turn(self, incoming: Incoming, member: StaffMember, *, now: datetime) -> Turn:
        """Work out the answer to one message; nothing is stored yet."""
        conversation = self.asking.records.conversations.get(incoming.userid)
        state = dict(conversation.state) if conversation else {}
        turn = Turn(state=state, last_draft_id=conversation.last_draft_id if conversation else None)
        if not member.active:
            turn.messages.append(Outgoing(self.messages("staff_inactive")))
        elif incoming.kind == "event":
            self._event(incoming, turn, now)
        elif incoming.kind != "text":
            turn.messages.append(Outgoing(self.messages("unreadable_type", kind=_kind_name(incoming.kind))))
        else:
            self._text(incoming, member, turn, now)
        return turn

    def keep(self, conn: Connection, incoming: Incoming, turn: Turn, *, now: datetime) -> None:
        """Store everything a turn brings about, in the caller's transaction."""
        recent = RecentTexts(turn.state.get("recent", {}), now)
        number = 0
        for message in turn.messages:
            text = message.text if message.draft else recent.told_apart(message.text, incoming.inbox_id)
            recent.note(text)
            recent.note(message.text)
            parts = [{"content": part} for part in self.split(text, keep=message.keep)]
            for body in [dict(message.card)] if message.card else parts:
                self.asking.records.outbox.enqueue(
                    conn,
                    dedupe_key=f"{incoming.inbox_id}:{number}",
                    userid=incoming.userid,
                    msgtype="template_card" if message.card else "text",
                    body=body,
                    sequence=number,
                    now=now,
                    draft_id=turn.draft_id,
                )
                number += 1
        turn.state["recent"] = recent.stored
        self.asking.records.conversations.save(
            conn,
            Conversation(
                userid=incoming.userid,
                last_draft_id=turn.last_draft_id,
                last_question=turn.state.get("question"),
                customer_words=turn.state.get("words"),
                state=turn.state,
            ),
            now=now,
        )
        for write in turn.writes:
            write(conn)

    # -- events and texts

    def _event(self, incoming: Incoming, turn: Turn, now: datetime) -> None:
        if incoming.event in ("subscribe", "enter_agent"):
            if not turn.state.get("welcomed"):
                turn.state["welcomed"] = True
                turn.messages.append(Outgoing(self.messages("welcome")))
        elif incoming.event == "template_card_event" and ":" in incoming.event_key:
            action, draft_id = incoming.event_key.split(":", 1)
            self._pressed(action, draft_id, incoming, turn, now)

    def _pressed(self, action: str, draft_id: str, incoming: Incoming, turn: Turn, now: datetime) -> None:
        if action == "accepted":
            self._decide(Command(Want.DECISION, detail="accepted"), incoming, turn, now, draft_id=draft_id, how="card")
        elif action == "rejected":
            self._decide(Command(Want.DECISION, detail="rejected"), incoming, turn, now, draft_id=draft_id, how="card")
        elif action == "edit":
            turn.last_draft_id = draft_id  # what comes next with 「改：」 is about this one
            turn.messages.append(Outgoing(self.messages("ask_final")))
        elif action == "another":
            member = self.asking.records.staff.get(incoming.userid)
            if member:
                self._follow_up(Command(Want.FOLLOW_UP, detail="another"), incoming, member, turn, now)

    def _text(self, incoming: Incoming, member: StaffMember, turn: Turn, now: datetime) -> None:
        command = self._read(incoming.text, turn)
        if command.want is Want.UNREADABLE:
            turn.messages.append(Outgoing(self.messages("unreadable_empty")))
        elif command.want in (Want.HELP, Want.GREETING, Want.WHO_NEXT):
            turn.messages.append(Outgoing(self.messages(str(command.want))))
        elif command.want is Want.DECISION:
            self._decide(command, incoming, turn, now)
        elif command.want is Want.OUTCOME:
            self._outcome(command, incoming, turn, now)
        elif command.want is Want.FOLLOW_UP:
            self._follow_up(command, incoming, member, turn, now)
        elif command.want is Want.CHECK and not command.rest:
            turn.messages.append(Outgoing(self.messages("check_empty")))
        elif command.want is not Want.CHECK and _is_foreign(command.rest or incoming.text):
            turn.messages.append(Outgoing(self.messages("foreign")))
        else:
            self._ask(command, incoming, member, turn, now)

    def _read(self, text: str, turn: Turn) -> Command:
        """The message, read in the light of what was said last."""
        asked_for_reason = turn.state.pop("reason_wanted", None)
        if asked_for_reason and len(text) <= LONGEST_REASON and reject_reason(text) != "other":
            turn.last_draft_id = asked_for_reason
            return Command(Want.DECISION, detail="rejected", reason=text.strip())
        command = read(text, has_draft=True)
        if command.detail == "customer_says" and (not turn.state.get("words") or _names_another(text, turn.state)):
            return read(text)
        return command

    # -- asking

    def _ask(self, command: Command, incoming: Incoming, member: StaffMember, turn: Turn, now: datetime) -> None:
        request = AskRequest(incoming.text, incoming.userid)
        question = self.asking.question(command, request, member, on=business_day(now))
        if command.want is not Want.CHECK and len(incoming.text) > MAX_QUESTION_CHARACTERS:
            turn.messages.append(
                Outgoing(self.messages("too_long", count=len(incoming.text), limit=MAX_QUESTION_CHARACTERS))
            )
        turn.state["said"] = []
        question = self._in_context(command, question, turn)
        self._draft(command, question, incoming, turn, now, parent=None)

    def _in_context(self, command: Command, question: Question, turn: Turn) -> Question:
        """What leans on the last messages, written out; 「客户问：…」 begins a new matter and carries nothing over."""
        before = [] if command.want is not Want.REPLY or command.detail == "quoted" else turn.state.get("turns", [])
        turn.state["turns"] = [*before, question.words][-TURNS_REMEMBERED:]
        if question.customer.alias and question.customer.alias != turn.state.get("alias"):
            before = []
        words = self.asking.in_context(question.words, before, scope=question.scope, on=question.on)
        return replace(question, words=words)

    def _draft(
        self, command: Command, question: Question, incoming: Incoming, turn: Turn, now: datetime, *, parent: str | None
    ) -> None:
        prepared = self.asking.prepare(
            command,
            question,
            incoming.text,
            now=now,
            started_ms=self.asking.clock_ms(),
            inbox_id=incoming.inbox_id,
            parent=parent,
        )
        turn.writes.append(lambda conn: self.asking.store(conn, prepared, now=now))
        turn.draft_id = prepared.answer.draft_id
        answer = prepared.answer
        copied = [answer.suggestion] if answer.kind == DraftKind.CHECK else [answer.text]
        copied += [str(item["text"]) for item in answer.alternatives]
        same = RecentTexts(turn.state.get("recent", {}), now).holds(copied)
        turn.messages += self._shown(prepared.answer, same_as_before=same)
        self._remember(command, question, prepared, turn)

    def _shown(self, answer: Answer, *, same_as_before: bool) -> list[Outgoing]:
        if answer.kind == DraftKind.CHECK:
            shown = [Outgoing(check_message(answer, self.messages))]
            if answer.suggestion:
                lead = self.messages("same_as_before" if same_as_before else "check_suggestion")
                shown += [Outgoing(lead), Outgoing(answer.suggestion, draft=True)]
            return shown
        if answer.text is None:
            if answer.verdict == "blocked":
                return [Outgoing(blocked_message(answer, self.messages))]
            return [Outgoing(unknown_message(answer, self.messages, hours=self.ticket_hours))]
        shown = [Outgoing(answer.text, draft=True)]
        shown += [Outgoing(str(item["text"]), draft=True) for item in answer.alternatives]
        basis = basis_message(answer, self.messages, same_as_before=same_as_before)
        return [*shown, Outgoing(basis, card=basis_card(answer, basis, self.messages) if self.cards else None)]

    def _remember(self, command: Command, question: Question, prepared: Prepared, turn: Turn) -> None:
        answer = prepared.answer
        if answer.text is not None and answer.kind != DraftKind.CHECK:
            turn.last_draft_id = answer.draft_id
            turn.state["said"] = [*turn.state.get("said", []), answer.text][-MOST_REMEMBERED:]
        elif answer.kind == DraftKind.CHECK:
            return
        else:
            turn.last_draft_id = None
        turn.state.update(
            question=question.previous,
            words=question.words,
            want=str(command.want),
            kind=str(question.kind),
            length=str(question.length),
            tone=str(question.tone),
            variant=question.variant,
            product=prepared.product_code,
            situation=prepared.situation,
            alternatives=[item["text"] for item in answer.alternatives],
            level=question.customer.level,
            age=question.customer.age,
            alias=question.customer.alias,
        )

    def _follow_up(self, command: Command, incoming: Incoming, member: StaffMember, turn: Turn, now: datetime) -> None:
        state = turn.state
        if not state.get("words"):
            turn.messages.append(Outgoing(self.messages("no_draft")))
            return
        says = command.detail == "customer_says"
        request = AskRequest(
            f"{state.get('alias') or ''}{command.rest if says else state['words']}",
            incoming.userid,
            customer_level=state.get("level"),
            customer_age=state.get("age"),
        )
        wish = Command(Want(state.get("want", "reply")), rest=command.rest if says else state["words"])
        question = self.asking.question(wish, request, member, on=business_day(now))
        length, tone = Length(state.get("length", "medium")), Tone(state.get("tone", "natural"))
        variant = int(state.get("variant", 0)) + (1 if command.detail == "another" else 0)
        if command.detail == "shorter":
            length = SHORTER[length]
        elif command.detail == "longer":
            length = LONGER[length]
        elif command.detail in ("politer", "plainer"):
            tone = Tone.POLITE if command.detail == "politer" else Tone.PLAIN
        question = replace(
            question,
            kind=DraftKind.REPLY if says else DraftKind(state.get("kind", "reply")),
            length=Length.MEDIUM if says else length,
            tone=tone,
            variant=0 if says else variant,
            said=frozenset(state.get("said", [])) if says or command.detail == "another" else frozenset(),
            product_hint=state.get("product"),
            situation_hint=None if says else state.get("situation"),
        )
        self._draft(wish, question, incoming, turn, now, parent=turn.last_draft_id)

    # -- decisions

    def _decide(
        self,
        command: Command,
        incoming: Incoming,
        turn: Turn,
        now: datetime,
        *,
        draft_id: str | None = None,
        how: str = "chat",
    ) -> None:
        draft_id = draft_id or turn.last_draft_id
        final = command.rest
        if draft_id is None:
            turn.messages.append(Outgoing(self.messages("no_draft")))
            return
        if command.detail == "edit_prompt":
            turn.messages.append(Outgoing(self.messages("ask_final")))
            return
        if command.detail == "accepted" and command.reason:
            others = turn.state.get("alternatives", [])
            if int(command.reason) - 2 >= len(others):
                turn.messages.append(Outgoing(self.messages("no_such_angle", number=command.reason)))
                return
            final = others[int(command.reason) - 2]
            command = replace(command, reason="")
        try:
            decided, write = self.deciding.prepare(
                draft_id,
                command.detail,
                now=now,
                how=how,
                userid=incoming.userid,
                final_text=final or None,
                reason=command.reason or None,
            )
        except DraftAlreadyDecided as exc:
            status = load_toml("messages.zh")["statuses"].get(exc.ids["status"], exc.ids["status"])
            turn.messages.append(Outgoing(self.messages("already_decided", status=status)))
            return
        except EvidenceLapsed as exc:
            turn.messages.append(Outgoing(self.messages(f"lapsed_{exc.ids['reason']}", title=exc.ids["title"])))
            return
        except (DraftNotFound, DraftNotYours, FinalTextMissing):
            turn.messages.append(Outgoing(self.messages("no_draft")))
            return
        turn.writes.append(write)
        turn.draft_id = draft_id
        if decided.decision == "rejected" and not decided.reason:
            turn.state["reason_wanted"] = draft_id
        code = f"（草稿 {short_code(draft_id)}）"
        turn.messages += [
            Outgoing(text + (code if number == 0 else "")) for number, text in enumerate(self._told(decided))
        ]

    def _told(self, decided: Any) -> list[str]:
        table = load_toml("messages.zh")
        if decided.decision == "accepted":
            return [self.messages("accepted")]
        if decided.decision == "edited":
            category = summary_category(decided.edits) if decided.edits else "other"
            told = [self.messages("edited", summary=table["edit_categories"][category])]
            if decided.findings:
                titles = "、".join(dict.fromkeys(f.title for f in decided.findings))
                told.append(self.messages("edited_gate", count=len(decided.findings), titles=titles))
            return told
        if not decided.reason:
            return [self.messages("rejected_reason_missing")]
        code = decided.reason.split(":", 1)[0]
        return [self.messages("rejected", reason=table["reject_reasons"].get(code, table["reject_reasons"]["other"]))]

    def _outcome(self, command: Command, incoming: Incoming, turn: Turn, now: datetime) -> None:
        draft_id = turn.last_draft_id
        if draft_id is not None:
            record = OutcomeRecord(f"o-{incoming.inbox_id}", draft_id, command.detail, incoming.userid, now)
            turn.writes.append(lambda conn: self.asking.records.decisions.add_outcome(conn, record))
        if command.detail == "blocked":
            self._opt_out(incoming, turn, now)
        turn.messages.append(Outgoing(self.messages(f"outcome_{command.detail}")))

    def _opt_out(self, incoming: Incoming, turn: Turn, now: datetime) -> None:
        """「被拉黑了」 about a known customer ends marketing to them."""
        alias = turn.state.get("alias")
        called = self.asking.records.customers.called(incoming.userid, alias) if alias else []
        if len(called) == 1:
            turn.writes.append(
                lambda conn: self.asking.records.customers.set_opt_out(conn, called[0].customer_id, True, now=now)
            )


def _names_another(text: str, state: Mapping[str, Any]) -> bool:
    """Whether a message begins with another customer than the one the talk was about."""
    alias = customer_hints(text).alias
    return alias is not None and text.strip().startswith(alias) and alias != state.get("alias")


def _is_foreign(text: str) -> bool:
    """Letters of which hardly any are Chinese; product codes and short words do not count."""
    letters = [c for c in mask(text) if c.isalpha()]
    chinese = sum("\u4e00" <= c <= "\u9fff" for c in letters)
    return len(letters) >= 16 and chinese / len(letters) < FOREIGN_SHARE


def _kind_name(kind: str) -> str:
    names: Mapping[str, str] = load_toml("messages.zh")["message_kinds"]
    return names.get(kind, names["unknown"])
