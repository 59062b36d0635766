"""Chats as passages: one for each exchange, what the customer said and what the RM answered."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from knowledge.documents import DocumentKind, PassageText
from knowledge.ingestion.extracted import Block, BlockKind, Doubt, ExtractedText, joined
from knowledge.ingestion.masked import Mask
from knowledge.ingestion.reading import ReadDocument
from knowledge.ingestion.stretches import Group, passages_of
from knowledge.ingestion.typed.chats import CUSTOMER, MANAGER, Conversation, names_of, roles, without_names
from knowledge.ingestion.wording import words

_EXCHANGE_MOST = 900
_TURN_MOST = 1_500
_FILLER_CHARS = 4
_CONTEXT_CHARS = 60
_ASKS = re.compile(r"[?？]|[吗呢么]$|怎么|多少|能不能|可不可以|什么|哪|几[天年个]|为啥")


@dataclass(frozen=True, slots=True)
class _Turn:
    role: str
    label: str
    text: str

    @property
    def line(self) -> str:
        return f"{self.label}：{self.text}"


def chat_document(
    conversations: Sequence[Conversation], *, name: str, file: str, title: str, mask: Mask
) -> ReadDocument:
    """All conversations of a file as one document, people by role and personal data masked.

    The id and the file's name lose the speakers' names too. Payload: `{"content": "conversations", "data":
    {"conversations": [{"title", "day", "stage", "outcome", "note", "turns", "roles_known", "passages": [first,
    last]}]}}`, passages counted from 1.
    """
    people: dict[str, str] = {}
    for conversation in conversations:
        people |= names_of(roles(conversation.messages))
    spoken = [_turns(conversation, people, mask) for conversation in conversations]
    exchanges = [list(_exchanges(turns)) for turns in spoken]
    extracted = joined(_block(turn) for found in exchanges for exchange in found for turn in exchange)
    file = mask(without_names(file, people))
    passages, counts = _passages(extracted, exchanges, conversations, file, people, mask)
    unclear = sum(any(not turn.role for turn in turns) for turns in spoken)
    changed = sum(_changed(conversation, mask) for conversation in conversations)
    doubts = (Doubt("roles_unknown", (("count", str(unclear)),)),) if unclear else ()
    return ReadDocument(
        document_id=f"transcript-{hashlib.sha256(name.encode()).hexdigest()[:12]}",
        kind=DocumentKind.TRANSCRIPT,
        title=mask(without_names(title, people))[:200],
        passages=passages,
        payload={"content": "conversations", "data": {"conversations": counts}},
        doubts=doubts,
        extracted=extracted,
        masked=changed,
        keeps_file=False,
    )


def _turns(conversation: Conversation, people: dict[str, str], mask: Mask) -> list[_Turn]:
    label = words("transcript_labels")
    found = roles(conversation.messages)
    strangers = [speaker for speaker, role in found.items() if not role]
    turns: list[_Turn] = []
    for message in conversation.messages:
        role = found[message.speaker]
        called = label[role] if role else f"{label['unknown']}{strangers.index(message.speaker) + 1}"
        text = mask(without_names(" ".join(message.text.split()), people))
        if text:
            turns.append(_Turn(role, called, text))
    return turns


def _changed(conversation: Conversation, mask: Mask) -> int:
    return sum(mask(message.text) != message.text for message in conversation.messages)


def _exchanges(turns: Sequence[_Turn]) -> Iterator[list[_Turn]]:
    """A customer's turns and the answer to them; small talk after an answer stays with it."""
    current: list[_Turn] = []
    for at, turn in enumerate(turns):
        if current and _begins(current, turn, turns[at:]):
            yield current
            current = []
        current.append(turn)
    if current:
        yield current


def _begins(current: Sequence[_Turn], turn: _Turn, rest: Sequence[_Turn]) -> bool:
    size = sum(len(one.line) + 1 for one in current)
    if size + len(turn.line) > _EXCHANGE_MOST:
        return True
    if not turn.role:
        return size > _EXCHANGE_MOST // 2
    if turn.role != CUSTOMER or not any(one.role == MANAGER for one in current):
        return False
    if not any(one.role == CUSTOMER for one in current):  # so far only the RM's greeting
        return False
    answered = any(one.role == MANAGER for one in rest)
    filler = len(turn.text) <= _FILLER_CHARS and not _ASKS.search(turn.text)
    return answered and not filler and current[-1].role != CUSTOMER


def _block(turn: _Turn) -> Block:
    return Block(BlockKind.PARAGRAPH, turn.line)


def _passages(
    extracted: ExtractedText,
    exchanges: Sequence[Sequence[Sequence[_Turn]]],
    conversations: Sequence[Conversation],
    file: str,
    people: dict[str, str],
    mask: Mask,
) -> tuple[tuple[PassageText, ...], list[dict[str, object]]]:
    blocks = iter(extracted.blocks)
    passages: list[PassageText] = []
    counts: list[dict[str, object]] = []
    for number, (conversation, found) in enumerate(zip(conversations, exchanges, strict=True), start=1):
        first, before = len(passages) + 1, ""
        title = mask(without_names(conversation.title, people)) or f"{words('transcript_labels')['one']}{number}"
        for exchange in found:
            group = Group(_heading(title, before), [b for b in (next(blocks, None) for _ in exchange) if b], _TURN_MOST)
            asked = _asked(exchange)
            for at, passage in enumerate(passages_of(extracted.text, group, file)):
                passages.append(replace(passage, known_questions=asked if at == 0 else ()))
            before = _context(exchange)
        counts.append(
            {
                "title": title,
                "day": conversation.day.isoformat() if conversation.day else None,
                "stage": conversation.stage,
                "outcome": mask(without_names(conversation.outcome, people)),
                "note": mask(without_names(conversation.note, people)),
                "turns": sum(map(len, found)),
                "roles_known": all(turn.role for exchange in found for turn in exchange),
                "passages": [first, len(passages)],
            }
        )
    return tuple(passages), counts


def _heading(title: str, before: str) -> str:
    return f"{title} / {words('transcript_labels')['before']}：{before}" if before else title


def _context(exchange: Sequence[_Turn]) -> str:
    asked = next((turn for turn in reversed(exchange) if turn.role == CUSTOMER), exchange[0])
    answer = next((turn for turn in reversed(exchange) if turn.role == MANAGER), exchange[-1])
    return "；".join(dict.fromkeys(turn.line[:_CONTEXT_CHARS] for turn in (asked, answer)))


def _asked(exchange: Sequence[_Turn]) -> tuple[str, ...]:
    asked = [turn.text for turn in exchange if turn.role == CUSTOMER and _ASKS.search(turn.text)]
    return tuple(text for text in asked[-2:] if 6 <= len(text) <= 80)
