from __future__ import annotations

import warnings
from typing import Any

import pytest
from sqlalchemy import inspect, text

from assistant.records.migrate import HEAD, current_revision, known_revisions, upgrade
from assistant.records.tables import metadata
from knowledge.errors import DatabaseNotMigrated
from knowledge.stores.database import Database
from knowledge.stores.repository import KnowledgeStore
from tests.conftest import DatabaseFactory


def schema(database: Database) -> dict[str, Any]:
    with database.reading() as conn, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inspector = inspect(conn)
        return {
            table: {
                "columns": [
                    (c["name"], str(c["type"]), c["nullable"], c["default"]) for c in inspector.get_columns(table)
                ],
                "key": inspector.get_pk_constraint(table),
                "unique": sorted(map(str, inspector.get_unique_constraints(table))),
                "foreign": sorted(map(str, inspector.get_foreign_keys(table))),
                "indexes": sorted(readable(index) for index in inspector.get_indexes(table)),
            }
            for table in inspector.get_table_names()
            if table != "alembic_version"
        }


def readable(index: Any) -> str:
    options = {key: str(value) for key, value in index.pop("dialect_options", {}).items()}
    return f"{sorted(index.items())} {sorted(options.items())}"


def test_a_migrated_database_equals_the_tables_in_the_code(new_database: DatabaseFactory) -> None:
    upgraded, made = new_database(migrated=False), new_database(migrated=False)
    upgrade(upgraded)
    with made.migrating() as conn:
        metadata.create_all(conn)
    found = schema(upgraded)
    assert found.keys() == set(metadata.tables)
    assert found == schema(made)


def test_upgrading_twice_changes_nothing(new_database: DatabaseFactory) -> None:
    database = new_database(migrated=False)
    assert current_revision(database) is None
    assert upgrade(database) is None
    assert upgrade(database) == HEAD
    assert current_revision(database) == HEAD


def test_the_head_named_in_the_code_is_the_newest_revision() -> None:
    assert max(known_revisions()) == HEAD


def test_a_database_of_newer_code_is_refused(new_database: DatabaseFactory) -> None:
    database = new_database()
    with database.writing() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseNotMigrated):
        upgrade(database)


def test_a_database_without_tables_says_what_to_do(new_database: DatabaseFactory) -> None:
    with pytest.raises(DatabaseNotMigrated):
        KnowledgeStore(new_database(migrated=False)).revision()


def test_two_new_databases_do_not_share_a_revision(new_database: DatabaseFactory) -> None:
    one, other = new_database(migrated=False), new_database(migrated=False)
    upgrade(one)
    upgrade(other)
    assert KnowledgeStore(one).revision() != KnowledgeStore(other).revision()
