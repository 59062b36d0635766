"""The child process that parses one hostile-until-proven-otherwise file: `python -m knowledge.ingestion.child .pdf`.

Bytes come on standard input, one JSON object goes to standard output: {"extracted": ...} or {"refused": reason}.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import resource
import signal
import sys
from typing import Any

from knowledge.errors import DocumentRefused
from knowledge.ingestion.formats.registry import parser

MEMORY_BYTES = 1536 * 1024 * 1024
CPU_SECONDS = 30
_DIE_WITH_PARENT = 1  # prctl's PR_SET_PDEATHSIG


def main() -> None:
    """Parse standard input under limits."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not mix with the answer
    _limit()
    data = sys.stdin.buffer.read()
    answer.write(json.dumps(_parsed(data, sys.argv[1]), ensure_ascii=False))
    answer.flush()
    os._exit(0)  # no clean-up of half-broken library state


def _parsed(data: bytes, suffix: str) -> dict[str, Any]:
    try:
        return {"extracted": parser(suffix)(data).to_json()}
    except DocumentRefused as exc:
        return {"refused": exc.ids.get("reason", "broken")}
    except MemoryError:
        return {"refused": "too_much_memory"}
    except Exception as exc:  # noqa: BLE001  # the outermost door of this process; parsers raise anything on bad files
        return {"refused": "broken", "error": type(exc).__name__}


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 2))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    logging.disable(logging.CRITICAL)
    sys.addaudithook(_refuse_network)


def _refuse_network(event: str, _: tuple[Any, ...]) -> None:
    if event in {"socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.exec", "os.system"}:
        raise PermissionError(event)


if __name__ == "__main__":
    main()
