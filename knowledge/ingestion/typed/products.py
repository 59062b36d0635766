"""Product files: a sheet as front matter, the leaflet as markdown below it."""

from __future__ import annotations

from datetime import date

from knowledge.documents import DocumentKind, PassageText
from knowledge.ingestion.chunking import chunk
from knowledge.ingestion.formats import markdown
from knowledge.ingestion.reading import ReadDocument, labelled, validated, whole_file
from knowledge.ingestion.wording import words
from knowledge.products import Benchmark, Minimum, PastPerformance, ProductSheet, Term


def read_product(front: object, head: str, body: str, *, file: str) -> ReadDocument:
    """A product file as a document: sheet passage, selling passage, then the leaflet's sections.

    Args:
        front: the parsed front matter.
        head: its text with both fences, so that offsets count from the file's start.
    Raises: ContentInvalid.
    """
    sheet = validated(ProductSheet, front)
    leaflet = markdown.parse(body) if body.strip() else None
    passages = [
        PassageText(sheet_text(sheet), whole_file(file, head, words("headings")["sheet"]), sheet.questions),
        PassageText(pitch_text(sheet), whole_file(file, head, words("headings")["pitch"])),
    ]
    if leaflet is not None:
        passages += chunk(leaflet, DocumentKind.PRODUCT, file=file)
    return ReadDocument(
        document_id=f"product-{sheet.code}",
        kind=DocumentKind.PRODUCT,
        title=sheet.name,
        passages=tuple(passage for passage in passages if passage.text),
        payload={"content": "product", "data": sheet.model_dump(mode="json")},
        product_code=sheet.code,
        effective_from=sheet.effective_from,
        effective_until=sheet.effective_until,
        version=sheet.version,
        branches=frozenset() if sheet.scope in {"", "bank"} else frozenset(sheet.scope.split(",")),
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
