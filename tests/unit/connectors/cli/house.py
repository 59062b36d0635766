"""A whole house over a folder, with the command line on top, a fixed clock and nothing of the outside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from assistant.answering import AnswerQuestion
from assistant.asking import Asking
from assistant.cases import ResultsFolder
from assistant.compliance.gate import ComplianceGate
from assistant.deciding import Deciding
from assistant.library import Library
from assistant.masking import mask
from assistant.middle_office import MiddleOffice
from assistant.records.migrate import upgrade
from assistant.records.records import Records
from assistant.settings import Settings, explain
from assistant.wording import Messages
from connectors.cli.door import Runners
from connectors.cli.main import build_cli
from connectors.services import Services
from connectors.wecom.splitting import split_text
from evals.commands import Evaluations
from evals.house import House as EvaluatedHouse
from knowledge.ingestion.ingest import Ingestor
from knowledge.retrieval.search import KnowledgeRetriever, Status
from knowledge.stores.database import Database
from knowledge.stores.repository import KnowledgeStore

NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)


@cache
def the_gate() -> ComplianceGate:
    """The shipped rules, compiled once for all tests."""
    return ComplianceGate.load()


@dataclass
class House:
    """One data folder. `ran` notes which processes the command line asked for."""

    home: Path
    more_settings: dict[str, Any] = field(default_factory=dict)
    now: datetime = NOW
    ran: list[Any] = field(default_factory=list)
    gate: ComplianceGate = field(default_factory=the_gate)

    def settings(self) -> Settings:
        return Settings(home=self.home, **self.more_settings)

    @contextmanager
    def services(self) -> Iterator[Services]:
        settings = self.settings()
        records = Records.of(Database(settings.database))
        store = KnowledgeStore(records.database)
        retriever = KnowledgeRetriever(store, folder=self.home / "index")
        pipeline = AnswerQuestion(retriever, Library(store), self.gate, Messages.load())
        ingestor = Ingestor(store, mask=mask)
        services = Services(
            settings=settings,
            home=self.home,
            records=records,
            store=store,
            retriever=retriever,
            gate=self.gate,
            asking=Asking(records, pipeline, timedelta(hours=4), "test"),
            deciding=Deciding(records, self.gate),
            ingestor=ingestor,
            middle_office=MiddleOffice.of(records, store, ingestor, gate=self.gate, split=split_text),
            now=lambda: self.now,
        )
        try:
            yield services
        finally:
            services.close()

    def runners(self) -> Runners:
        return Runners(
            demo=lambda port: self.ran.append(("demo", port)),
            serve=lambda: self.ran.append("serve"),
            migrate=self.migrate,
            reindex=self.reindex,
            eval_retrieval=self.eval_retrieval,
            gallery=lambda out: {"questions": out.write_text("# Gallery\n", encoding="utf-8")},
            evaluations=self.evaluations,
            load_settings=self.settings,
            load_gate=lambda: self.gate,
            explain_settings=lambda: explain(self.settings(), {"environment": self.more_settings}),
            now=lambda: self.now,
        )

    def evaluations(self) -> Evaluations:
        return Evaluations(ResultsFolder(self.settings().home / "results"), self.evaluated, lambda: self.now)

    @contextmanager
    def evaluated(self, with_phone: bool) -> Iterator[EvaluatedHouse]:
        from app import evaluated_house

        with evaluated_house(self.settings(), seed=1, with_phone=with_phone) as house:
            yield house

    def migrate(self) -> None:
        database = Database(self.settings().database)
        upgrade(database)
        database.close()

    def reindex(self) -> Status:
        with self.services() as services:
            services.retriever.refresh()
            return services.retriever.status

    def eval_retrieval(self, corpus: Path, queries: Path, qrels: Path, aliases: bool) -> dict[str, Any]:
        from evals.retrieval import measure

        return measure(corpus, queries, qrels, aliases=aliases)

    def run(self, *args: object, input: str | bytes | None = None) -> Result:
        """Run `wainao` with these arguments."""
        cli = build_cli(self.services, self.runners())
        return CliRunner().invoke(cli, [str(arg) for arg in args], input=input)

    def json(self, *args: object, exit_code: int = 0) -> Any:
        """What the command says as JSON; nothing else may stand on standard output."""
        result = self.run(*args, "--json")
        assert result.exit_code == exit_code, result.output
        assert result.stdout.count("\n") == 1, result.stdout
        return json.loads(result.stdout)

    def told(self, *args: object, exit_code: int = 0, input: str | bytes | None = None) -> str:
        """Everything that the command says to people."""
        result = self.run(*args, input=input)
        assert result.exit_code == exit_code, result.output
        return result.output
