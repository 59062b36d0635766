"""The same commands on a real PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.masking import mask
from tests.fakes import PostgresServer
from tests.unit.connectors.cli.house import House


@pytest.fixture
def postgres_house(postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.chdir(tmp_path)
    url = postgres.new_url(migrated=False)
    yield House(tmp_path / "home", {"database_url": url})
    postgres.drop(url)


def test_the_road_from_sample_to_export_and_back_to_sqlite(postgres_house: House, tmp_path: Path) -> None:
    house = postgres_house
    assert house.json("sample", "load")["documents_loaded"] > 100
    draft = house.json("ask", "客户问：稳盈90天能提前取吗", "--as", "rm001")
    house.told("decide", draft["draft_id"], "accepted", "--as", "rm001")
    [line] = house.run("export", "feedback").stdout.splitlines()
    assert json.loads(line)["final_text"] == mask(draft["text"])
    house.told("evidence", draft["draft_id"], "--out", tmp_path / "pack")
    states = {check["check"]: check["state"] for check in house.json("doctor")["checks"]}
    assert states["database"] == states["index"] == "good"
    assert "sqlite" not in states
    made = house.json("backup", tmp_path / "b.tar.gz")
    moved = House(tmp_path / "sqlite")
    assert moved.json("restore", tmp_path / "b.tar.gz")["rows"] == made["rows"]
    assert moved.json("audit", "verify")["head"] == house.json("audit", "verify")["head"]
