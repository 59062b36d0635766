"""Every failure has a Chinese sentence with what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

import assistant.errors
import assistant.records.errors
import knowledge.errors
from assistant.errors import AssistantError
from assistant.records.errors import RecordsError
from assistant.wording import load_toml
from connectors.cli.failing import CommandFailed, told_as
from knowledge.errors import DatabaseUnavailable, DocumentRefused, KnowledgeError
from knowledge.stores.database import Database
from tests.unit.connectors.cli.house import House

CLI = Path(__file__).resolve().parents[4] / "connectors" / "cli"
MODULES = (knowledge.errors, assistant.errors, assistant.records.errors)
TREES = (KnowledgeError, AssistantError, RecordsError)
SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in sorted(CLI.glob("*.py")))
OURS = [
    kind
    for module in MODULES
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, TREES) and kind is not DocumentRefused
]


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: str(kind.__name__))
def test_every_error_of_the_rooms_has_a_sentence(kind: type[KnowledgeError]) -> None:
    assert kind.code in load_toml("errors.zh")
    told = told_as(kind()) or ""
    assert told.startswith(f"出错了（{kind.code}）：")
    assert "$" not in told


def test_every_failure_of_a_command_has_a_sentence() -> None:
    codes = re.findall(r'CommandFailed\(\s*"([a-z_]+)"', SOURCES)
    assert len(codes) > 5
    for code in codes:
        assert code in load_toml("errors.zh")
        assert told_as(CommandFailed(code))


def test_every_finding_of_the_doctor_has_its_words() -> None:
    table = load_toml("doctor.zh")
    found = re.findall(r'Examined\(\s*"(\w+)", State\.\w+, "(\w+)"', SOURCES)
    assert len(found) > 10
    for check, key in found:
        assert table[check][key]["found"]
        assert check in table["names"]


def test_a_refused_file_is_told_with_its_own_reason() -> None:
    told = told_as(DocumentRefused(file="利率表$.xlsx", reason="encrypted")) or ""
    assert "利率表$.xlsx" in told
    assert "去掉密码" in told


def test_a_locked_database_is_told_apart_from_a_full_disk() -> None:
    assert "占用" in (told_as(DatabaseUnavailable(reason="locked")) or "")
    assert "磁盘满" in (told_as(DatabaseUnavailable(reason="database or disk is full")) or "")
    assert "somewhere" in (told_as(DatabaseUnavailable(reason="somewhere")) or "")


def test_a_file_in_the_way_is_named() -> None:
    assert "/no/such" in (told_as(FileNotFoundError(2, "No such file or directory", "/no/such")) or "")


def test_a_value_that_does_not_fit_is_told_without_the_value() -> None:
    class Form(BaseModel):
        age: int

    with pytest.raises(ValueError, match="age") as caught:
        Form.model_validate({"age": "张三"})
    told = told_as(caught.value) or ""
    assert "age" in told
    assert "张三" not in told


def test_a_defect_of_ours_is_not_dressed_up() -> None:
    assert told_as(KeyError("oops")) is None


def test_a_writer_that_holds_the_database_is_said_clearly(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Database(house.settings().database)
    patient = Database.__init__

    def hurried(self: Database, url: str, **options: object) -> None:
        patient(self, url, patience_s=0.2, **options)  # type: ignore[arg-type]  # only the patience is ours

    monkeypatch.setattr(Database, "__init__", hurried)
    with other.writing():
        assert "占用" in house.told("user", "add", "rm900", "--name", "温言", exit_code=1)
    other.close()
