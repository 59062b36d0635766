"""The sample bank, loaded once; records in a fresh copy for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.records.records import Records
from knowledge.stores.database import Database
from tests.house import Bank, Chat, fill, talk_of


@pytest.fixture(scope="session")
def filled_file(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file that holds the sample bank, to be copied."""
    path = tmp_path_factory.mktemp("bank") / "filled.db"
    shutil.copy(migrated_file, path)
    database = Database(f"sqlite:///{path}")
    fill(database)
    with database.writing() as conn:
        conn.exec_driver_sql("ANALYZE")
    database.close()
    return path


@pytest.fixture(scope="session")
def bank(filled_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    """The pipeline over the sample bank, read only."""
    folder = tmp_path_factory.mktemp("pipeline")
    shutil.copy(filled_file, folder / "bank.db")
    database = Database(f"sqlite:///{folder / 'bank.db'}")
    opened = Bank.open(database, folder / "index")
    yield opened
    opened.retriever.close()
    database.close()


@pytest.fixture
def bank_records(filled_file: Path, tmp_path: Path) -> Iterator[Records]:
    """Records with the sample bank's people, of this test alone."""
    shutil.copy(filled_file, tmp_path / "records.db")
    database = Database(f"sqlite:///{tmp_path / 'records.db'}")
    yield Records.of(database)
    database.close()


@pytest.fixture
def chat(bank: Bank, bank_records: Records) -> Chat:
    """A relationship manager's chat with the assistant."""
    return Chat(bank_records, talk_of(bank, bank_records))
