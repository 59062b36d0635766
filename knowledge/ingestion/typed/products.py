"""Product files: a sheet as front matter, the leaflet as markdown below it."""

from __future__ import annotations

from datetime import date

from knowledge.documents import DocumentKind, PassageText, Source
from knowledge.ingestion.chunking import chunk
from knowledge.ingestion.extracted import Block, BlockKind, ExtractedText, joined
from knowledge.ingestion.formats import markdown
from knowledge.ingestion.masked import Mask, masked_text, stacked, unmasked
from knowledge.ingestion.reading import ReadDocument, labelled, validated
from knowledge.ingestion.wording import words
from knowledge.products import Benchmark, Minimum, PastPerformance, ProductSheet, Term


def read_product(front: object, body: str, *, file: str, mask: Mask = unmasked) -> ReadDocument:
    """A product file as a document: sheet passage, selling passage, then the leaflet's sections.

    Args:
        front: the parsed front matter, masked.
        body: the leaflet in Markdown.
    Raises: ContentInvalid.
    """
    return product_document(validated(ProductSheet, front), body, file=file, mask=mask)


def product_document(sheet: ProductSheet, leaflet: str, *, file: str, mask: Mask = unmasked) -> ReadDocument:
    """A product sheet and its leaflet (Markdown, may be empty) as a document; its payload gives product facts."""
    said = [
        (text, sheet.questions if name == "sheet" else (), words("headings")[name])
        for name, text in (("sheet", sheet_text(sheet)), ("pitch", pitch_text(sheet)))
        if text
    ]
    head, changed = masked_text(joined(Block(BlockKind.PARAGRAPH, text) for text, _, _ in said), mask)
    body, more = masked_text(markdown.parse(leaflet), mask)
    extracted = stacked((head, body))
    passages = [
        PassageText(block.text, Source(file=file, heading=heading, start=block.start, end=block.end), questions)
        for block, (_, questions, heading) in zip(extracted.blocks, said, strict=False)
    ]
    below = ExtractedText(extracted.text, extracted.blocks[len(said) :], body.warnings)
    passages += chunk(below, DocumentKind.PRODUCT, file=file) if below.blocks else []
    return ReadDocument(
        document_id=f"product-{sheet.code}",
        kind=DocumentKind.PRODUCT,
        title=sheet.name,
        passages=tuple(passages),
        payload={"content": "product", "data": sheet.model_dump(mode="json")},
        product_code=sheet.code,
        effective_from=sheet.effective_from,
        effective_until=sheet.effective_until,
        version=sheet.version,
        branches=frozenset() if sheet.scope in {"", "bank"} else frozenset(sheet.scope.split(",")),
        extracted=extracted,
        masked=changed + more,
    )


def sheet_text(sheet: ProductSheet) -> str:
    """Every attribute of a sheet, one a line, each value as it was typed; dates as ISO."""
    label = words("product")
    name = [
        (label["name"], sheet.name),
        (label["code"], sheet.code),
        (label["nicknames"], "、".join(sheet.nicknames)),
        (label["product_kind"], words("product_kinds")[sheet.product_kind.value]),
        (label["issuer"], sheet.issuer),
        (label["sold_as"], words("sold_as")[sheet.sold_as]),
        (label["registration"], sheet.registration),
        (label["risk_level"], sheet.risk_level),
        (label["term"], _term(sheet.term)),
        (label["minimum"], _minimum(sheet.minimum)),
        (label["currency"], sheet.currency),
    ]
    money = [
        (label["fees"], "；".join(_noted(f"{fee.name} {fee.rate}", fee.note) for fee in sheet.fees)),
        (label["benchmark"], _benchmark(sheet.benchmark)),
        (
            label["rates"],
            "；".join(_noted(f"{rate.name} {rate.rate}", _iso(rate.as_of), rate.note) for rate in sheet.rates),
        ),
        (label["past_performance"], _past(sheet.past_performance)),
        (label["redemption"], sheet.redemption.text),
        (label["early"], sheet.redemption.early),
        (label["limits"], "；".join(sheet.limits)),
        (label["effective_from"], _iso(sheet.effective_from)),
        (label["effective_until"], _iso(sheet.effective_until)),
        (label["owner"], sheet.owner),
    ]
    return labelled([*name, *money])


def pitch_text(sheet: ProductSheet) -> str:
    """What speaks for it, whom it fits, its risks and what must be said, word for word."""
    label = words("product")
    parts = ("selling_points", "fit", "unfit", "risks", "must_say", "success_stories")
    lines = labelled((label[part], "\n".join(getattr(sheet, part))) for part in parts)
    return f"{sheet.name}（{sheet.code}）\n{lines}" if lines else ""


def _noted(value: str, *notes: str) -> str:
    kept = "，".join(note for note in notes if note)
    return f"{value}（{kept}）" if kept else value


def _term(term: Term) -> str:
    days = str(term.days) if term.days is not None else ""
    return _noted(term.text, "" if not days or days in term.text else f"{days}{words('product')['days']}")


def _minimum(minimum: Minimum) -> str:
    amount = str(minimum.amount) if minimum.amount is not None else ""
    return _noted(minimum.text, "" if not amount or amount in minimum.text else f"{amount} {minimum.currency}")


def _benchmark(benchmark: Benchmark | None) -> str:
    if benchmark is None:
        return ""
    return f"{benchmark.text}（{_iso(benchmark.as_of)}，{benchmark.basis}；{benchmark.statement}）"


def _past(past: PastPerformance | None) -> str:
    if past is None:
        return ""
    label = words("product")
    notes = (
        (label["interval"], past.interval),
        (label["source"], past.source),
        (label["past_benchmark"], past.benchmark),
    )
    return _noted(past.text, *(f"{name}：{value}" for name, value in notes if value), _iso(past.as_of))


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""
