"""Sentences about products, written from typed sheets: each figure as the sheet states it, with its date."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal

from assistant.drafting.likeness import coverage
from assistant.drafting.phrasing import Phrasing
from knowledge.products import ProductKind, ProductSheet, Rate

MAX_RATES_NAMED = 6
SHORTEST_NAME = 3
SAID_ALREADY = 0.5
LOSS_WORDS = ("不保证", "亏", "损失", "本金", "最低", "波动", "提前")
DEPOSITS = {ProductKind.DEPOSIT, ProductKind.LARGE_CD}
LOANS = {ProductKind.CONSUMER_LOAN, ProductKind.BUSINESS_LOAN, ProductKind.MORTGAGE, ProductKind.CARD_INSTALMENT}
GATE_TYPES = {
    ProductKind.DEPOSIT: "deposit",
    ProductKind.LARGE_CD: "deposit",
    ProductKind.STRUCTURED_DEPOSIT: "structured_deposit",
    ProductKind.WEALTH: "wealth",
    ProductKind.FUND: "fund",
    ProductKind.INSURANCE: "insurance",
    ProductKind.CONSUMER_LOAN: "loan",
    ProductKind.BUSINESS_LOAN: "loan",
    ProductKind.MORTGAGE: "loan",
    ProductKind.CARD_INSTALMENT: "credit_card",
    ProductKind.GOLD: "gold",
    ProductKind.PENSION: "pension",
    ProductKind.TREASURY_BOND: "treasury_bond",
    ProductKind.PAYROLL: "none",
}


def gate_type(sheet: ProductSheet | None) -> str:
    """The product type as the rule packs name it."""
    return GATE_TYPES[sheet.product_kind] if sheet else "none"


def short_name(sheet: ProductSheet) -> str:
    """What people call it: the first nickname that is not a mere common noun, else the full name."""
    return next((nick for nick in sheet.nicknames if len(nick) >= SHORTEST_NAME), sheet.name)


def clean(text: str) -> str:
    """Without closing punctuation, to stand inside a sentence."""
    return text.strip().rstrip("。；;，,")


def listed(parts: Sequence[str]) -> str:
    """Joined with the Chinese enumeration mark."""
    return "、".join(clean(part) for part in parts)


def rates_named(sheet: ProductSheet, term: str | None) -> tuple[Rate, ...]:
    """The rates that answer a question about `term` (e.g. `3年`); all of them, at most six, when none matches."""
    if term:
        matching = tuple(rate for rate in sheet.rates if rate.name.startswith(term))
        if matching:
            return matching
    return sheet.rates[:MAX_RATES_NAMED]


def _rate(sheet: ProductSheet, phrasing: Phrasing, term: str | None) -> str:
    name = short_name(sheet)
    if sheet.rates:
        rates = rates_named(sheet, term)
        notes = {rate.note for rate in rates if rate.note}
        return phrasing.phrase(
            "product",
            "lead_rates",
            name=name,
            rates=listed([f"{r.name}{r.rate}" for r in rates]),
            as_of=rates[0].as_of.isoformat(),
            note=notes.pop() if len(notes) == 1 else "年化",
        )
    if sheet.benchmark:
        mark = sheet.benchmark
        return phrasing.phrase(
            "product",
            "lead_benchmark",
            name=name,
            benchmark=clean(mark.text),
            as_of=mark.as_of.isoformat(),
            basis=clean(mark.basis),
            statement=clean(mark.statement),
        )
    key = "lead_no_rate_insurance" if sheet.product_kind is ProductKind.INSURANCE else "lead_no_rate"
    return phrasing.phrase("product", key, name=name)


def _fees(sheet: ProductSheet, phrasing: Phrasing, _term: str | None) -> str:
    if not sheet.fees:
        return phrasing.phrase("product", "lead_no_fees", name=short_name(sheet))
    fees = "；".join(
        clean(f"{fee.name}{fee.rate}" + (f"（{clean(fee.note)}）" if fee.note else "")) for fee in sheet.fees
    )
    return phrasing.phrase("product", "lead_fees", name=short_name(sheet), fees=fees)


def _redemption(sheet: ProductSheet, phrasing: Phrasing, _term: str | None) -> str:
    text = phrasing.phrase(
        "product", "lead_redemption", name=short_name(sheet), redemption=clean(sheet.redemption.text)
    )
    if sheet.redemption.early and coverage(sheet.redemption.early, text) < SAID_ALREADY:
        text += phrasing.phrase("product", "lead_redemption_early", early=clean(sheet.redemption.early))
    return text


def early_sentence(sheet: ProductSheet, phrasing: Phrasing) -> str:
    """What happens before the term ends, first; the ordinary way after it."""
    early = phrasing.phrase("product", "lead_early", name=short_name(sheet), early=clean(sheet.redemption.early))
    return early + phrasing.phrase("product", "then_ordinary", redemption=clean(sheet.redemption.text))


def _risk(sheet: ProductSheet, phrasing: Phrasing, _term: str | None) -> str:
    telling = sorted(sheet.risks, key=lambda text: -sum(word in text for word in LOSS_WORDS))[:1]
    risk = clean(telling[0]) + "。" if telling else ""
    name = short_name(sheet)
    if sheet.risk_level is None:
        return phrasing.phrase("product", "lead_no_level", name=f"{name}：", risk=risk)
    return phrasing.phrase("product", "lead_risk", name=name, risk_level=sheet.risk_level, risk=risk)


def _fit(sheet: ProductSheet, phrasing: Phrasing, _term: str | None) -> str:
    text = phrasing.phrase("product", "lead_fit", name=short_name(sheet), fit=listed(sheet.fit[:2]))
    if sheet.unfit:
        text += phrasing.phrase("product", "lead_unfit", unfit=listed(sheet.unfit[:2]))
    return text


def _issuer(sheet: ProductSheet, phrasing: Phrasing, _term: str | None) -> str:
    key = "lead_issuer_own"
    if sheet.sold_as == "agency":
        insurance = sheet.product_kind is ProductKind.INSURANCE
        key = "lead_issuer_agency_insurance" if insurance else "lead_issuer_agency"
    return phrasing.phrase("product", key, name=short_name(sheet), issuer=sheet.issuer)


def _selling(sheet: ProductSheet, phrasing: Phrasing, _term: str | None) -> str:
    points = [clean(point) for point in sheet.selling_points]
    return f"{short_name(sheet)}：{points[0]}。" + "".join(f"{point}。" for point in points[1:2]) if points else ""


def _story(sheet: ProductSheet, phrasing: Phrasing, _term: str | None) -> str:
    return clean(phrasing.pick(sheet.success_stories, "story")) + "。" if sheet.success_stories else ""


def _limits(sheet: ProductSheet, phrasing: Phrasing, _term: str | None) -> str:
    if not sheet.limits:
        return ""
    return phrasing.phrase("product", "lead_limits", name=short_name(sheet), limits="；".join(map(clean, sheet.limits)))


def _minimum(sheet: ProductSheet, phrasing: Phrasing, _term: str | None) -> str:
    minimum = clean(sheet.minimum.text)
    return phrasing.phrase("product", "lead_minimum", name=_apart(short_name(sheet), minimum), minimum=minimum)


def _term_sentence(sheet: ProductSheet, phrasing: Phrasing, _term: str | None) -> str:
    term = clean(sheet.term.text)
    return phrasing.phrase("product", "lead_term", name=_apart(short_name(sheet), term), term=term)


def _apart(name: str, text: str) -> str:
    """A name that ends in a figure is not run into a text that begins with one: 汇彩182 and 1万元."""
    return f"{name}：" if name[-1].isdigit() and text[:1].isdigit() else name


ATTRIBUTES: dict[str, Callable[[ProductSheet, Phrasing, str | None], str]] = {
    "minimum": _minimum,
    "term": _term_sentence,
    "redemption": _redemption,
    "fees": _fees,
    "rate": _rate,
    "risk": _risk,
    "fit": _fit,
    "issuer": _issuer,
    "selling": _selling,
    "story": _story,
    "limits": _limits,
}


def attribute_sentence(sheet: ProductSheet, attribute: str, phrasing: Phrasing, term: str | None = None) -> str:
    """One or two sentences that answer a question about `attribute`; "" when the sheet says nothing of it."""
    return ATTRIBUTES[attribute](sheet, phrasing, term)


def yuan(amount: Decimal) -> str:
    """「10万元」 for whole ten-thousands, else digits with 元."""
    ten_thousand = Decimal(10_000)
    if amount >= ten_thousand and amount % 1_000 == 0:
        return f"{(amount / ten_thousand).normalize():f}万元"
    return f"{amount.normalize():f}元"


def years_of(term: str) -> Decimal | None:
    """Length of `3年`, `6个月`, `90天` in years; days over 360 as deposits count them."""
    for unit, per_year in (("个月", Decimal(12)), ("年", Decimal(1)), ("天", Decimal(360))):
        if term.endswith(unit):
            return Decimal(term.removesuffix(unit)) / per_year
    return None


def interest_sentence(sheet: ProductSheet, amount: Decimal, term: str, phrasing: Phrasing) -> str:
    """Simple interest of a deposit for a named amount and term; "" when the sheet has no rate for that term."""
    matching = [rate for rate in sheet.rates if rate.name.startswith(term)]
    years = years_of(term)
    if sheet.product_kind not in DEPOSITS or not matching or years is None:
        return ""
    rate = matching[0]
    interest = (amount * Decimal(rate.rate.rstrip("%")) / 100 * years).quantize(Decimal("0.01"), ROUND_HALF_UP)
    shown = f"{interest.normalize():f}" if interest == interest.to_integral() else f"{interest:.2f}"
    return phrasing.phrase(
        "product",
        "interest",
        amount=yuan(amount),
        term=term,
        as_of=rate.as_of.isoformat(),
        rate=rate.rate,
        interest=shown,
    )
