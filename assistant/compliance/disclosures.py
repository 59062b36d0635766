"""What must stand beside a promoted product, whether it stands there, and the words to add when it does not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from assistant.compliance.clauses import Layout, Polarity, PolarityReader
from assistant.compliance.findings import Subject
from assistant.compliance.rules import expand


class Disclosure(BaseModel):
    """For the product types named: `satisfied` by any of these wordings; else `text` is added.

    `{issuer}` and `{level}` in `text` are filled from the subject. `agency_text` is added for agency products.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    product_types: tuple[str, ...]
    satisfied: tuple[str, ...]
    text: str
    agency_text: str = ""


class DisclosureBook(BaseModel):
    """The file rules/disclosures.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    promotion_public: tuple[str, ...]
    promotion_reply: tuple[str, ...]
    not_promotion: tuple[str, ...]
    unknown_issuer: dict[str, str]
    disclosures: tuple[Disclosure, ...]


@dataclass(frozen=True, slots=True)
class MissingDisclosure:
    """`start` and `end` frame the promoting words in the normalised text; `text` is what to add."""

    start: int
    end: int
    text: str


class DisclosureChecker:
    """Finds promotions without their warning; compile once."""

    def __init__(self, book: DisclosureBook, words: dict[str, str], reader: PolarityReader) -> None:
        self._book = book
        self._reader = reader
        self._public = _alternation(book.promotion_public, words)
        self._reply = _alternation(book.promotion_reply, words)
        self._not = _alternation(book.not_promotion, words)
        self._by_type = {
            kind: (_alternation(disclosure.satisfied, words), disclosure)
            for disclosure in book.disclosures
            for kind in disclosure.product_types
        }

    @classmethod
    def load(cls, folder: Path, reader: PolarityReader) -> DisclosureChecker:
        """Read disclosures.yaml and words.yaml of a rule folder."""
        content: Any = yaml.safe_load((folder / "disclosures.yaml").read_text(encoding="utf-8"))
        words: dict[str, str] = yaml.safe_load((folder / "words.yaml").read_text(encoding="utf-8"))
        return cls(DisclosureBook.model_validate(content), words, reader)

    def promotion(self, text: str, subject: Subject) -> tuple[int, int] | None:
        """Where the text promotes a specific product, or None."""
        if subject.promotes is False:
            return None
        cue = self._reply if subject.kind == "reply" else self._public
        spans = []
        layout = Layout.of(text)
        for sentence in layout.sentences:
            if self._not.search(layout.words(sentence)):
                continue
            for found in cue.finditer(text, sentence.start, sentence.end):
                if self._reader.polarity(layout, found.start(), found.end()) is Polarity.CLAIMED:
                    spans.append((sentence.start, sentence.end))
                    break
        if spans:
            return spans[0][0], spans[-1][1]
        return (0, len(text)) if subject.promotes else None

    def missing(self, text: str, subject: Subject) -> MissingDisclosure | None:
        """The warning that a promotion in `text` lacks, or None."""
        satisfied, disclosure = self._by_type.get(subject.product_type, (None, None))
        if satisfied is None or disclosure is None or satisfied.search(text):
            return None
        span = self.promotion(text, subject)
        if span is None:
            return None
        start, end = span
        stripped = text[start:end].rstrip(" 。!?;\n~")
        return MissingDisclosure(start, start + max(len(stripped), 1), self.wording(disclosure, subject))

    def wording(self, disclosure: Disclosure, subject: Subject) -> str:
        """The sentence to add for this subject."""
        issuer = subject.issuer or self._book.unknown_issuer.get(subject.product_type, "")
        words = disclosure.text
        if subject.sold_as == "agency" and disclosure.agency_text and subject.issuer:
            words = disclosure.agency_text + words
        return words.replace("{issuer}", issuer)


def _alternation(patterns: tuple[str, ...], words: dict[str, str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{expand(p, words)})" for p in patterns) or r"(?!)")
