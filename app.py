"""Joins the rooms: reads the settings, builds the services, starts the processes. Wiring only."""

from __future__ import annotations

import hashlib
import logging
import sys
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    import threading

    from fastapi import FastAPI

    from assistant.answering import AnswerQuestion
    from assistant.compliance.gate import ComplianceGate
    from assistant.conversation import Talk
    from assistant.drafting.brief import Drafter
    from assistant.records.records import Records
    from assistant.settings import Settings
    from assistant.working import DraftingLoop, SendingLoop
    from connectors.services import Services
    from connectors.supervisor import Workers
    from connectors.wecom.client import WorkClient
    from connectors.wecom.envelope import Envelope
    from connectors.wecom.local_state import LocalWeCom
    from connectors.wecom.rehearsal import RehearsalPhone
    from evals.commands import Evaluations
    from evals.house import House, SeededIds, StandingClock
    from knowledge.ingestion.ingest import Ingestor
    from knowledge.retrieval.embedding import Embedder
    from knowledge.retrieval.locking import FolderLock
    from knowledge.retrieval.reranking import Reranking
    from knowledge.retrieval.search import KnowledgeRetriever
    from knowledge.retrieval.vectors import VectorIndex
    from knowledge.stores.database import Database
    from knowledge.stores.repository import KnowledgeStore

DRAFTING_THREADS = 1  # the offline composer is pure Python: more threads only wait for each other
DRAFTING_THREADS_WITH_MODEL = 8
SENDING_THREADS = 8
SENDING_GATHER_S = 0.05  # a batch costs the database as much as a single message
HOUSEKEEPING_S = 60.0
LOADING_IDLE_S = 0.3
EVALUATION_SEED = 20261123
EVALUATED_SETTINGS = (
    "embedder",
    "embedder_question_instruction",
    "embedder_passage_instruction",
    "reranker",
    "reranker_top_n",
    "llm_base_url",
    "llm_model",
    "llm_structured",
    "llm_context_tokens",
    "llm_timeout_s",
    "retrieval_top_k",
    "ticket_due_hours",
    "wecom_cards",
)


def now() -> datetime:
    """The one clock: aware UTC."""
    return datetime.now(UTC)


def load_settings() -> Settings:
    """The settings in force; imported late, so that `--help` answers at once."""
    from assistant.settings import Settings

    return Settings()


def code_version() -> str:
    """Version of the installed package; drafts carry it."""
    from importlib.metadata import version

    return version("wainao")


def load_gate() -> ComplianceGate:
    """The compliance gate with the shipped rules."""
    from assistant.compliance.gate import ComplianceGate

    return ComplianceGate.load()


def open_database(settings: Settings, *, owner: bool = False) -> Database:
    """The database of these settings; `owner`: this process checkpoints the SQLite file."""
    from knowledge.stores.database import Database

    if not settings.database_url:
        settings.home.mkdir(parents=True, exist_ok=True)
    return Database(settings.database, checkpoints=owner)


def build_vectors(settings: Settings, *, owner: bool) -> VectorIndex:
    """Chroma for its owner and for a Chroma server; exact vectors from the database for everybody else."""
    from knowledge.errors import IndexLocked
    from knowledge.retrieval.vectors import ExactVectors

    if settings.chroma_url or owner:
        from knowledge.stores.chroma import ChromaVectors

        try:
            if settings.chroma_url:
                return ChromaVectors(url=settings.chroma_url)
            return ChromaVectors(settings.home / "chroma")
        except IndexLocked:
            logging.getLogger(__name__).warning("chroma_owned_by_another_process")
    return ExactVectors(settings.home / "vectors")


def build_embedder(settings: Settings) -> Embedder:
    """The embedder of these settings: of this machine, or at an endpoint. Raises: ModelUnusable."""
    from connectors.models.embeddings import endpoint_embedder, is_endpoint
    from knowledge.retrieval.embedding import load_embedder

    question, passage = settings.embedder_question_instruction, settings.embedder_passage_instruction
    if is_endpoint(settings.embedder):
        return endpoint_embedder(
            settings.embedder,
            settings.embedder_api_key.get_secret_value(),
            timeout_s=settings.embedder_timeout_s,
            question_instruction=question,
            passage_instruction=passage,
        )
    return load_embedder(
        settings.embedder, settings.home / "embedder", question_instruction=question, passage_instruction=passage
    )


def build_reranking(settings: Settings) -> Reranking | None:
    """The reranker of these settings, None when none is set. Raises: ModelUnusable."""
    if not settings.reranker:
        return None
    from knowledge.retrieval.reranking import Reranking, load_reranker

    reranker = load_reranker(settings.reranker)
    return Reranking(reranker, top_n=settings.reranker_top_n, timeout_s=settings.reranker_timeout_s)


def build_retriever(
    settings: Settings, store: KnowledgeStore, *, owner: bool, embedder: Embedder | None = None
) -> KnowledgeRetriever:
    """The one retrieval function of this process; `embedder`: the one of the settings, where it is loaded already."""
    from knowledge.retrieval.search import KnowledgeRetriever

    return KnowledgeRetriever(
        store,
        folder=settings.home / "index",
        embedder=embedder or build_embedder(settings),
        vectors=build_vectors(settings, owner=owner),
        reranking=build_reranking(settings),
    )


def build_model(settings: Settings, *, warm: bool = False) -> Drafter | None:
    """The language model's drafter, None when no endpoint is set; `warm`: load its library now, not with the first."""
    if not settings.llm_base_url:
        return None
    from assistant.drafting.llm import llm_drafter
    from connectors.models.chat import chat_model

    chat = chat_model(
        settings.llm_base_url,
        settings.llm_api_key.get_secret_value(),
        settings.llm_model,
        structured=settings.llm_structured,
        timeout_s=settings.llm_timeout_s,
    )
    if warm:
        chat.warm_up()
    return llm_drafter(chat, context_tokens=settings.llm_context_tokens, timeout_s=settings.llm_timeout_s)


def build_pipeline(
    settings: Settings,
    store: KnowledgeStore,
    retriever: KnowledgeRetriever,
    gate: ComplianceGate,
    *,
    warm: bool = False,
) -> AnswerQuestion:
    """From a question to a gated draft; `warm` as in `build_model`."""
    from assistant.answering import AnswerQuestion
    from assistant.library import Library
    from assistant.wording import Messages

    return AnswerQuestion(
        retriever=retriever,
        library=Library(store),
        gate=gate,
        messages=Messages.load(),
        model=build_model(settings, warm=warm),
        top_k=settings.retrieval_top_k,
    )


def new_id() -> str:
    """32 hexadecimal digits that nothing else has."""
    return uuid.uuid4().hex


def build_services(
    settings: Settings,
    *,
    owner: bool = False,
    clock: Callable[[], datetime] = now,
    ids: Callable[[], str] = new_id,
) -> Services:
    """Build everything once. `owner`: this process owns the indexes and the SQLite file."""
    from assistant.asking import Asking
    from assistant.deciding import Deciding
    from assistant.middle_office import MiddleOffice
    from assistant.records.records import Records
    from connectors.services import Services
    from connectors.wecom.splitting import split_text
    from knowledge.stores.repository import KnowledgeStore

    records = Records.of(open_database(settings, owner=owner))
    store = KnowledgeStore(records.database)
    ingestor = build_ingestor(store)
    gate = load_gate()
    embedder = build_embedder(settings)
    retriever = build_retriever(settings, store, owner=owner, embedder=embedder)
    pipeline = build_pipeline(settings, store, retriever, gate, warm=owner)
    asking = Asking(
        records=records,
        pipeline=pipeline,
        ticket_due=timedelta(hours=settings.ticket_due_hours),
        code_version=code_version(),
        settings_fingerprint=settings_fingerprint(settings),
        new_id=ids,
    )
    return Services(
        settings=settings,
        home=settings.home,
        records=records,
        store=store,
        retriever=retriever,
        gate=gate,
        asking=asking,
        deciding=Deciding(records, gate, pipeline.library.product_names, ids),
        ingestor=ingestor,
        middle_office=MiddleOffice.of(records, store, ingestor, gate=gate, split=split_text, embedder=embedder),
        now=clock,
    )


def build_ingestor(store: KnowledgeStore) -> Ingestor:
    """Reads files into versions, personal data masked."""
    from assistant.masking import mask
    from knowledge.ingestion.ingest import Ingestor

    return Ingestor(store, mask=mask)


def settings_fingerprint(settings: Settings) -> str:
    """Short hash of all settings without their secrets; drafts carry it."""
    from assistant.settings import explain

    shown = "\n".join(f"{name}={value}" for name, value, _ in explain(settings, {}))
    return hashlib.sha256(shown.encode()).hexdigest()[:12]


@contextmanager
def opened(settings: Settings, *, owner: bool = False) -> Iterator[Services]:
    """Services for the time of one command."""
    services = build_services(settings, owner=owner)
    try:
        yield services
    finally:
        services.close()


def migrate(settings: Settings) -> str | None:
    """Bring the database to the schema of this code."""
    from assistant.records.migrate import upgrade

    database = open_database(settings)
    try:
        return upgrade(database)
    finally:
        database.close()


def load_sample(settings: Settings) -> dict[str, int]:
    """示例银行 into the database of these settings; idempotent. Returns counts."""
    from assistant.records.records import Records
    from assistant.sample_people import load_sample_people
    from knowledge.sample_bank import load_sample_knowledge, read_bank
    from knowledge.stores.repository import KnowledgeStore

    database = open_database(settings)
    try:
        people = load_sample_people(Records.of(database), read_bank(), now=now())
        counts = load_sample_knowledge(KnowledgeStore(database))
    finally:
        database.close()
    return {**asdict(people), "loaded": counts.loaded, "unchanged": counts.unchanged, "passages": counts.passages}


# -- web


def build_envelope(settings: Settings) -> Envelope:
    """The callback cryptography of the self-built app."""
    from connectors.wecom.envelope import Envelope

    return Envelope(
        settings.wecom_token.get_secret_value(),
        settings.wecom_aes_key.get_secret_value(),
        settings.wecom_corp_id,
        max_age_s=settings.wecom_max_age_s,
    )


def create_app(
    settings: Settings,
    records: Records,
    *,
    workers: Workers | None = None,
    local: LocalWeCom | None = None,
    clock: Callable[[], datetime] = now,
    services: Callable[[], Services] | None = None,
) -> FastAPI:
    """The web application; `local`: a demo with its phone page and a small WeCom of its own.

    `services` is called by the first request that needs more than records; without it they are built then.
    """
    from fastapi import FastAPI

    from connectors.api.api import api_app
    from connectors.built_once import BuiltOnce
    from connectors.console.console import console_app
    from connectors.health import health_router
    from connectors.mcp.door import mcp_door
    from connectors.wecom.callback import callback_router, unconfigured_router

    app = FastAPI(title="wainao", version=code_version(), docs_url=None, redoc_url=None)
    services = services or BuiltOnce(lambda: build_services(settings, clock=clock))
    app.mount("/console", console_app(services, secure=settings.console_secure))
    app.mount("/api/v1", api_app(services, version=code_version()))
    app.mount("/mcp", mcp_door(services))
    app.include_router(
        health_router(records, workers.alive if workers else lambda: 0, workers.wanted if workers else 0)
    )
    if settings.wecom_configured:
        envelope = build_envelope(settings)
        app.include_router(callback_router(envelope, records.inbox, agent_id=settings.wecom_agent_id, clock=clock))
        if local is not None:
            from connectors.phone.page import phone_router
            from connectors.wecom.local_server import create_local_wecom

            app.mount("/local-wecom", create_local_wecom(local))
            app.include_router(
                phone_router(settings.port, envelope, local, agent_id=settings.wecom_agent_id, clock=clock)
            )
    else:
        app.include_router(unconfigured_router())
    return app


def run_web(
    settings: Settings,
    *,
    local: LocalWeCom | None = None,
    announce: Callable[[], None] = lambda: None,
    listener: socket.socket | None = None,
) -> None:
    """Serve until stopped, with worker processes beside it. Raises: PortTaken, HomeInUse."""
    import uvicorn

    from assistant.records.records import Records
    from connectors.built_once import BuiltOnce
    from connectors.listening import listening_socket
    from connectors.supervisor import Workers, worker_command

    migrate(settings)
    records = Records.of(open_database(settings))
    lock = _take_over(settings, records)
    listener = listener or listening_socket(settings.host, settings.port)
    # Sending has a process of its own: beside drafting, which keeps Python busy, each call would wait for its turn.
    commands = [worker_command("drafting")] * settings.workers
    commands += [worker_command("sending")] if settings.wecom_configured else []
    commands.append(worker_command("loading"))
    workers = Workers(commands, handover=settings.handover())
    services = BuiltOnce(lambda: build_services(settings))
    app = create_app(settings, records, workers=workers, local=local, services=services)
    config = uvicorn.Config(app, host=settings.host, port=settings.port, log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    workers.start()
    try:
        announce()
        server.run(sockets=[listener])
    finally:
        workers.stop()
        lock.release()
        services.close()
        records.database.close()


def _take_over(settings: Settings, records: Records) -> FolderLock:
    """Own the data folder; what a killed predecessor had in hand is free at once rather than when its leases end.

    Services that share a PostgreSQL leave each other's leases alone. Raises: HomeInUse on SQLite.
    """
    from connectors.listening import HomeInUse
    from knowledge.retrieval.locking import FolderLock

    lock = FolderLock(settings.home / "serve.lock")
    owner = lock.acquire()
    if records.database.is_sqlite:
        if not owner:
            raise HomeInUse(str(settings.home))
        records.inbox.release_all(now=now())
        records.outbox.release_all(now=now())
        records.uploads.release_all()
    return lock


def serve() -> None:
    """`wainao serve`."""
    settings = load_settings()
    configure_logging(settings)
    from connectors.cli.running import announce_service

    run_web(settings, announce=lambda: announce_service(settings))


# -- worker


def build_talk(settings: Settings, services: Services) -> Talk:
    """The conversation with members."""
    from assistant.conversation import Talk
    from assistant.wording import Messages
    from connectors.wecom.splitting import split_text

    return Talk(
        asking=services.asking,
        deciding=services.deciding,
        messages=Messages.load(),
        split=split_text,
        ticket_hours=settings.ticket_due_hours,
        cards=settings.wecom_cards,
    )


def build_client(settings: Settings, records: Records, clock: Callable[[], datetime]) -> WorkClient:
    """The app's calls to WeCom."""
    from connectors.wecom.client import WorkClient

    return WorkClient(
        settings.wecom_corp_id,
        settings.wecom_secret.get_secret_value(),
        agent_id=settings.wecom_agent_id,
        api_base=settings.wecom_api_base,
        tokens=records.wecom_tokens,
        clock=clock,
    )


def build_drafting(settings: Settings, services: Services, drafters: Executor) -> DraftingLoop:
    """The loop from stored messages to queued answers."""
    from assistant.working import DraftingLoop
    from connectors.wecom.sending import WeComDirectory

    directory = WeComDirectory(build_client(settings, services.records, services.now))
    return DraftingLoop(services.records, build_talk(settings, services), directory, services.now, drafters)


def build_sending(
    settings: Settings, records: Records, senders: Executor, clock: Callable[[], datetime] = now
) -> SendingLoop:
    """The loop that sends what was queued."""
    from assistant.working import SendingLoop
    from connectors.wecom.sending import WeComSender

    client = build_client(settings, records, clock)
    return SendingLoop(
        records,
        WeComSender(client, settings.wecom_agent_id, settings.wecom_duplicate_check_s),
        clock,
        senders,
        settings.wecom_messages_per_minute,
        timedelta(seconds=settings.wecom_duplicate_check_s),
    )


def worker(work: str) -> None:
    """A worker process for `drafting`, `sending` or `loading`: works until its parent leaves."""
    import threading

    from assistant.settings import received
    from connectors.supervisor import leave_with_parent

    settings = received(sys.stdin.buffer.readline())
    configure_logging(settings)
    stop = threading.Event()
    leave_with_parent(stop.set)
    {"drafting": _draft_until, "sending": _send_until, "loading": _load_until}[work](settings, stop)


def _draft_until(settings: Settings, stop: threading.Event) -> None:
    import threading
    from concurrent.futures import ThreadPoolExecutor
    from functools import partial

    from assistant.working import run_until

    services = build_services(settings, owner=True)
    services.retriever.refresh()
    ignored = partial(_housekeeping, services, timedelta(hours=settings.decision_timeout_hours))
    housekeeping = threading.Thread(target=run_until, args=(stop, ignored), kwargs={"idle_s": HOUSEKEEPING_S})
    housekeeping.start()
    if settings.wecom_configured:
        threads = DRAFTING_THREADS_WITH_MODEL if settings.llm_base_url else DRAFTING_THREADS
        with ThreadPoolExecutor(threads) as drafters:
            run_until(stop, build_drafting(settings, services, drafters).step)
    stop.wait()
    housekeeping.join()
    services.close()


def _send_until(settings: Settings, stop: threading.Event) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from assistant.records.records import Records
    from assistant.working import run_until

    records = Records.of(open_database(settings))
    with ThreadPoolExecutor(SENDING_THREADS) as senders:
        run_until(stop, build_sending(settings, records, senders).step, gather_s=SENDING_GATHER_S)
    records.database.close()


def _load_until(settings: Settings, stop: threading.Event) -> None:
    from assistant.loading import Loading
    from assistant.records.records import Records
    from assistant.working import run_until
    from knowledge.ingestion.wording import reason_sentence
    from knowledge.stores.repository import KnowledgeStore

    records = Records.of(open_database(settings))
    loading = Loading(records, build_ingestor(KnowledgeStore(records.database)), reason_sentence)
    run_until(stop, lambda: loading.step(now()), idle_s=LOADING_IDLE_S)
    records.database.close()


def _housekeeping(services: Services, decision_timeout: timedelta) -> int:
    services.deciding.expire(now() - decision_timeout, now=now())
    services.middle_office.recalling.catch_up(now=now())
    return 0


# -- demo


def demo(port: int | None = None) -> None:
    """`wainao demo`: the sample bank, everything running, one drafted answer and where to look."""
    from connectors.cli.demo import show_demo
    from connectors.listening import listening_socket
    from connectors.phone.credentials import demo_credentials
    from connectors.wecom.local_state import LocalWeCom
    from knowledge.sample_bank import read_bank

    settings = load_settings()
    credentials = demo_credentials(settings.home)
    port = port or settings.port
    overrides: dict[str, Any] = {
        **credentials,
        "host": "127.0.0.1",
        "port": port,
        "wecom_api_base": f"http://127.0.0.1:{port}/local-wecom/cgi-bin/",
    }
    settings = type(settings)(**{**settings.model_dump(), **overrides})
    configure_logging(settings)
    listener = listening_socket(settings.host, port)
    migrate(settings)
    counts = load_sample(settings)
    members = {row.userid: row.name for row in read_bank().staff}
    local = LocalWeCom(
        corp_id=settings.wecom_corp_id,
        secret=settings.wecom_secret.get_secret_value(),
        agent_id=settings.wecom_agent_id,
        clock=now,
        members=members,
    )

    def announce() -> None:
        with opened(settings) as services:
            passwords = give_demo_passwords(services)
            show_demo(services, port=port, counts=counts, passwords=passwords)

    run_web(settings, local=local, announce=announce, listener=listener)


def give_demo_passwords(services: Services) -> dict[str, str]:
    """First passwords for the sample bank's middle office; accounts that have one keep it. Returns: by userid."""
    from assistant.signing_in import SigningIn
    from connectors.phone.credentials import demo_passwords

    staff = [member for member in services.records.staff.all() if member.source == "sample"]
    accounts = [member.userid for member in staff if member.role != "relationship_manager"]
    passwords = demo_passwords(services.home, accounts)
    signing_in = SigningIn(services.records)
    for userid, password in passwords.items():
        if services.records.accounts.password(userid) is None:
            signing_in.set_password(userid, password, by="demo", must_change=False, now=now())
    return passwords


# -- evaluation


@contextmanager
def evaluated_house(settings: Settings, *, seed: int, with_phone: bool) -> Iterator[House]:
    """示例银行 in a temporary home for the harness: exact vectors, a standing clock, ids that repeat.

    `with_phone`: the app is served on a free port and a small WeCom stands behind it.
    """
    import tempfile

    from connectors.wecom import rehearsal
    from evals.house import SeededIds, StandingClock

    with tempfile.TemporaryDirectory(prefix="wainao-eval-") as folder:
        own = settings.model_copy(update=_rehearsal_settings(Path(folder)))
        migrate(own)
        load_sample(own)
        clock, ids = StandingClock(now()), SeededIds(seed)
        services = build_services(own, clock=clock, ids=ids)
        services.retriever.refresh()
        try:
            if not with_phone:
                yield _house(own, services, ids, clock)
                return
            local = _local_wecom(own, clock)

            def app(port: int) -> FastAPI:
                nonlocal own
                own = own.model_copy(update={"wecom_api_base": f"http://127.0.0.1:{port}/local-wecom/cgi-bin/"})
                return create_app(own, services.records, local=local, clock=clock, services=lambda: services)

            with rehearsal.served(app, port=0) as address, _worked_off(own, services) as work:
                phone = rehearsal.RehearsalPhone(address, build_envelope(own), local, work)
                yield _house(own, services, ids, clock, phone)
        finally:
            services.close()


def _rehearsal_settings(home: Path) -> dict[str, Any]:
    from pydantic import SecretStr

    from connectors.wecom import rehearsal

    return {
        "home": home,
        "database_url": "",
        "chroma_url": "",
        "wecom_corp_id": rehearsal.CORP,
        "wecom_agent_id": rehearsal.AGENT,
        "wecom_secret": SecretStr(rehearsal.SECRET),
        "wecom_token": SecretStr(rehearsal.TOKEN),
        "wecom_aes_key": SecretStr(rehearsal.AES_KEY),
        "wecom_api_base": "http://127.0.0.1:1/local-wecom/cgi-bin/",
    }


def _local_wecom(settings: Settings, clock: Callable[[], datetime]) -> LocalWeCom:
    from connectors.wecom.local_state import LocalWeCom

    return LocalWeCom(settings.wecom_corp_id, settings.wecom_secret.get_secret_value(), settings.wecom_agent_id, clock)


@contextmanager
def _worked_off(settings: Settings, services: Services) -> Iterator[Callable[[], None]]:
    """What drafts and sends everything that is due, in this process."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        drafting = build_drafting(settings, services, pool)
        sending = build_sending(settings, services.records, pool, services.now)

        def work() -> None:
            while drafting.step() or sending.step():
                pass

        yield work


def _house(
    settings: Settings,
    services: Services,
    ids: SeededIds,
    clock: StandingClock,
    phone: RehearsalPhone | None = None,
) -> House:
    from evals.house import House

    return House(
        records=services.records,
        store=services.store,
        retriever=services.retriever,
        gate=services.gate,
        asking=services.asking,
        talk=build_talk(settings, services),
        ids=ids,
        clock=clock,
        embedder_id=services.retriever.status.embedder_id,
        settings={name: str(getattr(settings, name)) for name in EVALUATED_SETTINGS},
        phone=phone,
    )


def evaluations() -> Evaluations:
    """What the `eval` commands run."""
    from assistant.cases import ResultsFolder
    from evals.commands import Evaluations

    settings = load_settings()
    return Evaluations(
        results=ResultsFolder(settings.home / "results"),
        open_house=lambda with_phone: evaluated_house(settings, seed=EVALUATION_SEED, with_phone=with_phone),
        now=now,
    )


# -- command line


def configure_logging(settings: Settings) -> None:
    """Events, ids and durations to standard error; never texts."""
    from connectors.logs import EventFormatter

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(EventFormatter())
    logging.basicConfig(level=settings.log_level, handlers=[handler])
    for noisy in ("alembic", "httpx", "httpx2", "chromadb", "urllib3", "pdfminer"):
        logging.getLogger(noisy).setLevel(logging.ERROR)


def eval_retrieval(corpus: Path, queries: Path, qrels: Path, aliases: bool) -> dict[str, Any]:
    """`wainao eval retrieval`: the harness over any set, in a temporary folder of its own."""
    from evals.retrieval import measure

    return measure(corpus, queries, qrels, aliases=aliases)


def gallery(out: Path) -> dict[str, int]:
    """`wainao eval gallery`: what is drafted today for the sample bank, in a temporary home of its own."""
    import tempfile

    from evals.gallery import render

    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings().model_copy(update={"home": Path(folder), "database_url": ""})
        migrate(settings)
        load_sample(settings)
        with opened(settings) as services:
            page, counts = render(services.asking, now=now)
    out.write_text(page, encoding="utf-8")
    return asdict(counts)


def explain_settings() -> list[tuple[str, str, str]]:
    """Each setting with its value (secrets masked) and its source."""
    from assistant.settings import explain, values_by_source

    return explain(load_settings(), values_by_source())


def reindex() -> Any:
    """Build every derived index anew from the database."""
    import shutil

    from knowledge.retrieval.locking import FolderLock

    settings = load_settings()
    lexical = settings.home / "index" / "lexical"
    for folder, lock_file in ((settings.home / "chroma", settings.home / "chroma.lock"), (lexical, lexical / "lock")):
        lock = FolderLock(lock_file)
        if lock.acquire():  # else its owner keeps it whole by itself
            shutil.rmtree(folder, ignore_errors=True)
            lock.release()
    with opened(settings, owner=True) as services:
        services.retriever.refresh()
        return services.retriever.status


@contextmanager
def open_services() -> Iterator[Services]:
    """Services for one command, with the settings in force."""
    with opened(load_settings()) as services:
        yield services


def main() -> None:
    """The console script."""
    if sys.argv[1:2] == ["worker"]:
        worker(sys.argv[2])
        return
    from connectors.cli.door import Runners
    from connectors.cli.main import build_cli

    runners = Runners(
        demo=demo,
        serve=serve,
        migrate=lambda: migrate(load_settings()),
        reindex=reindex,
        eval_retrieval=eval_retrieval,
        gallery=gallery,
        evaluations=evaluations,
        load_settings=load_settings,
        load_gate=load_gate,
        explain_settings=explain_settings,
        now=now,
    )
    build_cli(open_services, runners)()


if __name__ == "__main__":
    main()
