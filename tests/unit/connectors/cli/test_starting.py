"""The command line starts fast, and tells wrong usage from failure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.cli.kinds import DocumentKindName
from knowledge.documents import DocumentKind
from tests.unit.connectors.cli.house import House

ROOT = Path(__file__).resolve().parents[4]
HELP = "from connectors.cli.main import build_cli; build_cli(None, None)()"
SLOW = ("chromadb", "langchain", "sqlalchemy", "numpy", "pydantic", "fastapi", "requests", "tantivy")


def _run(code: str, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *args], cwd=ROOT, capture_output=True, text=True, check=True)


def _work(code: str, *args: str) -> float:
    """Processor seconds of a child, so that waiting for a busy machine does not count."""
    before = os.times()
    _run(code, *args)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def test_help_names_the_commands() -> None:
    assert "sample" in _run(HELP, "--help").stdout


def test_help_takes_less_than_half_a_second_of_work() -> None:
    work = min(_work(HELP, "--help") for _ in range(5))
    # On a machine that is slow just now (two busy hyperthreads double processor time) typer alone is the measure.
    assert work < max(0.5, 4 * min(_work("import typer, rich.console") for _ in range(3)))


def test_the_commands_load_nothing_heavy_before_they_run() -> None:
    code = f"import sys, connectors.cli.main; print([name for name in {SLOW!r} if name in sys.modules])"
    assert _run(code).stdout.strip() == "[]"


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "gb18030"])
def test_a_terminal_of_another_encoding_breaks_nothing(encoding: str) -> None:
    code = "import sys; sys.argv[1:] = ['redact', '我的手机13800138000']; " + HELP
    for option in ([], ["; sys.argv.append('--json')"]):
        done = subprocess.run(
            [sys.executable, "-c", code.replace("; from", "".join(option) + "; from")],
            cwd=ROOT,
            capture_output=True,
            env={"PYTHONIOENCODING": encoding, "PATH": ""},
            check=True,
        )
        assert "[电话]" in done.stdout.decode("gb18030" if encoding == "gb18030" and not option else "utf-8")


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("ask",),
        ("decide", "d1", "accepted"),
        ("ingest",),
        ("search",),
        ("check",),
        ("redact",),
        ("reindex",),
        ("export", "feedback"),
        ("export", "knowledge"),
        ("backup",),
        ("restore",),
        ("audit", "verify"),
        ("evidence",),
        ("user", "add"),
        ("user", "list"),
        ("token", "create"),
        ("purge",),
        ("settings",),
        ("doctor",),
        ("demo",),
        ("serve",),
        ("sample", "load"),
        ("eval", "retrieval"),
        ("tickets", "list"),
        ("tickets", "answer"),
        ("deadletters", "list"),
        ("deadletters", "retry"),
    ],
)
def test_every_command_explains_itself(bare_house: House, command: tuple[str, ...]) -> None:
    assert "Usage" in bare_house.told(*command, "--help")
    assert not bare_house.home.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        ("no-such-command",),
        ("ask",),
        ("ask", ""),
        ("ask", "😀😀"),
        ("search", " "),
        ("ask", "问", "--on", "23.11.2026"),
        ("ask", "问", "--customer-level", "C9"),
        ("decide", "d1", "liked"),
        ("decide", "d1", "accepted", "--text", "改"),
        ("check", "一段", "--jsonl", "in.jsonl"),
        ("check", "一段", "--out", "out.jsonl"),
        ("ingest", "a.md", "--kind", "poem"),
        ("purge", "--older-than", "0"),
        ("restore", "absent.tar.gz"),
        ("deadletters", "retry"),
        ("audit", "verify", "--head", "nonsense"),
        ("eval", "retrieval", "--corpus", "absent"),
    ],
)
def test_wrong_usage_is_status_2(house: House, wrong: tuple[str, ...]) -> None:
    assert house.run(*wrong).exit_code == 2


def test_processes_are_started_by_the_house(bare_house: House) -> None:
    bare_house.told("demo", "--port", "8123")
    bare_house.told("serve")
    assert bare_house.ran == [("demo", 8123), "serve"]


def test_the_kinds_offered_are_the_kinds_there_are() -> None:
    assert [name.value for name in DocumentKindName] == [kind.value for kind in DocumentKind]


def test_a_command_on_an_empty_folder_says_what_to_run_first(bare_house: House) -> None:
    told = bare_house.told("ask", "客户问：黄金还能买吗", exit_code=1)
    assert "database_not_migrated" in told
    assert "wainao sample load" in told
    assert "Traceback" not in told
