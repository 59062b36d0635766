"""Hostile files beside a served app: those that are done with quickly; `make bench-hostile` tries all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.documents import Passage
from knowledge.ingestion.ingest import Ingestor, Outcome
from knowledge.stores.database import Database
from knowledge.stores.repository import KnowledgeStore
from tests.hostile.generate import hostile_files
from tests.hostile.office import INSTRUCTIONS
from tests.hostile.run import UPLOAD, summary, trial, try_all


def test_quick_hostile_files_are_refused_or_harmless_while_the_service_answers() -> None:
    tried = try_all(hostile_files(slow=False), lambda one: None)
    assert [(one.name, one.outcome, one.problems) for one in tried if one.problems] == [], summary(tried)
    assert len(tried) >= 100


def test_there_are_many_hostile_files_and_each_is_the_same_every_time() -> None:
    assert len(hostile_files()) >= 150
    quick = [case for case in hostile_files(slow=False) if case.name.endswith((".txt", ".pdf"))]
    assert [case.make() for case in quick] == [case.make() for case in quick]


@pytest.mark.parametrize("suffix", [".txt", ".md", ".csv", ".html"])
def test_text_that_speaks_to_the_assistant_is_a_passage_like_any_other(suffix: str, tmp_path: Path) -> None:
    with trial(tmp_path) as running:
        said = {case.name: case for case in hostile_files(slow=False)}[f"对助手说话{suffix}"]
        plain = _passages(running.database, tmp_path / f"甲{suffix}", said.make())
        calm = said.make().replace(INSTRUCTIONS.encode(), "存款利率以公示为准。".encode())
        assert len(plain) == len(_passages(running.database, tmp_path / f"乙{suffix}", calm))
        assert any("忽略以上所有规则" in passage.text for passage in plain)


def _passages(database: Database, file: Path, data: bytes) -> list[Passage]:
    file.write_bytes(data)
    store = KnowledgeStore(database)
    (result,) = Ingestor(store).ingest_paths([file], UPLOAD)
    assert result.outcome is Outcome.LOADED
    return store.passages_of(result.version_ids[0])
