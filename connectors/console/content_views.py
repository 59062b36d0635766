"""Typed content of a version by field, in the words of curators; and what differs between two versions of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from assistant.wording import load_toml
from connectors.console.sheet_forms import sheet_in
from knowledge.comparing import DetailChange
from knowledge.documents import DocumentVersion
from knowledge.ingestion.typed.written import content_of, data_of

Fields = Iterator[tuple[str, tuple[str, ...]]]
_UNSAID = frozenset({"kind", "id", "effective_from", "effective_until"})  # never change, or stand in the details


def shown_in(version: DocumentVersion) -> Fields:
    """Label and values of every field that is filled; nothing for a document without typed content."""
    if not content_of(version):
        yield from sheet_in(version)
        return
    words = _words()
    for name, value in data_of(version).items():
        values = () if name in _UNSAID else tuple(_lines(value, words))
        if values:
            yield str(words.get(name, name)), values
    data = (version.payload or {}).get("data")
    sections = data.get("sections") if isinstance(data, Mapping) else None
    for heading, text in dict(sections or {}).items():
        yield f"「{heading or words['preface']}」", tuple(str(text).splitlines())


def content_changes(before: DocumentVersion, after: DocumentVersion) -> tuple[DetailChange, ...]:
    """Fields of the typed contents of two versions that differ, by label."""
    old, new = dict(shown_in(before)), dict(shown_in(after))
    labels = dict.fromkeys((*new, *old))
    found = [DetailChange(label, "\n".join(old.get(label, ())), "\n".join(new.get(label, ()))) for label in labels]
    return tuple(change for change in found if change.before != change.after)


def place_words(place: str) -> str:
    """Where in a content something does not fit, e.g. `turns.0.role`, as a curator counts it."""
    words = _words()
    said = [
        str(words["nth"]).replace("$n", str(int(p) + 1)) if p.isdigit() else words.get(p, p) for p in place.split(".")
    ]
    return " › ".join(str(each) for each in said if each)


def _lines(value: Any, words: Mapping[str, Any]) -> Iterator[str]:
    """The lines of one field: texts as they are, a message with its moves, a topic's angle with its parts."""
    if isinstance(value, list):
        for each in value:
            yield from _lines(_message(each, words) if isinstance(each, Mapping) and "role" in each else each, words)
    elif isinstance(value, Mapping):
        yield from ("　".join(f"{words.get(name, name)}：{part}" for name, part in value.items() if part),)
    elif value not in (None, ""):
        yield from str(value).splitlines()


def _message(turn: Mapping[str, Any], words: Mapping[str, Any]) -> str:
    """One message of a conversation; moves and what may be said to anybody count for drafts, so they are shown."""
    said = str(turn.get("text") or "")
    for say in turn.get("says") or ():
        move = words["moves"].get(say.get("move"), say.get("move"))
        said += f"［{move}{words['reusable'] if say.get('reusable') else ''}］{say.get('text', '')}"
    return f"{words['roles'].get(turn['role'], turn['role'])}：{said}"


def _words() -> Mapping[str, Any]:
    words: Mapping[str, Any] = load_toml("console.zh")["content"]
    return words
