"""The processes that parse foreign files: `python -m knowledge.ingestion.child FD`.

One warm process has the libraries loaded and no network. For every request it forks a watcher, which forks the worker
that parses and then ends: so a file costs two forks and not the start of Python, and no worker sees a second file.

A request is a padded JSON line on the control socket, with the socket of its conversation. There the file comes in
until the other side shuts its half; out go JSON lines: the answer in parts, {"done": true}, and from the watcher how it
ended: {"status": as of wait, "peak_kb": resident memory}.
"""

from __future__ import annotations

import base64
import contextlib
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

from knowledge.errors import DocumentRefused
from knowledge.ingestion.confinement import confine, die_with_parent, leave_network
from knowledge.ingestion.extracted import ExtractedText
from knowledge.ingestion.formats.registry import parser
from knowledge.ingestion.inspection import inspect
from knowledge.ingestion.readers import read_document
from knowledge.ingestion.warm import REQUEST_BYTES

MAX_BLOCKS = 100_000  # twice the rows that are read of a table; more would be hours of curating
REHEARSAL_SECONDS = 6.0
_BLOCKS_A_LINE = 500
_LIBRARIES = {
    ".pdf": ("pypdfium2", "pdfplumber"),
    ".docx": ("docx",),
    ".xlsx": ("openpyxl",),
    ".xlsm": ("openpyxl",),
    ".pptx": ("defusedxml.ElementTree",),
}


def main() -> None:
    """Serve requests until the other side of the control socket is gone."""
    control = socket.socket(fileno=int(sys.argv[1]))
    leave_network()
    for suffix in (".txt", ".csv"):
        _rehearse(b"a,b,c\n1,2,3\n", suffix, parser(suffix)(b"a,b,c\n1,2,3\n"))  # words and patterns, read once
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended watchers leave nothing behind
    while True:
        request, sockets, _, _ = socket.recv_fds(control, REQUEST_BYTES, 1)
        if not request or not sockets:
            return
        wanted = json.loads(request)
        _load(wanted["suffix"])
        if os.fork() == 0:
            control.close()
            _watch(wanted, sockets[0])
        os.close(sockets[0])


def _load(suffix: str) -> None:
    """Import what the format needs before the fork, once."""
    parser(suffix)
    for library in _LIBRARIES.get(suffix, ()):
        importlib.import_module(library)


def _watch(wanted: dict[str, Any], conversation: int) -> NoReturn:
    """Fork the worker, kill it when its time is over, report how it ended."""
    die_with_parent()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    worker = os.fork()
    if worker == 0:
        _work(wanted, conversation)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(worker, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, wanted["wall_seconds"])
    _, status, usage = os.wait4(worker, 0)
    ended = {"status": status, "peak_kb": usage.ru_maxrss}
    os.write(conversation, f"\n{json.dumps(ended)}\n".encode())
    os._exit(0)


def _work(wanted: dict[str, Any], conversation: int) -> NoReturn:
    die_with_parent()
    confine()
    with open(conversation, "rb", closefd=False) as file:
        data = file.read()
    with open(conversation, "wb", closefd=False) as file:
        for line in _answer(data, wanted):
            file.write(json.dumps(line, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")
    os._exit(0)  # no clean-up of half-broken library state


def _answer(data: bytes, wanted: dict[str, Any]) -> Iterator[dict[str, Any]]:
    try:
        if wanted.get("page"):
            yield {"picture": _picture(data, wanted["page"], wanted["width"])}
        else:
            yield from _extracted(data, wanted["suffix"])
    except DocumentRefused as exc:
        yield {"refused": {"reason": "broken", **exc.ids}}
    except MemoryError:
        yield {"refused": {"reason": "too_much_memory"}}
    except RecursionError:
        yield {"refused": {"reason": "too_deep"}}
    except Exception as exc:  # noqa: BLE001  # the outermost door of this process; parsers raise anything on bad files
        yield {"refused": {"reason": "broken"}, "error": type(exc).__name__}
    yield {"done": True}


def _extracted(data: bytes, suffix: str) -> Iterator[dict[str, Any]]:
    """In parts, so that the reader never decodes much at once."""
    doubts = inspect(data, suffix)
    extracted = parser(suffix)(data)
    if len(extracted.blocks) > MAX_BLOCKS:
        raise DocumentRefused(reason="too_large")
    _rehearse(data, suffix, extracted)
    whole = extracted.to_json()
    blocks = whole.pop("blocks")
    yield {"extracted": whole, "doubts": [[doubt.code, doubt.slots] for doubt in doubts]}
    for at in range(0, len(blocks), _BLOCKS_A_LINE):
        yield {"blocks": blocks[at : at + _BLOCKS_A_LINE]}


def _rehearse(data: bytes, suffix: str, extracted: ExtractedText) -> None:
    """Do once what the service will do with the text, so that it never begins what it could not end: the kernel ends
    this process when it takes too long, also in the middle of a search for a pattern."""
    signal.setitimer(signal.ITIMER_VIRTUAL, REHEARSAL_SECONDS)
    with contextlib.suppress(DocumentRefused):  # the service will say so, knowing the file's name and kind
        read_document(data, f"a{suffix}", extract=lambda *_: extracted)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _picture(data: bytes, page: int, width: int) -> str:
    module = importlib.import_module("knowledge.ingestion.formats.page_picture")
    return base64.b64encode(module.render(data, page, width=width)).decode("ascii")


if __name__ == "__main__":
    main()
