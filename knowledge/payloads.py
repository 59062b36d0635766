"""Typed content from outside, checked before it is stored: a sheet that nobody can read would stop retrieval."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ValidationError

from knowledge.content import KnownQuestion, MomentsTopic, Playbook, RegulationHeader, Transcript
from knowledge.documents import DocumentKind
from knowledge.products import ProductSheet

LARGEST = 500_000  # characters of JSON
_MODELS: dict[str, type[BaseModel]] = {
    "product": ProductSheet,
    "known_question": KnownQuestion,
    "transcript": Transcript,
    "moments_topic": MomentsTopic,
    "playbook": Playbook,
    "regulation": RegulationHeader,
}


def payload_problem(kind: DocumentKind, payload: dict[str, Any] | None) -> str:
    """Which field of a payload is wrong, as `data.term.text`; empty when it may be stored."""
    if payload is None:
        return ""
    try:
        size = len(json.dumps(payload, ensure_ascii=False, allow_nan=False).encode())
    except (ValueError, TypeError, RecursionError):
        return "payload"
    if size > LARGEST:
        return "payload"
    content = payload.get("content", "product" if kind is DocumentKind.PRODUCT else "")
    if not isinstance(content, str):
        return "content"
    model = _MODELS.get(content)
    if model is None:
        return ""
    try:
        model.model_validate(payload.get("data", payload))
    except ValidationError as exc:
        return ".".join(("data", *(str(part) for part in exc.errors(include_url=False)[0]["loc"])))[:100]
    return ""
