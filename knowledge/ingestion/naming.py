"""Which document a file is a version of, and what a file probably is."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import PurePosixPath

from knowledge.documents import DocumentKind
from knowledge.ingestion.wording import words

_VERSION_MARK = re.compile(
    r"[\s._\-（(\[【]*(?:v\d+(?:\.\d+)*(?:现行|历史|修订)?版?|第?[一二三四五六七八九十\d]+版|\d{0,4}年?旧版|新版|修订版|现行版?|历史版本?"
    r"|已废止|已失效|作废)[)）\]】]*$",
    re.I,
)
_SUPERSEDED = re.compile(r"旧版|历史版|[\d（(]历史|已废止|已失效|作废|已过期|superseded|obsolete|repealed", re.I)
_SEPARATORS = re.compile(r"[^\w]+")
_BY_NAME = (
    DocumentKind.TRANSCRIPT,
    DocumentKind.PLAYBOOK,
    DocumentKind.FAQ,
    DocumentKind.REGULATION,
    DocumentKind.PRODUCT,
)
_BY_OPENING = (DocumentKind.TRANSCRIPT, DocumentKind.PLAYBOOK, DocumentKind.FAQ)


def document_id(name: str, *, prefix: str = "file") -> str:
    """A stable id from a file's name (or path, to tell two of the same name apart).

    Marks of a version at the end of the stem (`.v1`, 旧版) do not count, so that a new wording is a new version.
    """
    path = PurePosixPath(unicodedata.normalize("NFC", name))
    stem = path.stem
    while (shorter := _VERSION_MARK.sub("", stem)) != stem and shorter:
        stem = shorter
    slug = _SEPARATORS.sub("-", stem).strip("-")[:40].lower()
    key = f"{path.parent}/{stem}{path.suffix.lower()}"
    return f"{prefix}-{slug}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"


def looks_superseded(*texts: str) -> bool:
    """Whether a name or a status says that this wording is no longer in force."""
    return any(_SUPERSEDED.search(text) for text in texts)


def guess_kind(name: str, opening: str) -> DocumentKind:
    """What an untyped file probably is, from its name and its first lines."""
    if len(re.findall(r"^\s*第[零〇一二三四五六七八九十百千0-9]+条", opening, re.M)) >= 3:
        return DocumentKind.REGULATION
    marks = words("guess")
    for text, kinds in ((PurePosixPath(name).stem.lower(), _BY_NAME), (opening[:60].lower(), _BY_OPENING)):
        for kind in kinds:
            if any(mark in text for mark in marks[kind.value]):
                return kind
    return DocumentKind.OTHER
