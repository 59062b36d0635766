"""Plain text: the encodings that Chinese offices produce, and headings by their numbering."""

from __future__ import annotations

import codecs
import re

from knowledge.errors import DocumentRefused
from knowledge.ingestion.characters import looks_damaged, repaired
from knowledge.ingestion.extracted import MAX_CHARS, Block, BlockKind, Doubt, ExtractedText, joined

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ARTICLE = r"第[零〇一二三四五六七八九十百千0-9]+条"
_PART = re.compile(r"^第[零〇一二三四五六七八九十百0-9]+[编章节](?![^\s　].{40})")
_NUMBERED = re.compile(
    r"^(?:([一二三四五六七八九十]+、)|([（(][一二三四五六七八九十]+[)）])|(\d+(?:\.\d+)*[、.．]\s*))\S"
)
_ENDS_SENTENCE = re.compile(r"[。；;，,：:？?！!]$")
_HEADING_CHARS = 40


def decoded(data: bytes) -> str:
    """The text of bytes in whatever encoding. Raises: DocumentRefused (empty, unknown_encoding)."""
    if not data.strip(b"\x00\t\r\n "):
        raise DocumentRefused(reason="empty")
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return _strictly(data, encoding)
    if b"\x00" in data:
        return _without_bom(data)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _legacy(data)


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeError as exc:
        raise DocumentRefused(reason="unknown_encoding") from exc


def _without_bom(data: bytes) -> str:
    # UTF-16 without a mark: half of the bytes of its ASCII are NUL, always on the same side.
    if len(data) % 2 == 0:
        for encoding, side in (("utf-16-le", 1), ("utf-16-be", 0)):
            if data[side::2].count(0) > 0 and data[1 - side :: 2].count(0) == 0:
                return _strictly(data, encoding)
    raise DocumentRefused(reason="unknown_encoding")


def _legacy(data: bytes) -> str:
    """GB18030 where the result looks like everyday Chinese, else Shift-JIS or Big5 where those do."""
    best, best_share = "", 0.0
    for encoding in ("gb18030", "cp932", "big5"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        share = _everyday(text)
        if share > best_share:
            best, best_share = text, share
    if best_share < 0.6:
        raise DocumentRefused(reason="unknown_encoding")
    return best


def _everyday(text: str) -> float:
    """Share of frequent Chinese characters, kana and Chinese punctuation among everything outside ASCII."""
    wide = [char for char in text if char > "\x7f"]
    return sum(_frequent(char) for char in wide) / len(wide) if wide else 0.0


def _frequent(char: str) -> bool:
    if "\u3040" <= char <= "\u30ff":
        return True
    code = char.encode("gb2312", "ignore")
    if code and (0xB0 <= code[0] <= 0xD7 or 0xA1 <= code[0] <= 0xA3):
        return True
    big = char.encode("big5", "ignore")
    return not code and len(big) == 2 and 0xA4 <= big[0] <= 0xC6


def heading_level(line: str) -> int:
    """Depth of a line that numbers a part (第一章, 一、, （一）, 1.), or 0 for ordinary text."""
    text = line.strip()
    if len(text) > _HEADING_CHARS or re.match(_ARTICLE, text):
        return 0
    if _PART.match(text):
        return 1
    found = _NUMBERED.match(text)
    if not found or _ENDS_SENTENCE.search(text):
        return 0
    return 2 if found.group(1) else 3 if found.group(2) else 4


def line_blocks(text: str) -> list[Block]:
    """One block a line, headings told apart by their numbering."""
    blocks = []
    for line in text.split("\n"):
        level = heading_level(line)
        kind = BlockKind.HEADING if level else BlockKind.PARAGRAPH
        blocks.append(Block(kind, line.strip(), level=level))
    return blocks


def capped(text: str, doubts: list[Doubt]) -> str:
    """At most two million characters, with a note when some were cut, and one when the text looks damaged."""
    if looks_damaged(text[:200_000]):
        doubts.append(Doubt("suspicious_text"))
    if len(text) > MAX_CHARS:
        doubts.append(Doubt("text_cut", (("count", str(MAX_CHARS)),)))
    return text[:MAX_CHARS]


def read(data: bytes) -> ExtractedText:
    """Raises: DocumentRefused (empty, unknown_encoding)."""
    doubts: list[Doubt] = []
    text = capped(repaired(decoded(data)), doubts)
    return joined(line_blocks(text), doubts)
