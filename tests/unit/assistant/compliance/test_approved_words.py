"""What the sample bank has approved must not be blocked: every sentence that the drafting engine can say."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from assistant.compliance.findings import Subject
from assistant.compliance.gate import ComplianceGate
from assistant.drafting.facts import GATE_TYPES
from knowledge.products import ProductKind

ROOT = Path(__file__).parents[4]
SAMPLES = ROOT / "knowledge/samples"
ON = date(2026, 11, 22)
FAQ_PARTS = ("answer", "reason", "caution", "ask", "next_step")
SAYABLE = {  # part of a product sheet, and how the composer leads into it
    "selling_points": "",
    "success_stories": "",
    "risks": "",
    "must_say": "",
    "fit": "比较适合",
    "unfit": "不太适合",
    "limits": "",
}
SPOKEN = "先说什么"


@dataclass(frozen=True)
class Words:
    """A sentence or message, where it comes from and what it is about."""

    source: str
    text: str
    product_type: str = "none"
    kind: str = "reply"
    context: str | None = None


@cache
def product_types() -> dict[str, str]:
    """Product code to the type that the gate knows it by."""
    return {str(sheet["code"]): GATE_TYPES[ProductKind(sheet["product_kind"])] for sheet in sheets()}


def sheets() -> list[dict[str, Any]]:
    texts = [path.read_text("utf-8") for path in sorted((SAMPLES / "products").glob("*.md"))]
    return [dict(yaml.safe_load(text.split("---\n")[1])) for text in texts if text.startswith("---\n")]


def type_of(products: list[str]) -> str:
    """The kind of the first product, as the drafting engine takes it."""
    return product_types().get(str(products[0]), "none") if products else "none"


def faq_words() -> Iterator[Words]:
    for path in sorted((SAMPLES / "faq").glob("*.yaml")):
        for item in yaml.safe_load(path.read_text("utf-8")):
            kind, parts = type_of(item.get("products") or []), [str(item[p]) for p in FAQ_PARTS if item.get(p)]
            for text in [*parts, "".join(parts)]:
                yield Words(str(item["id"]), text, kind, context=str(item["question"]))


def transcript_words() -> Iterator[Words]:
    for path in sorted((SAMPLES / "transcripts").glob("*.yaml")):
        for talk in yaml.safe_load_all(path.read_text("utf-8")):
            for one in talk if isinstance(talk, list) else [talk]:
                yield from _turns(one)


def _turns(talk: dict[str, Any]) -> Iterator[Words]:
    kind, asked = type_of(talk.get("products") or []), None
    for turn in talk["turns"]:
        if turn["role"] == "customer":
            asked = str(turn["text"])
            continue
        pieces = [str(say["text"]) for say in turn["says"]]
        for text in [*pieces, "".join(pieces)]:
            yield Words(str(talk["id"]), text, kind, context=asked)


def moments_words() -> Iterator[Words]:
    for path in sorted((SAMPLES / "moments").glob("*.yaml")):
        for topic in yaml.safe_load(path.read_text("utf-8")):
            kind = type_of(topic.get("products") or [])
            for fact in topic["facts"]:
                yield Words(str(topic["id"]), str(fact), kind, "moments")
            for angle in topic["angles"]:
                yield Words(str(topic["id"]), f"{angle['hook']}{angle['body']}{angle['invite']}", kind, "moments")


def playbook_words() -> Iterator[Words]:
    for path in sorted((SAMPLES / "playbooks").glob("*.md")):
        for section in path.read_text("utf-8").split("\n## ")[1:]:
            heading, _, body = section.partition("\n")
            if heading.strip() == SPOKEN:
                for line in re.findall(r"(?m)^- (.+)$", body):
                    yield Words(path.stem, line)


def product_words() -> Iterator[Words]:
    for sheet in sheets():
        kind = product_types()[str(sheet["code"])]
        for part, lead in SAYABLE.items():
            for line in sheet.get(part) or []:
                yield Words(f"{sheet['code']}.{part}", f"{lead}{line}", kind)
        benchmark = sheet.get("benchmark") or {}
        redemption = sheet.get("redemption") or {}
        for text in (benchmark.get("statement"), redemption.get("text"), redemption.get("early")):
            if text:
                yield Words(str(sheet["code"]), str(text), kind)


def phrase_words() -> Iterator[Words]:
    with (ROOT / "prompts/phrases.zh.toml").open("rb") as file:
        tables = tomllib.load(file)
    for table, keys in tables.items():
        for key, phrases in keys.items() if isinstance(keys, dict) else ():
            kind = key if table == "next_step" and key in ("deposit", "loan", "insurance", "gold") else "none"
            for text in phrases if isinstance(phrases, list) else ():
                yield Words(f"phrases.{table}.{key}", re.sub(r"\$\w+", "", str(text)), kind)


SOURCES = {
    "faq": faq_words,
    "transcripts": transcript_words,
    "moments": moments_words,
    "playbooks": playbook_words,
    "products": product_words,
    "phrases": phrase_words,
}


@pytest.mark.parametrize("source", SOURCES)
def test_approved_words_are_not_blocked(gate: ComplianceGate, source: str) -> None:
    """Taken with their own product, and once more as plain talk about nothing in particular."""
    words = list(SOURCES[source]())
    assert len(words) >= 50
    wrong = []
    for said in words:
        for product_type in {said.product_type, "none"}:
            subject = Subject(said.kind, product_type, context=said.context, promotes=False)
            found = [f for f in gate.findings(said.text, subject, on=ON) if f.severity != "W"]
            wrong += [
                f"{said.source} {product_type} {f.code} {said.text[f.start : f.end]} | {said.text}" for f in found
            ]
    assert not wrong, "\n".join(wrong)
