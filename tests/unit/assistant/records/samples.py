"""Made-up records for these tests."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from assistant.records.drafts import DraftEvidence, DraftRecord

NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
LEASE = timedelta(seconds=30)


def a_draft(draft_id: str = "d1", **changes: Any) -> DraftRecord:
    values: dict[str, Any] = {
        "draft_id": draft_id,
        "userid": "rm001",
        "kind": "reply",
        "question_masked": "客户问：黄金还能买吗",
        "text": "金价波动大，先看这笔钱多久不用。",
        "verdict": "pass",
        "drafter": "composer",
        "on_day": date(2026, 11, 23),
        "created_at": NOW,
        "text_hash": "0" * 64,
        "findings": ({"code": "W_UNGROUNDED", "start": 0, "end": 2},),
        "details": {"elapsed_ms": 12},
        "evidence": (
            DraftEvidence("gold@v1#p1", "gold@v1", "积存金不保本", {"lexical": 3.25}),
            DraftEvidence("gold@v1#p2", "gold@v1", "手续费0.5%"),
        ),
    }
    return DraftRecord(**{**values, **changes})
