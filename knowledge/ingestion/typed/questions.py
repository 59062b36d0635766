"""Known questions from tables (标准问, 相似问, 答案, 反例) and from text (`问：… 答：…`): one document a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from knowledge.documents import PassageText
from knowledge.ingestion.extracted import Block, BlockKind, ExtractedText, joined
from knowledge.ingestion.stretches import Group, HeadingPath, passages_of
from knowledge.ingestion.wording import words

_ASIDE = re.compile(r"[（(【\[].*?[)）】\]]")
_SEVERAL = re.compile(r"[\n\r|｜;；]+|(?<=[？?])\s*(?=\S)")
_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class QuestionsRead:
    """Passages with their known and counter-questions, on the text that is to be stored."""

    extracted: ExtractedText
    passages: tuple[PassageText, ...]
    payload: dict[str, object]


@dataclass(slots=True)
class _Entry:
    question: str = ""
    answer: str = ""
    known: list[str] = field(default_factory=list)
    counter: list[str] = field(default_factory=list)
    category: str = ""

    def data(self, passage: int) -> dict[str, object]:
        return {
            "question": self.question,
            "answer": self.answer,
            "known_questions": self.known,
            "counter_questions": self.counter,
            "category": self.category,
            "passage": passage,
        }


def questions_in_rows(extracted: ExtractedText, *, file: str) -> QuestionsRead | None:
    """A table of known questions, one passage each; None when most of the file is something else.

    Rows become `问：… 答：…`; other ways to ask and counter-questions leave the text and stand beside the passage.
    """
    entries: dict[int, _Entry] = {}
    rows = 0
    for at, block in enumerate(extracted.blocks):
        if block.kind is BlockKind.ROW:
            rows += 1
            if (entry := _entry(block)) is not None:
                entries[at] = entry
    if not entries or len(entries) < _SHARE * rows:
        return None
    label = words("known_question")
    blocks = [
        replace(block, text=f"{label['question']}：{entries[at].question}\n{label['answer']}：{entries[at].answer}")
        if at in entries
        else block
        for at, block in enumerate(extracted.blocks)
    ]
    text = joined(blocks, extracted.warnings)
    return _read(text, [(entry, [text.blocks[at]]) for at, entry in entries.items() if at < len(text.blocks)], file)


def questions_in_text(extracted: ExtractedText, *, file: str) -> QuestionsRead | None:
    """Questions and answers one below the other, marked 问 / 答 or Q / A; None when there are fewer than two."""
    found: list[tuple[_Entry, list[Block]]] = []
    path, headings = HeadingPath(), dict[int, str]()
    for block in extracted.blocks:
        if block.kind is BlockKind.HEADING and not _marked(block.text, "question"):
            path.enter(block.level, block.text)
            continue
        asked = _marked(block.text, "question")
        if asked:
            found.append((_Entry(category=str(path)), [block]))
            headings[len(found)] = str(path)
        elif found and headings[len(found)] == str(path):
            found[-1][1].append(block)
    for entry, blocks in found:
        _fill(entry, "\n".join(block.text for block in blocks))
    answered = [(entry, blocks) for entry, blocks in found if entry.question and entry.answer]
    size = sum(block.end - block.start for _, blocks in answered for block in blocks)
    if len(answered) < 2 or size < _SHARE * len(extracted.text):
        return None
    return _read(extracted, answered, file)


def _entry(block: Block) -> _Entry | None:
    """One row of a question table, by its column names."""
    named = {_column(cell.name): "\n".join(cell.lines) or cell.value for cell in block.row}
    title, content = named.pop("title", ""), named.get("content", "")
    question, answer = named.get("question", ""), named.get("answer", "") or content
    answer = answer.strip()
    known = _several(named.get("similar", ""))
    if content and not named.get("answer"):  # templates that import passages: a title, the answer, its questions
        asked = _several(question)
        question, known = (title or asked[0], [*asked, *known]) if (title or asked) else ("", known)
    if not question or not answer:
        return None
    known = [text for text in dict.fromkeys(known) if text != question]
    return _Entry(question, answer, known, _several(named.get("counter", "")), named.get("category", "") or title)


@lru_cache(maxsize=4096)
def _column(name: str) -> str:
    plain = _ASIDE.sub("", name.rsplit("·", 1)[-1]).strip().lower()
    columns = words("question_columns")
    exact = next((key for key, names in columns.items() if plain in names), None)
    return exact or next((key for key, names in columns.items() if any(plain.startswith(one) for one in names)), plain)


def _several(text: str) -> list[str]:
    return [part.strip() for part in _SEVERAL.split(text) if part and part.strip()]


def _marked(text: str, part: str) -> str:
    """What stands behind a mark like 问： at the beginning of a line, or nothing."""
    for mark in words("question_marks")[part]:
        found = re.match(rf"^\s*(?:[-*]\s+)?{mark}\s*\d{{0,3}}\s*[:：.、]\s*(\S.*)", text, re.I | re.S)
        if found:
            return found.group(1).strip()
    return ""


def _fill(entry: _Entry, text: str) -> None:
    part = ""
    said: dict[str, list[str]] = {}
    for line in text.split("\n"):
        found = next(((name, rest) for name in words("question_marks") if (rest := _marked(line, name))), None)
        part, rest = found or (part, line)
        said.setdefault(part, []).append(rest)
    joined_up = {name: "\n".join(lines).strip() for name, lines in said.items()}
    entry.question, entry.answer = joined_up.get("question", ""), joined_up.get("answer", "")
    entry.known, entry.counter = _several(joined_up.get("similar", "")), _several(joined_up.get("counter", ""))


def _read(extracted: ExtractedText, found: Sequence[tuple[_Entry, list[Block]]], file: str) -> QuestionsRead:
    passages: list[PassageText] = []
    data: list[dict[str, object]] = []
    for entry, blocks in found:
        group = Group(entry.category, blocks, most=4_000)
        for at, passage in enumerate(passages_of(extracted.text, group, file)):
            asked = tuple(dict.fromkeys((entry.question, *entry.known))) if at == 0 else ()
            passages.append(replace(passage, known_questions=asked, counter_questions=tuple(entry.counter)))
            if at == 0:
                data.append(entry.data(len(passages)))
    payload: dict[str, object] = {"content": "known_questions", "data": {"questions": data}}
    return QuestionsRead(extracted, tuple(passages), payload)
