"""Runs worker processes beside the web process: started with it, restarted when they fall, never left behind."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence

log = logging.getLogger(__name__)

RESTART_AFTER_S = 1.0
STOP_PATIENCE_S = 10.0


class Workers:
    """Child processes, one for each command, kept alive until `stop`.

    Each child holds the read end of a pipe; when this process ends, also by SIGKILL, the pipe closes and the child
    leaves (see `leave_with_parent`).
    """

    def __init__(self, commands: Sequence[Sequence[str]], *, handover: bytes) -> None:
        """`handover`: one line that each child reads first from its standard input."""
        self._commands = [list(command) for command in commands]
        self._handover = handover
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="workers", daemon=True)

    def start(self) -> None:
        """Start the children and watch over them."""
        for number in range(self.wanted):
            self._children[number] = self._spawn(number)
        self._watcher.start()

    def stop(self) -> None:
        """Close the pipes and wait; a child that stays is killed."""
        self._stopping.set()
        for child in self._children.values():
            if child.stdin:
                child.stdin.close()
        for child in self._children.values():
            try:
                child.wait(STOP_PATIENCE_S)
            except subprocess.TimeoutExpired:
                child.kill()

    @property
    def wanted(self) -> int:
        """How many children there should be."""
        return len(self._commands)

    def alive(self) -> int:
        """How many children are running."""
        return sum(child.poll() is None for child in self._children.values())

    def _spawn(self, number: int) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(self._commands[number], stdin=subprocess.PIPE)  # noqa: S603 - our own command
        if child.stdin:
            child.stdin.write(self._handover)
            child.stdin.flush()
        return child

    def _watch(self) -> None:
        while not self._stopping.wait(RESTART_AFTER_S):
            for number, child in list(self._children.items()):
                if child.poll() is not None and not self._stopping.is_set():
                    log.error("worker_ended", extra={"exit_status": child.returncode})
                    self._children[number] = self._spawn(number)


def worker_command(work: str) -> list[str]:
    """How to start a worker for `drafting` or for `sending` with this interpreter."""
    return [sys.executable, "-m", "app", "worker", work]


def leave_with_parent(stop: Callable[[], None], *, patience_s: float = 5.0) -> None:
    """Call `stop` when the parent's end of standard input closes, then leave; for worker processes."""

    def wait() -> None:
        while os.read(0, 4096):
            pass
        stop()
        time.sleep(patience_s)
        os._exit(1)

    threading.Thread(target=wait, name="parent", daemon=True).start()
