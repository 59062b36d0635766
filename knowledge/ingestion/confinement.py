"""What a process that parses foreign files may not do: reach a network, start programs, write files, use much.

Every layer that the kernel offers without special rights is taken, and one that it does not offer is left out: resource
limits, a network namespace without interfaces, a seccomp filter over system calls, and Python's audit hook.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import platform
import resource
import signal
import sys
from typing import Any, NoReturn

MEMORY_BYTES = 1536 * 1024 * 1024
CPU_SECONDS = 30
_NEW_NETWORK = 0x40000000 | 0x10000000  # CLONE_NEWNET, and CLONE_NEWUSER that allows it to everybody
_DIE_WITH_PARENT, _NO_NEW_RIGHTS, _SECCOMP = 1, 38, 22  # numbers of prctl
_WRITING_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_THREAD = 0x00010000  # CLONE_THREAD: more threads are fine, more processes are not
_FORBIDDEN_EVENTS = frozenset({
    "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.remove", "os.rename", "os.system", "pty.spawn",
    "socket.__new__", "socket.bind", "socket.connect", "socket.getaddrinfo", "subprocess.Popen",
})  # fmt: skip

# By machine: the number that the kernel gives the architecture, calls answered with EPERM, calls said not to exist
# (their arguments lie in memory, out of a filter's sight), clone, and where calls that open files keep their flags.
_CALLS: dict[str, tuple[int, tuple[int, ...], tuple[int, ...], int, dict[int, int]]] = {
    "x86_64": (
        0xC000003E,
        (
            41, 42, 43, 49, 50, 53, 57, 58, 59, 62, 76, 77, 82, 83, 84, 85, 86, 87, 88, 90, 91, 92, 101, 133, 165, 166,
            248, 249, 250, 258, 259, 260, 263, 264, 265, 266, 268, 272, 288, 298, 308, 310, 311, 316, 319, 321, 322,
            323, 424, 434,
        ),
        (425, 426, 427, 435, 437),
        56,
        {2: 1, 257: 2},
    ),
    "aarch64": (
        0xC00000B7,
        (
            33, 34, 35, 36, 37, 38, 39, 40, 45, 46, 52, 53, 54, 97, 117, 129, 198, 199, 200, 201, 202, 203, 217, 218,
            219, 221, 241, 242, 268, 270, 271, 276, 279, 280, 281, 282, 424, 434,
        ),
        (425, 426, 427, 435, 437),
        220,
        {56: 2},
    ),
}  # fmt: skip


class _Filter(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("filters", ctypes.POINTER(_Filter)))


def leave_network() -> bool:
    """Move this process, and those it will fork, where there is no network; False when the kernel does not let it."""
    if sys.platform != "linux":
        return False
    return int(ctypes.CDLL(None).unshare(_NEW_NETWORK)) == 0


def die_with_parent() -> None:
    """Be killed when the thread that forked this process ends. Call it in a process forked by a single thread."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)


def confine() -> bool:
    """Limit this process for good: 1.5 GB, 30 s of CPU, no written file, no process, no network.

    Returns: whether the system call filter holds; without it, limits and the audit hook still do.
    """
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 2))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing is an error, not the end
    logging.disable(logging.CRITICAL)
    sys.addaudithook(_refuse)
    return _filter_calls()


def _refuse(event: str, _: tuple[Any, ...]) -> None:
    if event in _FORBIDDEN_EVENTS:
        _forbidden(event)


def _forbidden(event: str) -> NoReturn:
    raise PermissionError(event)


def _filter_calls() -> bool:
    machine = platform.machine()
    if sys.platform != "linux" or machine not in _CALLS:
        return False
    program = _program(*_CALLS[machine])
    filters = (_Filter * len(program))(*(_Filter(*line) for line in program))
    library = ctypes.CDLL(None)
    if library.prctl(_NO_NEW_RIGHTS, 1, 0, 0, 0) != 0:
        return False
    return int(library.prctl(_SECCOMP, 2, ctypes.byref(_Program(len(program), filters)))) == 0


def _program(
    architecture: int, denied: tuple[int, ...], missing: tuple[int, ...], clone: int, opening: dict[int, int]
) -> list[tuple[int, int, int, int]]:
    """Berkeley packet filter lines (code, jump if true, jump if false, operand) over the kernel's seccomp_data."""
    load, equal, any_bit, answer = 0x20, 0x15, 0x45, 0x06
    kill, refuse, allow = 0x80000000, 0x00050000, 0x7FFF0000
    lines = [(load, 0, 0, 4), (equal, 1, 0, architecture), (answer, 0, 0, kill), (load, 0, 0, 0)]
    lines += [(any_bit, 0, 1, 0x40000000), (answer, 0, 0, refuse | errno.ENOSYS)]  # the x32 twins of every call
    for number in denied:
        lines += [(equal, 0, 1, number), (answer, 0, 0, refuse | errno.EPERM)]
    for number in missing:
        lines += [(equal, 0, 1, number), (answer, 0, 0, refuse | errno.ENOSYS)]
    for number, position in opening.items():
        flags = 16 + 8 * position
        lines += [(equal, 0, 4, number), (load, 0, 0, flags), (any_bit, 0, 1, _WRITING_FLAGS)]
        lines += [(answer, 0, 0, refuse | errno.EACCES), (answer, 0, 0, allow)]
    lines += [(equal, 0, 4, clone), (load, 0, 0, 16), (any_bit, 1, 0, _THREAD), (answer, 0, 0, refuse | errno.EPERM)]
    return [*lines, (answer, 0, 0, allow)]
