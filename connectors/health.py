"""/healthz, /readyz and /metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from assistant.records.records import Records
from knowledge.errors import KnowledgeError


class RecordsCollector(Collector):
    """Counts read from the database at each scrape, so that they are the same whichever worker did the work."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Inbox and outbox by status, drafts by verdict, decisions by kind, open tickets."""
        yield _family("wainao_inbox_messages", "Messages received, by status.", "status", self._records.inbox.counts())
        sent = self._records.outbox.counts()
        yield _family("wainao_outbox_messages", "Messages to members, by status.", "status", sent)
        drafts = GaugeMetricFamily("wainao_drafts", "Drafts made.", labels=["verdict", "status"])
        for (verdict, status), count in self._records.drafts.counts().items():
            drafts.add_metric([verdict, status], count)
        yield drafts
        tickets = GaugeMetricFamily("wainao_tickets_open", "Questions waiting at the middle office.")
        tickets.add_metric([], len(self._records.tickets.with_status()))
        yield tickets


def _family(name: str, text: str, label: str, counts: dict[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family


def health_router(records: Records, workers_alive: Callable[[], int], workers_wanted: int) -> APIRouter:
    """The three routes; `/readyz` is 503 while the database or a worker is missing."""
    router = APIRouter()
    registry = CollectorRegistry()
    registry.register(RecordsCollector(records))

    @router.get("/healthz", include_in_schema=False)
    async def healthz() -> Response:
        return PlainTextResponse("ok")

    @router.get("/readyz", include_in_schema=False)
    def readyz() -> Response:
        problems = {}
        try:
            records.database.check()
        except KnowledgeError as exc:
            problems["database"] = exc.code
        if workers_alive() < workers_wanted:
            problems["workers"] = f"{workers_alive()} of {workers_wanted}"
        return JSONResponse({"ready": not problems, "problems": problems}, status_code=503 if problems else 200)

    @router.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router
