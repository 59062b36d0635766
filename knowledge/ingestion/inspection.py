"""What a file carries besides its text: macros, remote templates, linked programs, entities. Runs in the worker.

Nothing of it would ever be executed or fetched here; it is refused or told because a bank's document has no need of it,
and whoever sent it should be asked.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator

from knowledge.errors import DocumentRefused
from knowledge.ingestion.archives import check_archive, is_nested
from knowledge.ingestion.extracted import Doubt

_MAIN = {".docx": "word/", ".xlsx": "xl/", ".xlsm": "xl/", ".pptx": "ppt/"}
_KIND_OF = {"word/": "docx", "xl/": "xlsx", "ppt/": "pptx"}
_PIECE = 1 << 20
_OVERLAP = 4096  # what is looked for is shorter, so nothing is missed at the seams
_MAX_MERGED = 1_000_000
_DTD = tuple(
    word.encode(encoding) for word in ("<!DOCTYPE", "<!ENTITY") for encoding in ("utf-8", "utf-16-le", "utf-16-be")
)
_RELATION = re.compile(rb"<(?:\w{1,40}:)?Relationship\s[^>]{1,8000}>")
_TARGET = re.compile(rb"\bTarget\s*=\s*[\"']\s*([^\"']{0,4000})")
_TYPE = re.compile(rb"\bType\s*=\s*[\"'][^\"']{0,1000}/([A-Za-z]{1,60})[\"']")
_EXTERNAL = re.compile(rb"\bTargetMode\s*=\s*[\"']External[\"']", re.I)
_REMOTE = re.compile(
    rb"^(?:(?:https?|ftps?|smb|webdav|mhtml|ms-[\w-]+|javascript|script):|\\\\|//|%5c%5c"
    rb"|file:(?://[^/\\]|/{4,}|[\\/]*\\\\))",
    re.I,
)
_LOADING = {b"attachedTemplate", b"oleObject", b"frame", b"subDocument", b"aFChunk", b"control"}
_DDE_FIELD = re.compile(rb"<w:instrText[^>]{0,200}>\s*(?:DDEAUTO|DDE)\b|w:instr\s*=\s*[\"']\s*(?:DDEAUTO|DDE)\b", re.I)
_DDE_LINK = re.compile(rb"<(?:\w{1,20}:)?ddeLink[\s>]")
_MERGED = re.compile(
    rb"<(?:\w{1,20}:)?mergeCell\s[^>]{0,80}ref\s*=\s*[\"']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})[\"']"
)
_PDF_ACTIVE = re.compile(rb"/(?:JavaScript|JS|Launch|EmbeddedFile|RichMedia|SubmitForm|ImportData)\b")


def inspect(data: bytes, suffix: str) -> list[Doubt]:
    """Refuse what is dangerous, and hand on what a curator should know.

    Raises: DocumentRefused (those of `check_archive`; wrong_format, macros, external_template, external_content, dde,
        entities, sheet_too_large).
    """
    if suffix == ".pdf":
        return [Doubt("active_content")] if _PDF_ACTIVE.search(data) else []
    if suffix not in _MAIN:
        return []
    check_archive(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _inspect_office(archive, suffix)
    except (zipfile.BadZipFile, zlib.error, OSError, NotImplementedError, RuntimeError, EOFError) as exc:
        raise DocumentRefused(reason="broken") from exc


def _inspect_office(archive: zipfile.ZipFile, suffix: str) -> list[Doubt]:
    names = archive.namelist()
    if not any(name.startswith(_MAIN[suffix]) for name in names):
        actual = next((kind for main, kind in _KIND_OF.items() if any(name.startswith(main) for name in names)), "zip")
        raise DocumentRefused(reason="wrong_format", suffix=suffix, actual=actual)
    if any(
        name.lower().endswith(("vbaproject.bin", "vbadata.xml")) or "/macrosheets/" in name.lower() for name in names
    ):
        raise DocumentRefused(reason="macros")
    linked = merged = 0
    for name in names:
        lower = name.lower()
        if lower.endswith((".xml", ".rels", ".vml")):
            for piece in _pieces(archive, name):
                _check_markup(piece, lower)
                if lower.endswith(".rels"):
                    linked += _linked(piece)
                if "/worksheets/" in lower:
                    merged += sum(map(_area, _MERGED.findall(piece)))
        elif _opens_nested(archive, name, lower):
            raise DocumentRefused(reason="zip_nested", entry=name[:60])
    if merged > _MAX_MERGED:
        raise DocumentRefused(reason="sheet_too_large")
    embedded = sum("/embeddings/" in name.lower() or "/activex/" in name.lower() for name in names)
    found = (("embedded_files", embedded), ("external_links", linked))
    return [Doubt(code, (("count", str(count)),)) for code, count in found if count]


def _pieces(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """An entry's content, piece by piece, each with the end of the one before."""
    before = b""
    with archive.open(name) as file:
        while piece := file.read(_PIECE):
            yield before + piece
            before = piece[-_OVERLAP:]


def _check_markup(piece: bytes, name: str) -> None:
    if any(mark in piece for mark in _DTD):
        raise DocumentRefused(reason="entities")
    if name.startswith("word/") and _DDE_FIELD.search(piece):
        raise DocumentRefused(reason="dde")
    if "externallink" in name and _DDE_LINK.search(piece):
        raise DocumentRefused(reason="dde")


def _linked(rels: bytes) -> int:
    """How many things besides plain links lie outside the file. Raises: DocumentRefused for what would load them."""
    count = 0
    for relation in _RELATION.findall(rels):
        kind, target = _TYPE.search(relation), _TARGET.search(relation)
        name = kind.group(1) if kind else b""
        if not _EXTERNAL.search(relation) or name == b"hyperlink":
            continue
        remote = bool(target and _REMOTE.match(target.group(1)))
        if name in _LOADING and remote:
            template = name == b"attachedTemplate"
            raise DocumentRefused(reason="external_template" if template else "external_content")
        count += name != b"attachedTemplate"  # one on the author's own disk is what Word writes every day
    return count


def _opens_nested(archive: zipfile.ZipFile, name: str, lower: str) -> bool:
    """A document inside a document (the sheet behind a chart) is ordinary; any other archive or a program is not."""
    if name.endswith("/") or lower.endswith((".xlsx", ".docx", ".pptx", ".xlsb")):
        return False
    with archive.open(name) as file:
        return is_nested(file.read(8))


def _area(corners: tuple[bytes, bytes, bytes, bytes]) -> int:
    left, top, right, bottom = corners
    columns, rows = _column(right) - _column(left) + 1, int(bottom) - int(top) + 1
    return max(0, columns) * max(0, rows)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
