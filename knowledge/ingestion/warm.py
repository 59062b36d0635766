"""This side of the warm process in which foreign files are parsed."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REQUEST_BYTES = 256
MAX_ANSWER_BYTES = 96 * 1024 * 1024
_ROOT = Path(__file__).resolve().parents[2]
# Nothing of our own variables, which may hold secrets; one thread, since each reserves address space.
_VARIABLES = {"PYTHONPATH": str(_ROOT), "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
_PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker said before it ended. `status` is as of `os.wait`, `peak_bytes` its resident memory; 0: unknown.

    `cut`: it said more than MAX_ANSWER_BYTES and was not heard to the end. `lines` may then lack their end.
    """

    lines: tuple[dict[str, Any], ...]
    status: int
    peak_bytes: int
    cut: bool = False


class WarmProcess:
    """Starts the process when it is first needed, again when it is gone, and in every process that forked off anew."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._owner = 0

    def ask(self, data: bytes, *, suffix: str, wall_seconds: float, **more: int) -> Answer:
        """Have one file parsed. Raises: OSError when the process cannot be started or does not answer."""
        request = json.dumps({"suffix": suffix, "wall_seconds": wall_seconds, **more}).encode().ljust(REQUEST_BYTES)
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                self._send(request, theirs)
            ours.settimeout(wall_seconds + _PATIENCE_S)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may have ended before it read all
                ours.sendall(data)
                ours.shutdown(socket.SHUT_WR)
            return _heard(ours)

    def _send(self, request: bytes, theirs: socket.socket) -> None:
        with self._lock:
            if self._control is not None and self._owner == os.getpid():
                with contextlib.suppress(OSError):
                    socket.send_fds(self._control, [request], [theirs.fileno()])
                    return
            self._control, process = _started()
            self._owner = os.getpid()
            weakref.finalize(self, _stop, self._control, process)
            socket.send_fds(self._control, [request], [theirs.fileno()])


def _started() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """A new process and its control socket; it ends when the socket is closed, so also when this process is killed."""
    control, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            [sys.executable, "-m", "knowledge.ingestion.child", str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            env=_VARIABLES,
            cwd="/",
            start_new_session=True,
        )
    return control, process


def _stop(control: socket.socket, process: subprocess.Popen[bytes]) -> None:
    control.close()
    process.kill()
    process.wait()


def _heard(conversation: socket.socket) -> Answer:
    """Lines until the other side is gone; decoded one by one, so that other threads are not held."""
    lines: list[dict[str, Any]] = []
    heard = 0
    try:
        for line in _lines(conversation):
            heard += len(line)
            if heard > MAX_ANSWER_BYTES:
                return Answer(tuple(lines), 0, 0, cut=True)
            with contextlib.suppress(ValueError):  # the last line of a worker that was killed
                lines.append(json.loads(line.decode("utf-8", "surrogatepass")))
    except (TimeoutError, ConnectionResetError) as exc:
        raise OSError("no answer") from exc
    if not lines or "status" not in lines[-1]:
        return Answer(tuple(lines), 0, 0)
    ended = lines.pop()
    return Answer(tuple(lines), int(ended["status"]), int(ended["peak_kb"]) * 1024)


def _lines(conversation: socket.socket) -> Iterator[bytes]:
    rest: list[bytes] = []
    held = 0
    while part := conversation.recv(1 << 16):
        *whole, last = part.split(b"\n")
        for piece in whole:
            yield b"".join((*rest, piece))
            rest, held = [], 0
        rest.append(last)
        held += len(last)
        if held > MAX_ANSWER_BYTES:
            yield b"".join(rest)
            return
