"""YAML files: winning conversations, known questions, moments topics."""

from __future__ import annotations

from typing import Any

from knowledge.content import KnownQuestion, MomentsTopic, Transcript
from knowledge.documents import DocumentKind, PassageText
from knowledge.ingestion.reading import (
    ContentInvalid,
    ReadDocument,
    labelled,
    typed_payload,
    validated,
    whole_file,
)
from knowledge.ingestion.wording import sentence, words


def read_transcripts(data: Any, text: str, *, file: str) -> list[ReadDocument]:
    """One conversation, or a list of them. Raises: ContentInvalid."""
    return [_transcript(item, text, file, at) for at, item in _items(data)]


def read_known_questions(data: Any, text: str, *, file: str) -> list[ReadDocument]:
    """A list of known questions, one document each. Raises: ContentInvalid."""
    return [_known_question(item, text, file, at) for at, item in _items(data)]


def read_moments(data: Any, text: str, *, file: str) -> list[ReadDocument]:
    """A list of moments topics, one document each. Raises: ContentInvalid."""
    return [_moments_topic(item, text, file, at) for at, item in _items(data)]


def _items(data: Any) -> list[tuple[str, Any]]:
    """Entries with their place counted from 1. Raises: ContentInvalid for an id that stands twice."""
    entries = data if isinstance(data, list) else [data]
    seen: set[str] = set()
    for number, entry in enumerate(entries, start=1):
        name = str(entry.get("id", "")) if isinstance(entry, dict) else ""
        if name and name in seen:
            raise ContentInvalid(field=f"{number}.id", problem=sentence("problems", "duplicate"))
        seen.add(name)
    return [(str(number) if isinstance(data, list) else "", entry) for number, entry in enumerate(entries, start=1)]


def _transcript(item: Any, text: str, file: str, at: str) -> ReadDocument:
    transcript = validated(Transcript, item, at=at)
    label = words("transcript")
    lines = [
        transcript.title,
        labelled(
            [
                (label["situation"], transcript.situation),
                (label["stage"], transcript.stage),
                (label["segment"], transcript.segment),
            ]
        ),
        *(f"{label[turn.role]}：{turn.words}" for turn in transcript.turns),
        labelled(
            [
                (label["outcome"], transcript.outcome),
                (label["why_it_worked"], transcript.why_it_worked),
                (label["avoid"], transcript.avoid),
            ]
        ),
    ]
    asked = tuple(turn.words for turn in transcript.turns if turn.role == "customer")
    return ReadDocument(
        document_id=f"transcript-{transcript.id}",
        kind=DocumentKind.TRANSCRIPT,
        title=transcript.title,
        passages=(PassageText("\n".join(lines), whole_file(file, text), asked),),
        payload=typed_payload("transcript", transcript),
        effective_from=transcript.date,
    )


def _known_question(item: Any, text: str, file: str, at: str) -> ReadDocument:
    known = validated(KnownQuestion, item, at=at)
    label = words("known_question")
    parts = ("question", "answer", "reason", "caution", "ask", "next_step")
    passage = labelled((label[part], getattr(known, part)) for part in parts)
    return ReadDocument(
        document_id=f"faq-{known.id}",
        kind=DocumentKind.FAQ,
        title=known.question,
        passages=(PassageText(passage, whole_file(file, text), known.known_questions, known.counter_questions),),
        payload=typed_payload("known_question", known),
        product_code=known.products[0] if len(known.products) == 1 else None,
        effective_from=known.effective_from,
        effective_until=known.effective_until,
    )


def _moments_topic(item: Any, text: str, file: str, at: str) -> ReadDocument:
    topic = validated(MomentsTopic, item, at=at)
    label = words("moments")
    lines = [
        labelled(
            [
                (label["topic"], topic.topic),
                (label["triggers"], "、".join(topic.triggers)),
                (label["audience"], topic.audience),
                (label["facts"], "\n".join(topic.facts)),
            ]
        ),
        *(f"{label['angle']}：{angle.angle}\n{angle.text}" for angle in topic.angles),
    ]
    return ReadDocument(
        document_id=f"moments-{topic.id}",
        kind=DocumentKind.OTHER,
        title=topic.topic,
        passages=(PassageText("\n".join(lines), whole_file(file, text), (topic.topic, *topic.triggers)),),
        payload=typed_payload("moments_topic", topic),
    )
