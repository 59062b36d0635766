"""The small bank behind the API, made once for reading and anew for what changes it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.connectors.api.house import ApiHouse, open_house


@pytest.fixture
def house(migrated_file: Path, tmp_path: Path) -> Iterator[ApiHouse]:
    """A bank of this test alone."""
    shutil.copy(migrated_file, tmp_path / "wainao.db")
    with open_house(tmp_path / "home", f"sqlite:///{tmp_path}/wainao.db") as opened:
        yield opened


@pytest.fixture(scope="module")
def still_house(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    """A bank that no test changes."""
    folder = tmp_path_factory.mktemp("api")
    shutil.copy(migrated_file, folder / "wainao.db")
    with open_house(folder / "home", f"sqlite:///{folder}/wainao.db") as opened:
        yield opened
