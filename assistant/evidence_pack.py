"""All that proves how one draft came about: what was known, drafted, checked, decided and logged, as a folder."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from string import Template
from typing import Any

from assistant.records.drafts import DraftRecord
from assistant.records.records import Records
from assistant.wording import load_toml
from knowledge.documents import DocumentVersion, Passage
from knowledge.stores.repository import KnowledgeStore

README = "README.zh.txt"


@dataclass(frozen=True)
class EvidencePack:
    """Packs drafts of one database. `rule_pack` is the fingerprint of the rules that run now."""

    records: Records
    store: KnowledgeStore
    rule_pack: str = ""

    def write(self, draft_id: str, folder: Path, *, now: datetime) -> list[str]:
        """Write the pack into an empty `folder`; returns the names of its files, the sums file last.

        Raises: RecordNotFound for an unknown draft, OSError.
        """
        draft = self.records.drafts.get(draft_id)
        files = {
            "draft.json": _json(self._draft(draft)),
            "verdict.json": _json(_verdict(draft)),
            "decisions.json": _json(self._decisions(draft_id)),
            "references.json": _json(self._references(draft)),
            "audit.jsonl": "".join(_json_line(asdict(entry)) for entry in self._audit(draft)),
            **self._passages(draft),
        }
        files[README] = self._readme(draft, sorted(files), now)
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        sums = "".join(f"{_sum(text)}  {name}\n" for name, text in sorted(files.items()))
        (folder / "SHA256SUMS").write_text(sums, encoding="utf-8")
        return [*sorted(files), "SHA256SUMS"]

    def _draft(self, draft: DraftRecord) -> dict[str, Any]:
        line = [earlier.draft_id for earlier in self.records.drafts.lineage(draft.draft_id)]
        sent = self.records.outbox.of_draft(draft.draft_id)
        messages = [
            {"id": m.id, "status": m.status, "queued_at": m.queued_at, "sent_at": m.sent_at, "msgid": m.msgid}
            for m in sent
        ]
        return {**asdict(draft), "lineage": line, "messages_to_staff": messages}

    def _decisions(self, draft_id: str) -> dict[str, Any]:
        decisions = self.records.decisions
        return {
            "decisions": [asdict(decision) for decision in decisions.of_draft(draft_id)],
            "outcomes": [asdict(outcome) for outcome in decisions.outcomes_of(draft_id)],
        }

    def _references(self, draft: DraftRecord) -> dict[str, Any]:
        return {
            "prompt": draft.prompt_id or None,
            "rule_pack": draft.rule_pack or None,
            "rule_pack_running_now": self.rule_pack,
            "rule_pack_unchanged": draft.rule_pack == self.rule_pack,
            "drafter": draft.drafter,
            "model": draft.model or None,
            "settings_fingerprint": draft.settings_fingerprint or None,
            "code_version": draft.code_version,
            "audit_chain_whole": self.records.audit.verify().whole,
        }

    def _audit(self, draft: DraftRecord) -> list[Any]:
        subjects = [draft.draft_id, *([draft.ticket_id] if draft.ticket_id else [])]
        return sorted((e for s in subjects for e in self.records.audit.of_subject(s)), key=lambda entry: entry.seq)

    def _passages(self, draft: DraftRecord) -> dict[str, str]:
        found = self.store.passages_by_ids([item.passage_id for item in draft.evidence])
        versions = {p.version_id: self.store.version(p.version_id) for p in found.values()}
        files = {}
        for number, item in enumerate(draft.evidence, start=1):
            passage = found.get(item.passage_id)
            name = f"passages/{number:02d}-{re.sub(r'[^0-9A-Za-z@._-]', '_', item.passage_id)[:80]}.txt"
            files[name] = _passage_text(item.passage_id, item.quote, passage, versions)
        return files

    def _readme(self, draft: DraftRecord, names: list[str], now: datetime) -> str:
        text = Template(load_toml("evidence.zh")["readme"])
        return text.substitute(
            draft_id=draft.draft_id,
            drafted_at=draft.created_at.astimezone(UTC).isoformat(),
            packed_at=now.astimezone(UTC).isoformat(),
            on_day=draft.on_day.isoformat(),
            verdict=draft.verdict,
            status=draft.status,
            files="\n".join(f"- {name}" for name in names),
        )


def _verdict(draft: DraftRecord) -> dict[str, Any]:
    return {
        "verdict": draft.verdict,
        "rule_pack": draft.rule_pack or None,
        "text_hash": draft.text_hash,
        "findings": list(draft.findings),
        "before_gate": draft.details.get("draft_before_gate"),
        "after_gate": draft.text,
    }


def _passage_text(passage_id: str, quote: str, passage: Passage | None, versions: dict[str, DocumentVersion]) -> str:
    words = load_toml("evidence.zh")
    if passage is None:
        return Template(words["passage_missing"]).substitute(passage_id=passage_id, quote=quote)
    version = versions[passage.version_id]
    return Template(words["passage"]).substitute(
        passage_id=passage_id,
        title=passage.title,
        version=passage.version,
        status=version.status.value,
        effective_from=version.effective_from.isoformat(),
        effective_until=version.effective_until.isoformat() if version.effective_until else "-",
        uploaded_by=version.uploaded_by or "-",
        approved_by=version.approved_by or "-",
        content_hash=version.content_hash or "-",
        file=passage.source.file or "-",
        heading=passage.source.heading or "-",
        quote=quote,
        text=passage.text,
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, default=_plain) + "\n"


def _json_line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
