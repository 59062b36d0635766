"""Data sets as they stand on disk."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from evals.cases import DATASETS, DatasetInvalid, read_dataset
from evals.tasking import NAMES, load_task

CASE: dict[str, Any] = {
    **{"id": "a", "split": "dev", "source": "s", "author": "w"},
    **{"created": "2026-11-23", "on": "2026-11-23", "text": "您好"},
}


def write(root: Path, *cases: dict[str, Any], name: str = "gate", version: str = "v1") -> Path:
    folder = root / name / version
    folder.mkdir(parents=True)
    data = "".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases).encode()
    (folder / "cases.jsonl").write_bytes(data)
    (folder / "SHA256").write_text(hashlib.sha256(data).hexdigest() + "  cases.jsonl\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_every_task_has_its_data_with_a_card_and_the_right_hash(name: str) -> None:
    dataset = read_dataset(name)
    assert dataset.card.strip()
    assert dataset.of_split("test")
    assert dataset.of_split("dev")
    assert len({case.source for case in dataset.cases}) > 5


@pytest.mark.parametrize("name", NAMES)
def test_gates_name_metrics_of_their_task(name: str) -> None:
    task = load_task(name)
    assert task.headline
    for gate in task.definition.gates:
        assert gate.metric in task.definition.metrics
        assert (gate.at_least, gate.at_most, gate.below, gate.not_worse_by) != (None, None, None, None)


def test_dev_and_test_questions_are_never_the_same() -> None:
    for name in ("retrieval", "drafting", "decisions"):
        cases = read_dataset(name).cases
        asked = {split: {str(c.model_dump()) for c in cases if c.split == split} for split in ("dev", "test")}
        assert not asked["dev"] & asked["test"]


def test_the_newest_version_is_read(tmp_path: Path) -> None:
    write(tmp_path, CASE)
    write(tmp_path, CASE, {**CASE, "id": "b"}, version="v10")
    assert (read_dataset("gate", tmp_path).version, len(read_dataset("gate", tmp_path).cases)) == ("v10", 2)


def test_a_changed_case_without_a_new_version_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path, CASE)
    (folder / "cases.jsonl").write_text(json.dumps({**CASE, "text": "别的"}), encoding="utf-8")
    with pytest.raises(DatasetInvalid, match="hash"):
        read_dataset("gate", tmp_path)


@pytest.mark.parametrize(
    ("case", "said"),
    [({**CASE, "must_nto": []}, "must_nto"), ({**CASE, "split": "train"}, "split"), ({"id": "a"}, "Field required")],
)
def test_a_line_that_breaks_the_schema_is_named(tmp_path: Path, case: dict[str, Any], said: str) -> None:
    write(tmp_path, CASE, {**case, "id": "b"})
    with pytest.raises(DatasetInvalid, match=said) as raised:
        read_dataset("gate", tmp_path)
    assert ":2" in str(raised.value)


def test_an_id_that_stands_twice_is_refused(tmp_path: Path) -> None:
    write(tmp_path, CASE, CASE)
    with pytest.raises(DatasetInvalid, match="twice"):
        read_dataset("gate", tmp_path)


def test_a_set_that_is_absent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid):
        read_dataset("gate", tmp_path)


def test_no_set_lies_about_where_it_stands() -> None:
    for path in DATASETS.rglob("SHA256"):
        data = path.with_name("cases.jsonl").read_bytes()
        assert path.read_text(encoding="utf-8").split()[0] == hashlib.sha256(data).hexdigest(), path
