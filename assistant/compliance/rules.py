"""Rule packs: what is forbidden, by which article, from which day, and how it is recognised. Data in rules/*.yaml."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

RULES_FOLDER = Path(__file__).parent / "rules"
NOT_RULES = frozenset({"characters.yaml", "polarity.yaml", "words.yaml", "disclosures.yaml", "privacy.yaml"})
GAP = re.compile(r"<(,?)(\d+)>")
WORD = re.compile(r"\{([a-z_]+)\}")

Engine = Literal["phrases", "disclosure", "privacy", "grounding"]
When = Literal["always", "mismatch", "unassessed", "elderly", "elderly_high", "minor", "opted_out"]


class RulePackInvalid(Exception):
    """A rule pack could not be read; the message names the file and what to correct."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Basis(_Part):
    """An article of law. Evidence: V read word for word, S from a secondary source, M from memory only."""

    law: str
    article: str = ""
    evidence: Literal["V", "S", "M"]
    in_force_from: date | None = None
    in_force_until: date | None = None

    def in_force_on(self, day: date) -> bool:
        """Whether the article may be cited on `day`."""
        return (self.in_force_from is None or self.in_force_from <= day) and (
            self.in_force_until is None or day < self.in_force_until
        )

    def cited(self) -> str:
        """The article as people read it; what nobody has read is marked."""
        words = f"{self.law} {self.article}".strip()
        return f"待核实：{words}" if self.evidence == "M" else words


class RuleScope(_Part):
    """Which texts a rule or detector looks at; empty means all."""

    kinds: tuple[str, ...] = ()
    product_types: tuple[str, ...] = ()
    not_product_types: tuple[str, ...] = ()
    customer_levels: tuple[str, ...] = ()
    min_age: int | None = None

    def admits(self, kind: str, product_type: str, customer_level: str | None, age: int | None) -> bool:
        """Whether a text of this kind about this product for this customer is looked at."""
        return (
            (not self.kinds or kind in self.kinds)
            and (not self.product_types or product_type in self.product_types)
            and product_type not in self.not_product_types
            and (not self.customer_levels or customer_level in self.customer_levels)
            and (self.min_age is None or (age is not None and age >= self.min_age))
        )


class Detector(_Part):
    """A family of wordings. `any` are regular expressions; `<6>` is a gap of up to six characters inside a clause,
    `<,6>` one that may cross commas, `{gift}` a word list of words.yaml.

    `needs` must and `unless` must not be found in the same `where`; `unless_sentence` spares in any case when found
    in the sentence. `context` must be found in the customer's last words. `polar` False: counts even when negated (the
    negation is part of the wording); `inner_negation` True: a negation inside the wording also spares it
    (存款没有礼品). `when` names a condition of the subject (suitability.py) or "promoting". `opted_out`: the
    customer's standing refusal counts like `context`.
    """

    id: str
    any: tuple[str, ...]
    needs: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    unless_sentence: tuple[str, ...] = ()
    where: Literal["clause", "sentence", "text"] = "sentence"
    context: tuple[str, ...] = ()
    polar: bool = True
    inner_negation: bool = False
    when: When = "always"
    opted_out: bool = False
    scope: RuleScope = RuleScope()


class Rule(_Part):
    """One code: what it is called, why it is forbidden, what to do instead."""

    code: str
    title: str
    severity: Literal["B", "R", "W"]
    basis: tuple[Basis, ...] = Field(min_length=1)
    advice: str
    engine: Engine = "phrases"
    scope: RuleScope = RuleScope()
    in_force_from: date | None = None
    in_force_until: date | None = None
    detectors: tuple[Detector, ...] = ()

    def in_force_on(self, day: date) -> bool:
        """Whether a text sent on `day` is judged by this rule."""
        return (self.in_force_from is None or self.in_force_from <= day) and (
            self.in_force_until is None or day < self.in_force_until
        )

    def cited_on(self, day: date) -> str:
        """The best confirmed article in force on `day`; else an unconfirmed one, marked."""
        current = [basis for basis in self.basis if basis.in_force_on(day)] or list(self.basis)
        return min(current, key=lambda basis: "VSM".index(basis.evidence)).cited()


@dataclass(frozen=True, slots=True)
class CompiledDetector:
    """A detector ready to run."""

    detector: Detector
    wording: re.Pattern[str]
    needs: re.Pattern[str] | None
    unless: re.Pattern[str] | None
    context: re.Pattern[str] | None
    unless_sentence: re.Pattern[str] | None


@dataclass(frozen=True)
class RulePacks:
    """All rules of a folder; `fingerprint` changes whenever any file of it does."""

    rules: tuple[Rule, ...]
    fingerprint: str
    folder: Path
    compiled: dict[str, tuple[CompiledDetector, ...]] = field(repr=False)

    @classmethod
    def load(cls, folder: Path | None = None) -> RulePacks:
        """Read and validate every pack of `folder` (default: the shipped rules).

        Raises: RulePackInvalid when a file breaks the schema or a pattern does not compile.
        """
        folder = folder or RULES_FOLDER
        words: dict[str, str] = _read(folder / "words.yaml")
        rules: list[Rule] = []
        for path in sorted(folder.glob("*.yaml")):
            if path.name not in NOT_RULES:
                rules.extend(_rules_of(path))
        codes = [rule.code for rule in rules]
        if twice := {code for code in codes if codes.count(code) > 1}:
            raise RulePackInvalid(f"{folder}: defined twice: {', '.join(sorted(twice))}")
        compiled = {rule.code: tuple(_compile(rule, d, words) for d in rule.detectors) for rule in rules}
        return cls(tuple(rules), _fingerprint(folder), folder, compiled)

    def rule(self, code: str) -> Rule:
        """The rule of that code; KeyError when there is none."""
        for rule in self.rules:
            if rule.code == code:
                return rule
        raise KeyError(code)


def expand(pattern: str, words: dict[str, str]) -> str:
    """Write out gaps and word lists."""
    for _ in range(4):
        pattern = WORD.sub(lambda m: f"(?:{words[m[1]]})" if m[1] in words else m[0], pattern)
    return GAP.sub(lambda m: rf"[^。!?;\n{'' if m[1] else ','}]{{0,{m[2]}}}?", pattern)


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as exc:
        raise RulePackInvalid(f"{path.name}: {exc}") from exc


def _rules_of(path: Path) -> list[Rule]:
    content = _read(path)
    try:
        return [Rule.model_validate(item) for item in (content if isinstance(content, list) else [content])]
    except ValueError as exc:
        raise RulePackInvalid(f"{path.name}: {exc}") from exc


def _compile(rule: Rule, detector: Detector, words: dict[str, str]) -> CompiledDetector:
    try:
        return CompiledDetector(
            detector,
            _alternation(detector.any, words) or re.compile(r"(?!)"),
            _alternation(detector.needs, words),
            _alternation(detector.unless, words),
            _alternation(detector.context, words),
            _alternation(detector.unless_sentence, words),
        )
    except re.error as exc:
        raise RulePackInvalid(f"{rule.code}/{detector.id}: {exc}") from exc


def _alternation(patterns: tuple[str, ...], words: dict[str, str]) -> re.Pattern[str] | None:
    return re.compile("|".join(f"(?:{expand(p, words)})" for p in patterns)) if patterns else None


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.yaml")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
