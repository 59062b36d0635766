"""The map of the house, drawn as a test: which room may import which."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAY_IMPORT: dict[str, set[str]] = {
    "knowledge": set(),
    "assistant": {"knowledge"},
    "connectors": {"assistant", "knowledge"},
    "evals": {"assistant", "knowledge"},
}
OUTSIDE_CONNECTORS_FORBIDDEN = {
    "fastapi",
    "starlette",
    "wechatpy",
    "requests",
    "httpx",
    "langchain",
    "langchain_openai",
}


def imports(path: Path) -> set[str]:
    """First names of everything that a file imports, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


def reads_environment(path: Path) -> bool:
    """Whether the code says `environ` or `getenv`; prose may."""
    return any(
        isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_each_room_imports_only_the_rooms_below_it(room: str) -> None:
    forbidden = ({"app", "tests", *MAY_IMPORT} - {room}) - MAY_IMPORT[room]
    paths = list((ROOT / room).rglob("*.py"))
    assert paths, room
    for path in paths:
        assert not imports(path) & forbidden, path


@pytest.mark.parametrize("room", ["knowledge", "assistant", "evals"])
def test_doors_and_vendors_stop_at_the_connectors(room: str) -> None:
    for path in (ROOT / room).rglob("*.py"):
        assert not imports(path) & OUTSIDE_CONNECTORS_FORBIDDEN, path


def test_only_the_chroma_adapter_imports_chromadb() -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for room in MAY_IMPORT
        for path in (ROOT / room).rglob("*.py")
        if "chromadb" in imports(path)
    }
    assert users <= {"knowledge/stores/chroma.py"}


def test_prompts_hold_no_python() -> None:
    assert not list((ROOT / "prompts").rglob("*.py"))


def test_only_the_settings_module_reads_the_environment() -> None:
    for room in MAY_IMPORT:
        for path in (ROOT / room).rglob("*.py"):
            if path.name != "settings.py":
                assert not reads_environment(path), path
