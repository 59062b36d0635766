"""The one door to the database: SQLite in one file, or PostgreSQL.

A write is one transaction, committed when the block ends and on disk by then. A read sees one snapshot.

SQLite up to 3.51.2 can lose a commit when one connection checkpoints the write-ahead log at the moment another
one restarts it. So a process writes through one connection, processes take turns by a lock file, and a checkpoint
happens only inside such a turn, in the process that owns the folder (`checkpoints=True`).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from knowledge.errors import DatabaseNotMigrated, DatabaseUnavailable
from knowledge.stores.columns import dump_json

_PAGES_PER_CHECKPOINT = 1000
_LOG_BYTES_KEPT = 64 * 1024 * 1024
_MIGRATION_LOCK = 7_201_126  # any fixed number; PostgreSQL's advisory lock while the schema changes


class Database:
    """Connections of one process to one database; safe to share between threads.

    Args:
        url: `sqlite:///relative.db`, `sqlite:////absolute.db` or `postgresql://...`.
        checkpoints: True only in the process that owns the SQLite file (`serve`, `demo`); ignored on PostgreSQL.
        patience_s: longest wait for a lock or a free connection before DatabaseUnavailable.
    """

    def __init__(self, url: str, *, checkpoints: bool = False, patience_s: float = 10.0, pool_size: int = 8) -> None:
        self.url = _understood(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._patience_s = patience_s
        if self.is_sqlite:
            path = Path(self.url.database or "").absolute()
            self._turn: _Turn | None = _Turn(path, patience_s)
            self._writer = _sqlite_engine(path, patience_s, 1, writes=True, checkpoints=checkpoints)
            self._reader = _sqlite_engine(path, patience_s, pool_size, writes=False, checkpoints=False)
        else:
            self._turn = None
            self._writer = _postgres_engine(self.url, patience_s, pool_size)
            self._reader = self._writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for reads, all from one snapshot. Raises DatabaseUnavailable."""
        with _translated(), self._reader.connect() as conn:
            yield conn

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, committed when the block ends, rolled back when it raises. Raises DatabaseUnavailable.

        Keep it short and never open a second one inside it: on SQLite there is one writer at a time.
        """
        with _translated():
            if self._turn is None:
                with self._writer.begin() as conn:
                    yield conn
            else:
                with self._turn, self._writer.begin() as conn:
                    yield conn

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """A writing transaction that no other migration shares; foreign keys are not enforced in it on SQLite."""
        with _translated():
            if self._turn is None:
                with self._writer.begin() as conn:
                    conn.execute(text("SET LOCAL lock_timeout = '120s'"))
                    conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
                    yield conn
            else:
                with self._turn, self._foreign_keys_off(), self._writer.begin() as conn:
                    yield conn

    @contextmanager
    def _foreign_keys_off(self) -> Iterator[None]:
        self._pragma("foreign_keys=OFF")  # has no effect inside a transaction, so before and after it
        try:
            yield
        finally:
            self._pragma("foreign_keys=ON")

    def _pragma(self, words: str) -> None:
        raw = self._writer.raw_connection()
        try:
            raw.cursor().execute(f"PRAGMA {words}")
        finally:
            raw.close()

    def check(self) -> str:
        """The engine with its version, after a round trip. Raises DatabaseUnavailable."""
        with self.reading() as conn:
            if self.is_sqlite:
                return f"SQLite {conn.execute(text('SELECT sqlite_version()')).scalar_one()}"
            return f"PostgreSQL {conn.execute(text('SHOW server_version')).scalar_one()}"

    def close(self) -> None:
        """Close every connection; the next use opens them again."""
        self._reader.dispose()
        self._writer.dispose()
        if self._turn is not None:
            self._turn.close()


class _Turn:
    """Who may write to one SQLite file now: one thread of one process. The kernel frees it when a process dies.

    Processes stand in line: who holds the second lock is the next. Without it the one that lets go mostly takes the
    turn again, and a callback waits for seconds beside a busy worker.
    """

    def __init__(self, path: Path, patience_s: float) -> None:
        self._paths = (path.with_name(path.name + ".turn"), path.with_name(path.name + ".next"))
        self._patience_s = patience_s
        self._threads = threading.Lock()
        self._holder: int | None = None
        self._files: tuple[int, ...] = ()

    def __enter__(self) -> None:
        me = threading.get_ident()
        if self._holder == me:
            raise RuntimeError("a writing block inside a writing block would wait for itself")
        deadline = time.monotonic() + self._patience_s
        if not self._threads.acquire(timeout=self._patience_s):
            raise DatabaseUnavailable(reason="locked")
        try:
            self._lock_file(deadline)
        except BaseException:
            self._threads.release()
            raise
        self._holder = me

    def __exit__(self, *_: object) -> None:
        self._holder = None
        try:
            if self._files:
                fcntl.flock(self._files[0], fcntl.LOCK_UN)
        finally:
            self._threads.release()

    def _lock_file(self, deadline: float) -> None:
        try:
            if not self._files:
                self._paths[0].parent.mkdir(parents=True, exist_ok=True)
                self._files = tuple(os.open(path, os.O_CREAT | os.O_RDWR, 0o600) for path in self._paths)
            turn, following = self._files
            _flock(following, deadline)
            try:
                _flock(turn, deadline)
            finally:
                fcntl.flock(following, fcntl.LOCK_UN)
        except OSError as exc:
            raise DatabaseUnavailable(reason=exc.strerror or "unreachable") from exc

    def close(self) -> None:
        with self._threads:
            for file in self._files:
                os.close(file)
            self._files = ()


def _flock(file: int, deadline: float) -> None:
    """Take the lock of an open file. Raises: DatabaseUnavailable at the deadline."""
    wait_s = 0.0002
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(reason="locked") from None
            time.sleep(wait_s)
            wait_s = min(wait_s * 2, 0.002)


def _understood(url: str) -> URL:
    """The url with our drivers filled in. Raises ValueError for any other kind of database."""
    try:
        parsed = make_url(url)
    except ArgumentError as exc:
        raise ValueError("the database url cannot be read: use sqlite:///file.db or postgresql://...") from exc
    backend = parsed.get_backend_name()
    if backend == "sqlite" and parsed.database and parsed.database != ":memory:":
        return parsed
    if backend in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    raise ValueError("only sqlite:///file.db and postgresql://... databases are supported")


def _sqlite_engine(path: Path, patience_s: float, size: int, *, writes: bool, checkpoints: bool) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": patience_s, "check_same_thread": False},
        pool_size=size,
        max_overflow=0 if writes else 2 * size,
        pool_timeout=patience_s,
        json_serializer=dump_json,
    )
    words = ["synchronous=FULL", f"wal_autocheckpoint={_PAGES_PER_CHECKPOINT if checkpoints else 0}"]
    if writes:
        words = ["journal_mode=WAL", *words, "foreign_keys=ON", f"journal_size_limit={_LOG_BYTES_KEPT}"]
    else:
        words.append("query_only=ON")

    def make_room(*_: object) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Customer notes: nobody else's business. Never open a file that is there: closing it would drop the locks that
        # SQLite holds on it for the other connections of this process (POSIX locks belong to the process).
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))

    def prepare(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # so that BEGIN is ours to say
        for pragma in words:
            connection.execute(f"PRAGMA {pragma}").close()

    def begin(conn: Connection) -> None:
        conn.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "do_connect", make_room)
    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)
    return engine


def _postgres_engine(url: URL, patience_s: float, size: int) -> Engine:
    milliseconds = int(patience_s * 1000)
    return create_engine(
        url,
        connect_args={
            "connect_timeout": max(2, int(patience_s)),
            "options": f"-c timezone=UTC -c lock_timeout={milliseconds} -c idle_in_transaction_session_timeout=300000",
        },
        pool_size=size,
        max_overflow=2 * size,
        pool_timeout=patience_s,
        pool_pre_ping=True,
        json_serializer=dump_json,
    )


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what the drivers say when the database cannot serve into our errors; leave programming errors alone."""
    try:
        yield
    except PoolTimeout as exc:
        raise DatabaseUnavailable(reason="no free connection") from exc
    except DBAPIError as exc:
        error = _meaning(exc.orig, exc.connection_invalidated)
        if error is None:
            raise
        raise error from exc
    except OSError as exc:
        raise DatabaseUnavailable(reason=exc.strerror or "unreachable") from exc


def _meaning(orig: Any, gone: bool) -> DatabaseUnavailable | None:
    if isinstance(orig, sqlite3.Error):
        return _sqlite_meaning(orig)
    state = getattr(orig, "sqlstate", None)
    if state in {"42P01", "42703"}:  # undefined table, undefined column
        return DatabaseNotMigrated()
    # SQL state classes: 08 connection, 40 rollback, 53 resources, 55 locks, 57 operator, 58 system; none: not connected
    if gone or (state is None and type(orig).__name__ == "OperationalError"):
        return DatabaseUnavailable(reason="unreachable")
    if state == "25006" or (state or "")[:2] in {"08", "40", "53", "55", "57", "58"}:
        return DatabaseUnavailable(reason=str(state))
    return None


def _sqlite_meaning(orig: sqlite3.Error) -> DatabaseUnavailable | None:
    said = str(orig)
    if said.startswith(("no such table", "no such column")) or " has no column named " in said:
        return DatabaseNotMigrated()
    for words in ("locked", "full", "readonly", "unable to open", "I/O error", "malformed", "not a database"):
        if words in said:
            return DatabaseUnavailable(reason=said)
    return None
