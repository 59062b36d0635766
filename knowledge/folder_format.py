"""The knowledge folder: names of its files, and their contents as checked values (docs/knowledge-folder.md)."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from knowledge.documents import DocumentKind, DocumentVersion, Source, VersionStatus
from knowledge.stores.columns import storable
from knowledge.stores.transfer import StoredPassage

FORMAT = "wainao-knowledge"
FORMAT_VERSION = 1
MANIFEST = "manifest.json"
VERSIONS, PASSAGES = "versions.jsonl", "passages.jsonl"  # everything once more in two files, to be read by people
KNOWN_NAME = re.compile(
    r"(?:versions|passages)\.jsonl"
    r"|documents/[\w.\-]{1,100}/v[1-9]\d{0,9}/(?:version\.json|passages\.jsonl|history\.jsonl)"
    r"|files/[0-9a-f]{64}/(?:file\.json|content|extracted\.json)"
)
_NAME_CHARS = 40
_LARGEST = 2**31 - 1
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def _keepable(text: str) -> str:
    if storable(text) != text:
        raise ValueError("holds characters that no database keeps")
    return text


def _named(text: str) -> str:
    if not text.strip() or any(ord(char) < 0x20 or ord(char) == 0x7F for char in text):
        raise ValueError("is blank or holds control characters")
    return text


def _in_time(at: datetime) -> datetime:
    if not _FIRST <= at <= _LAST:
        raise ValueError("is out of range")
    return at.astimezone(UTC)


Text = Annotated[str, AfterValidator(_keepable)]
Id = Annotated[Text, Field(min_length=1, max_length=500), AfterValidator(_named)]
Number = Annotated[int, Field(ge=1, le=_LARGEST)]
At = Annotated[AwareDatetime, AfterValidator(_in_time)]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FileEntry(_Strict):
    """One file of the folder; `bytes` is its size."""

    sha256: Hash
    bytes: Annotated[int, Field(ge=0, le=2**53)]


class Manifest(_Strict):
    """What the folder holds; `files` by path from the folder, with slashes."""

    format: str
    format_version: int
    versions: Annotated[int, Field(ge=0)]
    passages: Annotated[int, Field(ge=0)]
    files: dict[str, FileEntry]


class VersionCard(_Strict):
    """version.json: every column of a version, and how many passages stand beside it."""

    version_id: Id
    document_id: Id
    version: Number
    kind: DocumentKind
    title: Text
    status: VersionStatus
    effective_from: date
    effective_until: date | None
    content_hash: Text
    file: Text
    uploaded_by: Text
    approved_by: Text | None
    branches: frozenset[Text]
    roles: frozenset[Text]
    payload: dict[str, Any] | None
    lines: frozenset[Text]
    product_code: Text | None
    uploaded_at: At | None
    submitted_by: Text | None
    submitted_at: At | None
    approved_at: At | None
    withdrawn_by: Text | None
    withdrawn_at: At | None
    editors: tuple[Text, ...]
    file_hash: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
    derived_from: Text | None
    superseded_by: Text | None
    note: Text
    passages: Annotated[int, Field(ge=0, le=_LARGEST)]

    def value(self) -> DocumentVersion:
        """The version as the rest of the house knows it."""
        return DocumentVersion(**{name: getattr(self, name) for name in DocumentVersion.__dataclass_fields__})


class SourceCard(_Strict):
    """Where a passage stands, as in knowledge.documents.Source."""

    file: Text = ""
    page: Annotated[int, Field(ge=0, le=_LARGEST)] | None = None
    sheet: Text | None = None
    cells: Text | None = None
    heading: Text = ""
    start: Annotated[int, Field(ge=0, le=_LARGEST)] = 0
    end: Annotated[int, Field(ge=0, le=_LARGEST)] = 0
    table: Annotated[int, Field(ge=0, le=_LARGEST)] | None = None


class PassageLine(_Strict):
    """One line of passages.jsonl."""

    passage_id: Id
    position: Number
    text: Text
    known_questions: tuple[Text, ...]
    counter_questions: tuple[Text, ...]
    source: SourceCard

    def value(self) -> StoredPassage:
        """The passage as it is stored."""
        source = self.source.model_dump()
        return StoredPassage(
            self.passage_id, self.position, self.text, self.known_questions, self.counter_questions, source
        )


class HistoryLine(_Strict):
    """One line of history.jsonl: a change that a person made to a passage before approval."""

    passage_id: Id
    edited_by: Text
    edited_at: At
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class FileCard(_Strict):
    """file.json: an uploaded file; `content` says whether its bytes stand beside it, `extracted` its text."""

    file_hash: Hash
    name: Text
    size: Annotated[int, Field(ge=0, le=2**53)]
    stored_at: At
    content: bool
    extracted: bool


Kind = Literal["version.json", "passages.jsonl", "history.jsonl"]


def document_folder(document_id: str) -> str:
    """A name that every file system takes: what can be read of the id, and a hash that tells ids apart."""
    readable = re.sub(r"[^\w\-]+", "_", document_id).strip("_")[:_NAME_CHARS]
    return f"{readable}-{hashlib.sha256(document_id.encode()).hexdigest()[:12]}"


def version_folder(document_id: str, version: int) -> str:
    """Where one version's files stand, from the folder."""
    return f"documents/{document_folder(document_id)}/v{version}"


def file_folder(file_hash: str) -> str:
    """Where one uploaded file stands, from the folder."""
    return f"files/{file_hash}"


def as_json(value: Any, *, indent: int | None = None) -> bytes:
    """One JSON value with a line end, as UTF-8. Dates as ISO 8601, sets sorted, lone surrogates escaped."""
    text = json.dumps(value, ensure_ascii=False, default=_plain, indent=indent)
    try:
        return (text + "\n").encode()
    except UnicodeEncodeError:
        return (json.dumps(value, default=_plain, indent=indent) + "\n").encode()


def strict_json(data: bytes) -> Any:
    """The value of one JSON text. Raises: ValueError for anything else, also for NaN and for nesting without end."""

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is no JSON number")

    try:
        return json.loads(data.decode("utf-8"), parse_constant=refuse)
    except RecursionError as exc:
        raise ValueError("nested too deeply") from exc


def sound_source(source: dict[str, Any]) -> dict[str, Any]:
    """A stored source with all its fields and nothing that no database keeps."""
    known = {name: source.get(name, default) for name, default in _SOURCE.items()}
    return {name: storable(value) if isinstance(value, str) else value for name, value in known.items()}


_SOURCE = {name: getattr(Source(), name) for name in Source.__dataclass_fields__}


def _plain(value: Any) -> Any:
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    if isinstance(value, (frozenset, set)):
        return sorted(value)
    raise TypeError(type(value).__name__)
