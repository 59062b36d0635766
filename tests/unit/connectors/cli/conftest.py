"""The sample bank, loaded once by the command itself; each test gets a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.unit.connectors.cli.house import House


@pytest.fixture(scope="session")
def sample_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the sample bank."""
    house = House(tmp_path_factory.mktemp("sample") / "home")
    house.told("sample", "load")
    return house.home


@pytest.fixture
def house(sample_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A house with the sample bank in it, of this test alone."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(sample_home, tmp_path / "home")
    return House(tmp_path / "home")


@pytest.fixture
def bare_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A house whose data folder does not exist yet."""
    monkeypatch.chdir(tmp_path)
    return House(tmp_path / "home")
