"""The socket of the service, taken before anything else is started."""

from __future__ import annotations

import errno
import socket

BACKLOG = 512


class PortTaken(Exception):
    """Another program listens on this port."""

    code = "port_taken"

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"{host}:{port}")
        self.ids = {"host": host, "port": str(port)}


class HomeInUse(Exception):
    """Another service runs on this data folder."""

    code = "home_in_use"

    def __init__(self, home: str) -> None:
        super().__init__(home)
        self.ids = {"home": home}


def listening_socket(host: str, port: int) -> socket.socket:
    """A bound socket. Raises: PortTaken, OSError for an address that is not this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because uvicorn turns Nagle's delay off only for sockets that say they speak TCP.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(BACKLOG)
    except OSError as exc:
        bound.close()
        if exc.errno in (errno.EADDRINUSE, errno.EACCES):
            raise PortTaken(host, port) from exc
        raise
    return bound
