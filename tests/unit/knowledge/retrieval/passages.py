"""Passages and sheets for tests, with everything defaulted that a test does not speak of."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from knowledge.documents import DocumentKind, Passage
from knowledge.products import Minimum, ProductKind, ProductSheet, Redemption, Term

ON = date(2026, 3, 1)


def passage(name: str, text: str, *, title: str = "", **changes: Any) -> Passage:
    plain = Passage(
        passage_id=name,
        version_id=f"{name}@v1",
        document_id=name,
        version=1,
        kind=DocumentKind.FAQ,
        title=title,
        text=text,
        effective_from=date(2026, 1, 1),
    )
    return replace(plain, **changes)


def sheet(code: str, name: str, *nicknames: str, **changes: Any) -> ProductSheet:
    fields: dict[str, Any] = {
        "product_kind": ProductKind.WEALTH,
        "issuer": "示例理财",
        "sold_as": "own",
        "term": Term(text="见说明书"),
        "minimum": Minimum(text="1元起"),
        "redemption": Redemption(text="到期自动到账"),
        "effective_from": date(2026, 1, 1),
    }
    return ProductSheet(code=code, name=name, nicknames=nicknames, **{**fields, **changes})
