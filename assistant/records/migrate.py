"""Bring a database to the schema of this code, from an installed package, without alembic.ini."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from knowledge.errors import DatabaseNotMigrated
from knowledge.stores.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0002"


def upgrade(database: Database) -> str | None:
    """Apply what is missing, alone: others wait until it is done.

    Returns: the revision it came from (None: there was no schema), or HEAD when nothing was to do.
    Raises: DatabaseUnavailable; DatabaseNotMigrated when the schema is newer than this code.
    """
    if current_revision(database) == HEAD:
        return HEAD
    from alembic import command  # slow to import, and rarely needed

    with database.migrating() as conn:
        before = _revision(conn)
        if before == HEAD:
            return HEAD
        if before is not None and before not in known_revisions():
            raise DatabaseNotMigrated(revision=before)
        command.upgrade(_config(conn), "head")
        return before


def current_revision(database: Database) -> str | None:
    """The revision of the schema; None: no schema yet."""
    with database.reading() as conn:
        return _revision(conn)


def known_revisions() -> set[str]:
    """Every revision this code can start from."""
    from alembic.script import ScriptDirectory

    return {script.revision for script in ScriptDirectory.from_config(_config(None)).walk_revisions()}


def _revision(conn: Connection) -> str | None:
    if not inspect(conn).has_table("alembic_version"):
        return None
    return conn.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _config(conn: Connection | None) -> Config:
    from alembic.config import Config

    config = Config()
    folder = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = conn
    return config
