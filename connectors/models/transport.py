"""The HTTP client to a model endpoint: capped, cancellable, and pointed at one address only.

The address comes from the settings, never from content. Redirects are not followed, link-local addresses (cloud
metadata services) are refused even behind a name, answers in compressed form are refused because they hide their size.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx2

from connectors.models.addresses import is_loopback, is_refused

MOST_BYTES = 4 * 1024 * 1024  # on the wire; an SSE event carries about a hundred bytes for each character


class TooLarge(Exception):
    """The endpoint sent more than an answer can be."""


class AddressRefused(Exception):
    """The endpoint's address is not one that a model may stand at."""


class Call:
    """One running request, which another thread can end at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.cancelled = False

    def connected(self, connection: socket.socket) -> None:
        """Remember the socket; a call that was cancelled meanwhile ends here."""
        with self._lock:
            self._socket = connection
            if self.cancelled:
                _shut(connection)

    def cancel(self) -> None:
        """Wake whoever waits for this call; the socket is closed by its owner."""
        with self._lock:
            self.cancelled = True
            if self._socket is not None:
                _shut(self._socket)


def _shut(connection: socket.socket) -> None:
    try:
        # The base class on purpose: SSLSocket.shutdown would take the TLS state away from the reading thread.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        return  # already closed


class Client:
    """An httpx2 client whose requests belong to the `Call` that their thread has set."""

    def __init__(self, base_url: str) -> None:
        self._current = threading.local()
        self.http = httpx2.Client(
            trust_env=not is_loopback(base_url),
            follow_redirects=False,
            headers={"accept-encoding": "identity"},
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
            event_hooks={"request": [self._watch], "response": [_limit]},
        )

    def begin(self, call: Call) -> None:
        """Requests of this thread belong to `call` from now on."""
        self._current.call = call

    def close(self) -> None:
        """Close what is open."""
        self.http.close()

    def _watch(self, request: httpx2.Request) -> None:
        call: Call = self._current.call

        def trace(event: str, info: dict[str, Any]) -> None:
            if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
                connection = info["return_value"].get_extra_info("socket")
                if connection.family in (socket.AF_INET, socket.AF_INET6):
                    _check_peer(connection)
                call.connected(connection)

        request.extensions = {**request.extensions, "trace": trace}


def _check_peer(connection: socket.socket) -> None:
    try:
        peer = str(connection.getpeername()[0])
    except OSError:
        return  # gone already: the first read says so
    if is_refused(peer):
        raise AddressRefused


class _Limited(httpx2.SyncByteStream):
    """A response body that ends with TooLarge after MOST_BYTES."""

    def __init__(self, body: httpx2.SyncByteStream) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        count = 0
        for piece in self._body:
            count += len(piece)
            if count > MOST_BYTES:
                raise TooLarge
            yield piece

    def close(self) -> None:
        self._body.close()


def _limit(response: httpx2.Response) -> None:
    if response.headers.get("content-encoding", "identity").lower() not in ("identity", ""):
        raise TooLarge
    if isinstance(response.stream, httpx2.SyncByteStream):
        response.stream = _Limited(response.stream)
