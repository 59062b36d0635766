"""Knowledge from another installation: who may bring it, and one audit row with everything that it changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from assistant.masking import mask
from assistant.records.records import Records
from knowledge.checked_folder import KnowledgeFolder
from knowledge.curation import may_curate
from knowledge.errors import CuratorNotAllowed
from knowledge.folder_sources import FolderSource
from knowledge.importing import Importing, ImportReport

SYSTEM = "cli"  # whoever sits at the server, as with `wainao ingest`


@dataclass(frozen=True)
class Transferring:
    """Takes knowledge folders in."""

    records: Records

    def take_in(
        self,
        source: FolderSource,
        *,
        by: str | None,
        trust_approvals: bool = False,
        dry_run: bool = False,
        now: datetime,
    ) -> ImportReport:
        """All of a folder or nothing; `by` None: the system actor, who vouches for no approval.

        Raises: CuratorNotAllowed, ImportRefused.
        """
        if by is not None or trust_approvals:
            member = self.records.staff.get(by) if by else None
            if member is None or not member.active or not may_curate(member.role):
                raise CuratorNotAllowed(by=by or SYSTEM)
        actor = by or SYSTEM
        folder = KnowledgeFolder.opened(source)
        importing = Importing(self.records.database, mask)
        if dry_run:
            return importing.check(folder, by=actor, trust=trust_approvals)
        with self.records.database.writing() as conn:
            report = importing.store(conn, folder, by=actor, trust=trust_approvals)
            body = {
                "versions": report.versions,
                "new": len(report.new),
                "changed": report.changed,
                "waiting": report.waiting,
                "trust_approvals": trust_approvals,
            }
            self.records.audit.append(
                conn, actor=actor, event="knowledge_imported", subject=report.fingerprint, body=body, now=now
            )
        return report
