"""Reads what a model answered: JSON into sentences tied to the passages it was given, or a complaint it can act on.

The answer has no separate reply text beside its claims: the sentences are the reply, so the two cannot disagree.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from assistant.drafting.brief import Sentence
from assistant.drafting.model_messages import Order
from knowledge.content import Move
from knowledge.documents import Passage

MOST_CHARACTERS = 1200
OVERLAP = 20  # this many characters in a row from our instructions are a leak (OWASP LLM08)
LINK = re.compile(
    r"(?:https?://|www\.)[!-~]+|[a-z0-9-]+\.(?:com|cn|net|org|top|xyz|cc|io|me)(?![a-z0-9])", re.IGNORECASE | re.ASCII
)
THINKING = re.compile(r"<think>.*?</think>", re.DOTALL)
MARKS = re.compile(r"\*\*|__|`+|^#{1,6}\s+|[\[【]\s*(?:依据)?\s*\d{1,2}\s*[\]】]", re.MULTILINE)


class InvalidAnswer(Exception):
    """The model's answer cannot be used. `complaint` is a key of prompts/model.zh.toml."""

    def __init__(self, complaint: str, detail: str = "") -> None:
        super().__init__(f"{complaint}: {detail}")
        self.complaint, self.detail = complaint, detail


def _closed(schema: dict[str, Any]) -> None:
    """As strict mode wants it: every field required, no others, no defaults."""
    schema["additionalProperties"] = False
    schema["required"] = list(schema["properties"])
    for field in schema["properties"].values():
        field.pop("default", None)


def _confidence(value: object) -> str:
    return value if isinstance(value, str) and value in ("high", "medium", "low") else "medium"


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, json_schema_extra=_closed)


class AnsweredSentence(_Answer):
    """One sentence with the numbers of the passages that ground it."""

    text: str
    passages: tuple[int, ...] = ()


class AnsweredDraft(_Answer):
    """One text; `angle` names its approach, for posts."""

    angle: str = ""
    sentences: tuple[AnsweredSentence, ...]


class ModelAnswer(_Answer):
    """The object a model is asked for."""

    drafts: tuple[AnsweredDraft, ...]
    question_back: str | None = None
    confidence: Annotated[Literal["high", "medium", "low"], BeforeValidator(_confidence)] = Field("medium")


def answer_schema() -> dict[str, Any]:
    """JSON schema of ModelAnswer, in the subset that strict structured output takes."""
    return {**ModelAnswer.model_json_schema(), "title": "drafts"}


def read_answer(text: str) -> ModelAnswer:
    """Parse an answer; code fences and thinking aloud are tolerated. Raises: InvalidAnswer."""
    bare = THINKING.sub("", text).strip()
    start, end = bare.find("{"), bare.rfind("}")
    if not bare:
        raise InvalidAnswer("empty")
    if start < 0 or end < start:
        raise InvalidAnswer("not_json")
    try:
        return ModelAnswer.model_validate(json.loads(bare[start : end + 1]))
    except (json.JSONDecodeError, RecursionError) as exc:
        raise InvalidAnswer("not_json") from exc
    except ValidationError as exc:
        places = {".".join(str(part) for part in error["loc"][:4]) for error in exc.errors()}
        raise InvalidAnswer("wrong_shape", "、".join(sorted(places)[:5])) from exc


def sentences_of(draft: AnsweredDraft, order: Order, *, names: dict[str, str]) -> tuple[Sentence, ...]:
    """The sentences of one text, cleaned, each with the ids of its passages.

    Args:
        names: what stands for 【客户经理】 and 【网点】.
    Raises: InvalidAnswer for unknown numbers, an empty or overlong text, leaked instructions or foreign links.
    """
    sentences = []
    for said in draft.sentences:
        ids = tuple(dict.fromkeys(_passage(number, order.passages).passage_id for number in said.passages))
        text = cleaned(said.text, names)
        if text.strip():
            sentences.append(Sentence(Move.ANSWER, text, ids))
    whole = "".join(sentence.text for sentence in sentences).strip()
    if not whole:
        raise InvalidAnswer("empty")
    if len(whole) > MOST_CHARACTERS:
        raise InvalidAnswer("too_long")
    if leaks(whole, order.instructions):
        raise InvalidAnswer("leaked")
    given = "\n".join(passage.text for passage in order.passages)
    if any(match.group() not in given for match in LINK.finditer(whole)):
        raise InvalidAnswer("link")
    return tuple(sentences)


def _passage(number: int, passages: Sequence[Passage]) -> Passage:
    if not 1 <= number <= len(passages):
        raise InvalidAnswer("unknown_passage", str(number))
    return passages[number - 1]


def cleaned(text: str, names: dict[str, str]) -> str:
    """Plain words as WeChat shows them: no markup, reference marks or characters nobody sees."""
    for mark, name in names.items():
        text = text.replace(mark, name)
    visible = "".join(c for c in text if c == "\n" or not unicodedata.category(c).startswith("C"))
    return MARKS.sub("", visible)


def leaks(text: str, instructions: str) -> bool:
    """Whether OVERLAP characters in a row of `instructions` stand in `text`."""
    grams = {instructions[i : i + OVERLAP] for i in range(len(instructions) - OVERLAP + 1)}
    return any(text[i : i + OVERLAP] in grams for i in range(len(text) - OVERLAP + 1))
