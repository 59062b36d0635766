"""Which other articles an article points to: 依照本法第十五条, 《商业银行法》第四十七条第二款."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from knowledge.documents import PassageText
from knowledge.ingestion.articles import opening_of
from knowledge.ingestion.numerals import chinese, numeral

_N = "[零〇一二三四五六七八九十百千0-9]+"
_LAW = r"(?:《(?P<law>[^《》]{2,60})》|(?P<own>本(?:法|条例|办法|规定|规则|细则|指引|准则|解释|章程|制度)))?"
_POINTER = re.compile(
    rf"{_LAW}(?:（[^）]{{0,40}}）)?"
    rf"(?P<join>[、和或及与至到]|以及|或者)?\s*第(?P<number>{_N})条"
    r"(?P<after>之[一二三四五六七八九十]+)?"
    rf"(?P<paragraph>第{_N}款)?(?P<item>第[（(]?{_N}[)）]?项)?"
)
_REPEALS = re.compile(
    r"((?:《[^《》]{2,80}》(?:（[^）]{0,60}）)?(?:以及|和|及|、)?)+)[^。；《》]{0,12}(?:同时)?(?:予以)?废止"
)
_NAME = re.compile(r"《([^《》]{2,80})》")
_LONGEST_RANGE = 60


def article_index(passages: Sequence[PassageText]) -> dict[str, object]:
    """Payload data of a regulation: `{"articles": [{"number", "passage", "refers_to"}], "repeals": [names]}`.

    `passage` counts from 1; `refers_to` lists `{"law", "article", "paragraph"}`, the law empty for the text itself.
    """
    articles: list[dict[str, object]] = []
    for position, passage in enumerate(passages, start=1):
        name = passage.source.heading.rsplit(" / ", 1)[-1]
        opening = opening_of(f"{name} ")
        if opening is None:
            continue
        own = opening_of(passage.text)
        body = passage.text[passage.text.index("条") :] if own else passage.text
        articles.append({"number": opening.name, "passage": position, "refers_to": references(body)})
    text = "\n".join(passage.text for passage in passages)
    return {"articles": articles, "repeals": _repealed(text)}


def references(text: str) -> list[dict[str, str]]:
    """The articles that a text points to, each once, in order; a range is written out."""
    found: list[dict[str, str]] = []
    for item in _pointers(text):
        if item not in found:
            found.append(item)
    return found


def _pointers(text: str) -> Iterator[dict[str, str]]:
    law, end, last = "", -1, 0
    for pointer in _POINTER.finditer(text):
        continues = pointer["join"] is not None and pointer.start() == end
        if pointer["law"] or not continues:
            law = pointer["law"] or ""
        number = numeral(pointer["number"])
        if continues and pointer["join"] in {"至", "到"} and last < number <= last + _LONGEST_RANGE:
            for between in range(last + 1, number):
                yield {"law": law, "article": f"第{chinese(between)}条", "paragraph": ""}
        article = f"第{pointer['number']}条{pointer['after'] or ''}"
        yield {"law": law, "article": article, "paragraph": (pointer["paragraph"] or "") + (pointer["item"] or "")}
        end, last = pointer.end(), number


def _repealed(text: str) -> list[str]:
    return list(dict.fromkeys(name for found in _REPEALS.finditer(text) for name in _NAME.findall(found.group(1))))
