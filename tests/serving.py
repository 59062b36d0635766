"""A web app on a real socket for one test: uvicorn in a thread on a free port of this machine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

_START_S = 10.0


@contextmanager
def running(app: FastAPI | Callable[[int], FastAPI]) -> Iterator[str]:
    """Serve `app`, or what it makes when told the port; yields the address without a slash at the end."""
    # With the protocol named, asyncio turns Nagle's algorithm off; without it every answer takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    served = app if isinstance(app, FastAPI) else app(port)
    started = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            started.set()

    config = uvicorn.Config(
        served,
        log_config=None,
        log_level="warning",
        lifespan="off",
        loop="asyncio",
        timeout_graceful_shutdown=1,
        ws="none",
    )
    server = Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        if not started.wait(_START_S):
            raise AssertionError("the server did not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True  # it ends by itself; to wait for that would cost every test 0.2 s
