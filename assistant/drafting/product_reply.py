"""Replies about named products: what was asked, a comparison, or why a product may not be recommended."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.drafting.brief import Brief, Length, Sentence
from assistant.drafting.facts import (
    attribute_sentence,
    clean,
    early_sentence,
    interest_sentence,
    listed,
    rates_named,
    short_name,
)
from assistant.drafting.phrasing import Phrasing
from assistant.understanding import term_in
from knowledge.content import Move
from knowledge.documents import Passage
from knowledge.products import ProductSheet

ADULT = 18
RISK_NAMED = re.compile(r"[rR]([1-5])(?!\d)")
EARLY = re.compile(r"提前|急|中途|没到期|一部分|随时|先取")
DEFAULT_ATTRIBUTES = ("selling", "term", "rate")
MOST_ATTRIBUTES = {Length.SHORT: 1, Length.MEDIUM: 2, Length.LONG: 3}
WITH_COMPANION = {"rate": "term", "term": "redemption", "minimum": "term", "selling": "term"}


def product_sentences(
    brief: Brief, sheet: ProductSheet, passages: Sequence[Passage], phrasing: Phrasing
) -> list[Sentence]:
    """Answers to the attributes asked for; a short introduction when none was named."""
    asked = list(brief.understanding.attributes) or _unnamed(brief, sheet)
    if asked == ["selling"]:
        asked = list(DEFAULT_ATTRIBUTES)
    if "redemption" in asked and "term" in asked:
        asked.remove("term")  # 「多久能取」 asks when, and the rule for redemption says it
    if brief.length is Length.LONG and len(asked) == 1 and asked[0] in WITH_COMPANION:
        asked.append(WITH_COMPANION[asked[0]])
    ids = tuple(passage.passage_id for passage in passages[:1])
    sentences: list[Sentence] = []
    amount, term = brief.understanding.amount, brief.understanding.term
    if "rate" in asked and amount and term and (text := interest_sentence(sheet, amount, term, phrasing)):
        sentences.append(Sentence(Move.ANSWER, text, ids))
        asked.remove("rate")
    for attribute in asked[: MOST_ATTRIBUTES[brief.length]]:
        early = attribute == "redemption" and bool(EARLY.search(brief.words)) and bool(sheet.redemption.early)
        text = early_sentence(sheet, phrasing) if early else attribute_sentence(sheet, attribute, phrasing, term)
        if text:
            sentences.append(Sentence(Move.ANSWER, text, _holding(text, passages) or ids))
    return sentences


def _unnamed(brief: Brief, sheet: ProductSheet) -> list[str]:
    """What is meant when no attribute is named: 「定期三年多少」 asks for the rate; else an introduction."""
    figures = bool(sheet.rates or sheet.benchmark)
    words = brief.words
    for name in sorted(sheet.names, key=len, reverse=True):
        words = words.replace(name, "")
    asks_figure = term_in(words) is not None or any(word in brief.words for word in ("多少", "几个点"))
    return ["rate"] if figures and asks_figure else list(DEFAULT_ATTRIBUTES)


def _holding(text: str, passages: Sequence[Passage]) -> tuple[str, ...]:
    """The sheet's passage, and one more when the words stand elsewhere (selling points, stories)."""
    parts = [clean(part) for part in text.replace("：", "。").split("。") if len(part) >= 6]
    holding = [p.passage_id for p in passages if any(part in p.text for part in parts)]
    return tuple(dict.fromkeys([p.passage_id for p in passages[:1]] + holding[:1]))


def suitability_sentences(brief: Brief, phrasing: Phrasing) -> list[Sentence]:
    """What to say instead when the rules forbid to recommend the product; [] when they do not."""
    sheet, passages = brief.materials.sheets[0]
    customer = brief.customer
    if sheet.risk_level is None:
        return []
    ids = tuple(passage.passage_id for passage in passages[:1])
    if customer.age is not None and customer.age < ADULT:
        return [Sentence(Move.ANSWER, phrasing.phrase("suitability", "minor"), ids)]
    if customer.level in ("NONE", "EXPIRED"):
        return [
            Sentence(Move.ANSWER, phrasing.phrase("suitability", "no_assessment"), ids),
            Sentence(Move.NEXT_STEP, phrasing.phrase("suitability", "assessment_step")),
        ]
    if customer.level is None or int(sheet.risk_level[1]) <= int(customer.level[1]):
        return []
    ceiling = f"R{customer.level[1]}"
    return [
        Sentence(
            Move.ANSWER,
            phrasing.phrase(
                "suitability",
                "mismatch",
                name=short_name(sheet),
                product_level=sheet.risk_level,
                customer_level=customer.level,
            ),
            ids,
        ),
        Sentence(Move.NEXT_STEP, phrasing.phrase("suitability", "mismatch_step", ceiling=ceiling)),
    ]


def suitable_sentences(brief: Brief, phrasing: Phrasing) -> list[Sentence]:
    """Which products fit a level that the RM named; [] when no level is known."""
    level = brief.customer.level
    if level in ("NONE", "EXPIRED"):
        return [
            Sentence(Move.ANSWER, phrasing.phrase("suitability", "no_assessment")),
            Sentence(Move.NEXT_STEP, phrasing.phrase("suitability", "assessment_step")),
        ]
    if level is None or not brief.materials.suitable:
        return []
    chosen = list({sheet.risk_level: (sheet, found) for sheet, found in reversed(brief.materials.suitable)}.values())
    chosen = sorted(chosen, key=lambda item: item[0].risk_level or "")[:3]
    names = listed([f"{short_name(sheet)}（{sheet.risk_level}）" for sheet, _ in chosen])
    ids = tuple(passages[0].passage_id for _, passages in chosen if passages)
    text = phrasing.phrase("product", "suitable_list", level=level, ceiling=f"R{level[1]}", names=names)
    sentences = [*_out_of_reach(brief, level, phrasing), Sentence(Move.ANSWER, text, ids)]
    if brief.customer.age is not None and brief.customer.age >= 65:
        sentences.append(Sentence(Move.CAUTION, phrasing.phrase("product", "suitable_age")))
    sentences.append(Sentence(Move.NEXT_STEP, phrasing.phrase("next_step", "suitable")))
    return sentences


def _out_of_reach(brief: Brief, level: str, phrasing: Phrasing) -> list[Sentence]:
    """「C2能买R4吗」 is answered with no before anything is listed; [] when what is asked for fits."""
    asked = [f"R{found}" for found in RISK_NAMED.findall(brief.words) if found > level[1]]
    within = [name for sheet, _ in brief.materials.suitable for name in sheet.names]
    named = [name for name in brief.materials.product_names if name in brief.words]
    asked += sorted((n for n in named if not any(n in name for name in within)), key=len, reverse=True)
    if not asked:
        return []
    grounds = tuple(p.passage_id for p in (e.passage for e in brief.materials.evidence) if asked[0] in p.text)[:1]
    wanted = asked[0] if grounds or asked[0] in named else phrasing.phrase("suitability", "that_level")
    return [Sentence(Move.ANSWER, phrasing.phrase("suitability", "out_of_reach", level=level, asked=wanted), grounds)]


COMPARED = ("term", "redemption", "fees", "rate", "risk", "minimum")


def _value(sheet: ProductSheet, attribute: str, term: str | None) -> str:
    if attribute == "term":
        return clean(sheet.term.text)
    if attribute == "redemption":
        return clean(sheet.redemption.text)
    if attribute == "rate":
        if sheet.rates:
            return listed([f"{rate.name}{rate.rate}" for rate in rates_named(sheet, term)])
        return f"业绩比较基准{clean(sheet.benchmark.text)}" if sheet.benchmark else ""
    if attribute == "risk":
        return sheet.risk_level or ""
    return clean(sheet.minimum.text)


def _values(first: ProductSheet, second: ProductSheet, attribute: str, term: str | None) -> tuple[str, str]:
    """How the two differ in `attribute`; of fees only those with unequal rates."""
    if attribute != "fees":
        return _value(first, attribute, term), _value(second, attribute, term)
    fees = [{fee.name: fee.rate for fee in sheet.fees} for sheet in (first, second)]
    unequal = [name for name in fees[0] if name in fees[1] and fees[0][name] != fees[1][name]]
    left, right = (listed([f"{name}{by_name[name]}" for name in unequal]) for by_name in fees)
    return left, right


def comparison(brief: Brief, phrasing: Phrasing) -> list[Sentence]:
    """The points in which two named products differ; [] when the sheets state no difference."""
    (first, first_passages), (second, second_passages) = brief.materials.sheets[:2]
    ids = tuple(p[0].passage_id for p in (first_passages, second_passages) if p)
    asked = [a for a in brief.understanding.attributes if a in COMPARED]
    order = [*asked, *(a for a in COMPARED if a not in asked)]
    lines = []
    for attribute in order:
        left, right = _values(first, second, attribute, brief.understanding.term)
        if left and right and left != right:
            about = phrasing.phrase("compared", attribute)
            lines.append(f"{about}：{short_name(first)}，{left}；{short_name(second)}，{right}。")
    if not lines:
        return []
    most = {Length.SHORT: 1, Length.MEDIUM: 2, Length.LONG: 4}[brief.length]
    opening = phrasing.phrase("product", "compare_open", first=short_name(first), second=short_name(second))
    statements = tuple(
        dict.fromkeys(clean(s.benchmark.statement) for s in (first, second) if s.benchmark)
        if any("业绩比较基准" in line for line in lines[:most])
        else ()
    )
    sentences = [Sentence(Move.ANSWER, opening, ids)]
    sentences += [Sentence(Move.ANSWER, f"\n{number}. {line}", ids) for number, line in enumerate(lines[:most], 1)]
    sentences += [Sentence(Move.CAUTION, f"\n{statement}。", ids) for statement in statements[:1]]
    sentences.append(Sentence(Move.NEXT_STEP, "\n" + phrasing.phrase("next_step", "product")))
    return sentences
