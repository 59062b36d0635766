"""What every command receives: a way to open the services, and what app.py must run itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assistant.compliance.gate import ComplianceGate
    from assistant.settings import Settings
    from connectors.cli.evaluating import Evaluating
    from connectors.services import Services
    from knowledge.retrieval.search import Status

OpenServices = Callable[[], "AbstractContextManager[Services]"]


@dataclass(frozen=True)
class Runners:
    """What needs other rooms, other processes or the clock; app.py fills it in.

    `demo` and `serve` return when they are stopped. `migrate` brings the database to this code's schema. `reindex`
    builds every derived index anew from the database. `eval_retrieval` takes (corpus, queries, qrels, aliases) and
    raises ValueError for a file that cannot be read. `gallery` writes its page to a path and returns counts.
    `evaluations` gives the harness over the settings in force. `now` is aware UTC.
    """

    demo: Callable[[int | None], None]
    serve: Callable[[], None]
    migrate: Callable[[], object]
    reindex: Callable[[], Status]
    eval_retrieval: Callable[..., dict[str, Any]]
    gallery: Callable[[Path], dict[str, int]]
    evaluations: Callable[[], Evaluating]
    load_settings: Callable[[], Settings]
    load_gate: Callable[[], ComplianceGate]
    explain_settings: Callable[[], list[tuple[str, str, str]]]
    now: Callable[[], datetime]


@dataclass(frozen=True)
class Door:
    """The value behind `ctx.obj`."""

    open_services: OpenServices
    run: Runners

    def today(self) -> date:
        """The business day, without opening anything."""
        from assistant.clock import business_day

        return business_day(self.run.now())
