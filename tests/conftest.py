"""What every test shares: no network, and a fresh database on each engine."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.records.migrate import upgrade
from assistant.records.records import Records
from knowledge.stores.database import Database
from tests.fakes import PostgresServer

ENGINES = ("sqlite", "postgresql")
DatabaseFactory = Callable[..., Database]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failure: what is not run there is not known."""
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if not skipped or os.environ.get("CI", "").lower() not in ("1", "true"):
        return
    reporter.write_line("")
    for report in skipped:
        reporter.write_line(f"skipped in CI: {report.nodeid}: {report.longrepr[2]}", red=True)
    if session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only this machine may be reached."""
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_here(str(address[0])):
            raise AssertionError(f"a test tried to reach {address[0]}")
        connect(self, address)

    def guarded_resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host is not None and not _is_here(host.decode() if isinstance(host, bytes) else str(host)):
            raise AssertionError(f"a test tried to look up {host}")
        return resolve(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_resolve)


def _is_here(host: str) -> bool:
    if host in ("localhost", ""):
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL for the whole run, started when the first test asks for it."""
    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    database.close()
    return path


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The engine of this test; override by parametrising it with one of ENGINES."""
    return str(request.param)


@pytest.fixture
def new_database(request: pytest.FixtureRequest, engine: str, tmp_path: Path) -> Iterator[DatabaseFactory]:
    """Makes fresh databases: `new_database()` is migrated, `new_database(migrated=False)` is empty.

    Other arguments go to Database. `engine=` makes one on another engine than the test's.
    """
    opened: list[Database] = []
    urls: list[str] = []

    def make(*, migrated: bool = True, engine: str = engine, **options: Any) -> Database:
        if engine == "sqlite":
            path = tmp_path / f"wainao-{len(opened)}.db"
            if migrated:
                shutil.copy(request.getfixturevalue("migrated_file"), path)
            opened.append(Database(f"sqlite:///{path}", **options))
            return opened[-1]
        server: PostgresServer = request.getfixturevalue("postgres")
        urls.append(server.new_url(migrated=migrated))
        opened.append(Database(urls[-1], **options))
        return opened[-1]

    yield make
    for database in opened:
        database.close()
    for url in urls:
        request.getfixturevalue("postgres").drop(url)


@pytest.fixture
def database(new_database: DatabaseFactory) -> Database:
    """A migrated, empty database, once on each engine."""
    return new_database()


@pytest.fixture
def records(database: Database) -> Records:
    """The records kept in `database`."""
    return Records.of(database)
