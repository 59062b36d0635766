"""What a worker may not do, tried at the level of the kernel, and how the sandbox takes workers that die."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from knowledge.errors import DocumentRefused
from knowledge.ingestion.sandbox import AT_ONCE, Sandbox
from tests.unit.knowledge.ingestion import making

ROOT = Path(__file__).resolve().parents[4]
_CONFINED = """
import ctypes, os, sys
from knowledge.ingestion.confinement import confine
held = confine()
library = ctypes.CDLL(None, use_errno=True)
{attempt}
"""
ATTEMPTS = {
    "a socket": "sys.exit(library.socket(2, 1, 0) >= 0)",
    "a program": "sys.exit(library.execv(b'/bin/true', None) == 0)",
    "a process": "sys.exit(library.fork() >= 0)",
    "a written file": "sys.exit(library.open(b'{folder}/x', 0o101, 0o600) >= 0)",
    "a removed file": "sys.exit(library.unlink(b'{folder}/kept') == 0)",
    "a signal to the parent": "sys.exit(library.kill(os.getppid(), 0) == 0)",
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_a_worker_gets_nothing_of_the_outside(attempt: str, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("x")
    code = _CONFINED.format(attempt="if not held: sys.exit(0)\n" + ATTEMPTS[attempt].replace("{folder}", str(tmp_path)))
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_worker_that_takes_too_long_is_ended_and_the_next_file_is_read() -> None:
    sandbox = Sandbox()
    started = time.monotonic()
    with pytest.raises(DocumentRefused) as refused:
        sandbox.parse(making.docx_bytes(), ".docx", wall_seconds=0.001)
    assert refused.value.ids["reason"] == "too_slow"
    assert time.monotonic() - started < 20
    assert sandbox.parse("正文。".encode(), ".txt").extracted.text == "正文。"


def test_the_memory_of_a_worker_is_told() -> None:
    parsed = Sandbox().parse("正文。".encode(), ".txt")
    assert 5 << 20 < parsed.peak_bytes < 300 << 20


def test_many_files_at_once_are_all_read_by_few_workers() -> None:
    sandbox = Sandbox()
    texts: list[str] = []

    def read(number: int) -> None:
        texts.append(sandbox.parse(f"第 {number} 份。".encode(), ".txt").extracted.text)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(5 * AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(texts) == sorted(f"第 {number} 份。" for number in range(5 * AT_ONCE))


def test_a_page_is_drawn_in_a_worker() -> None:
    picture = Sandbox().picture(making.pdf_bytes([making.pdf_text("正文", 72, 700)]), 1, 300)
    assert picture.startswith(b"\x89PNG")
    with pytest.raises(DocumentRefused):
        Sandbox().picture(b"%PDF-1.5 broken", 1, 300)
