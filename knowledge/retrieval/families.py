"""What people shorten the names of products to: bare family names, their endings, the issuer, and pointing words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import rjieba

from knowledge.products import ProductSheet
from knowledge.retrieval.marks import bare, squeeze

_ENDS_IN = 2
_COMPANY = re.compile("(?:管理|保险)?(?:股份|责任)?有限(?:责任)?公司$")
_SELDOM = 5  # how often the dictionary met a word that may as well be coined


def families_of(sheets: Sequence[ProductSheet]) -> tuple[dict[str, list[str]], frozenset[str]]:
    """Codes by bare name, and which of these are everyday words (货币, 如意) rather than coined (稳盈)."""
    families: dict[str, list[str]] = {}
    everyday: set[str] = set()
    for sheet in sheets:
        agency = {_COMPANY.sub("", squeeze(sheet.issuer))} if sheet.sold_as == "agency" else set()
        everyday |= agency
        for family in agency | {bare(squeeze(name)) for name in sheet.names[1:]}:
            if len(family) > 1 and not family.isascii():
                families.setdefault(family, []).append(sheet.code)
    _add_endings(families, everyday)
    return families, frozenset(everyday | {family for family in families if _everyday(family)})


def pointed_at(sheet: ProductSheet) -> Iterator[str]:
    """A name of the form 挂汇率的结构性存款, also as people point at it: 挂汇率的那个."""
    for name in sheet.nicknames:
        first, of, _ = name.partition("的")
        if of and len(first) > _ENDS_IN:
            yield from (f"{first}的{pointing}" for pointing in ("那个", "那只", "那款", "这个"))


def _add_endings(families: dict[str, list[str]], everyday: set[str]) -> None:
    """What a bare name ends in, as an everyday word for it, where only one family does: 存单 for 大额存单."""
    behind: dict[str, set[tuple[str, ...]]] = {}
    for family, codes in families.items():
        for at in range(len(family) - _ENDS_IN + 1):
            behind.setdefault(family[at : at + _ENDS_IN], set()).add(tuple(sorted(codes)))
    for family in [family for family in families if len(family) == _ENDS_IN + 2 and len(families[family]) > 1]:
        ending = family[-_ENDS_IN:]
        if len({code for codes in behind[ending] for code in codes}) == len(families[family]) and _everyday(ending):
            families[ending] = families[family]
            everyday.add(ending)


def _everyday(word: str) -> bool:
    return bool(rjieba.has_word(word)) and rjieba.suggest_freq(word) > _SELDOM
