"""What `doctor` looks at. Each examination says how things stand, never raises, and changes nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

from assistant.records.migrate import HEAD, current_revision
from assistant.settings import Settings
from connectors.cli.door import Door
from connectors.cli.endpoints import model, wecom
from connectors.cli.examined import Examined, State
from connectors.cli.failing import told_as
from connectors.services import Services
from knowledge.stores.database import Database

LOW_DISK_MB, NO_DISK_MB = 1024, 200
SKEW = timedelta(minutes=1)
# The WAL-reset race is fixed in these lines of SQLite and in everything newer: minor version -> first fixed patch.
FIXED_SQLITE = {44: 6, 50: 7, 51: 3}


def examine(door: Door) -> list[Examined]:
    """Every examination, in the order in which one rests on the other."""
    try:
        settings = door.run.load_settings()
    except (ValueError, OSError) as exc:
        return [Examined("settings", State.PROBLEM, "invalid", {"problem": told_as(exc) or type(exc).__name__})]
    results = [Examined("settings", State.GOOD, "good"), home(settings.home)]
    found = list(database(settings))
    results += found
    if not any(result.state is not State.GOOD and result.check == "database" for result in found):
        results += inside(door)
    return [*results, model(settings), *wecom(settings, now=door.run.now())]


def home(folder: Path) -> Examined:
    """Whether the data folder can be written, and how much room there is."""
    there = folder.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return Examined("home", State.PROBLEM, "not_writable", {"path": folder})
    free = shutil.disk_usage(there).free // (1024 * 1024)
    state = State.PROBLEM if free < NO_DISK_MB else State.NOTICE if free < LOW_DISK_MB else State.GOOD
    return Examined("home", state, "good" if state is State.GOOD else "low", {"path": folder, "free": free})


def database(settings: Settings) -> Iterator[Examined]:
    """Whether the database answers, has our schema, and is sound."""
    try:
        opened = Database(settings.database, patience_s=3)
    except ValueError:
        yield Examined("database", State.PROBLEM, "url")
        return
    try:
        if opened.is_sqlite and not Path(opened.url.database or "").exists():
            yield Examined("database", State.NOTICE, "absent")
        else:
            yield _schema(opened)
            if opened.is_sqlite:
                yield _sound(opened)
    except Exception as exc:
        told = told_as(exc)
        if told is None:
            raise
        yield Examined("database", State.PROBLEM, "unavailable", {"problem": told})
    finally:
        opened.close()
    if opened.is_sqlite:
        yield sqlite_library()


def _schema(opened: Database) -> Examined:
    engine, revision = opened.check(), current_revision(opened)
    if revision is None:
        return Examined("database", State.NOTICE, "empty", {"engine": engine})
    state = State.GOOD if revision == HEAD else State.PROBLEM
    slots = {"engine": engine, "revision": revision, "head": HEAD}
    return Examined("database", state, "good" if state is State.GOOD else "revision", slots)


def _sound(opened: Database) -> Examined:
    with opened.reading() as conn:
        said = str(conn.execute(text("PRAGMA quick_check(1)")).scalar_one())
    if said == "ok":
        return Examined("soundness", State.GOOD, "good")
    return Examined("soundness", State.PROBLEM, "damaged")


def sqlite_library(version: tuple[int, ...] | None = None) -> Examined:
    """Whether this SQLite has the rare race of several connections resetting the write-ahead log."""
    import sqlite3

    here = version or sqlite3.sqlite_version_info
    fixed = here >= (3, 52) or (here[0] == 3 and here[1] in FIXED_SQLITE and here[2] >= FIXED_SQLITE[here[1]])
    state = State.GOOD if fixed or here < (3, 7) else State.NOTICE
    key = "good" if state is State.GOOD else "race"
    return Examined("sqlite", state, key, {"version": ".".join(map(str, here))})


def inside(door: Door) -> Iterator[Examined]:
    """What only opened services can tell: index, embedder, contents, clock."""
    looks: tuple[Callable[[Services], Examined], ...] = (index, contents, people, clock)
    try:
        with door.open_services() as services:
            for look in looks:
                yield look(services)
    except Exception as exc:
        told = told_as(exc)
        if told is None:
            raise
        yield Examined("index", State.PROBLEM, "unavailable", {"problem": told})


def index(services: Services) -> Examined:
    """Whether retrieval is in step with the database."""
    services.retriever.refresh()
    status, revision = services.retriever.status, services.store.revision()
    slots = {"passages": status.passages, "embedder": status.embedder_id, "revision": status.revision}
    if status.revision != revision:
        return Examined("index", State.NOTICE, "behind", slots)
    return Examined("index", *((State.GOOD, "good") if status.vectors_ready else (State.NOTICE, "no_vectors")), slots)


def contents(services: Services) -> Examined:
    """Whether there is anything to answer from."""
    count = services.retriever.status.passages
    if count == 0:
        return Examined("contents", State.NOTICE, "empty")
    return Examined("contents", State.GOOD, "good", {"passages": count})


def people(services: Services) -> Examined:
    """Who is registered, and whether the sample bank's people are mixed with real ones."""
    sources = [member.source for member in services.records.staff.all() if member.active]
    slots = {"count": len(sources), "sample": sources.count("sample")}
    if not sources:
        return Examined("people", State.NOTICE, "nobody")
    mixed = "sample" in sources and services.settings.wecom_configured
    return Examined("people", *((State.NOTICE, "mixed") if mixed else (State.GOOD, "good")), slots)


def clock(services: Services) -> Examined:
    """Whether this machine's clock stands before what was logged already."""
    newest = services.records.audit.tail(limit=1)
    if newest and newest[0].at - services.now() > SKEW:
        return Examined("clock", State.PROBLEM, "behind", {"newest": newest[0].at.isoformat(timespec="seconds")})
    return Examined("clock", State.GOOD, "good")
