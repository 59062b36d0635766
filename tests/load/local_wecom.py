"""A local WeCom in a process of its own, which also tells what it delivered: `python -m tests.load.local_wecom`."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import uvicorn
from fastapi import FastAPI

from connectors.wecom.local_server import local_router
from connectors.wecom.local_state import LocalWeCom


def content_key(userid: str, msgtype: str, body: Mapping[str, Any]) -> str:
    """What makes two messages the same for WeCom's duplicate check."""
    return hashlib.sha256(json.dumps([userid, msgtype, body], sort_keys=True).encode()).hexdigest()[:24]


def reporting(wecom: LocalWeCom) -> FastAPI:
    """The API, and `/report`: [member, content key, fate, ISO instant] of every accepted send call, in order."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(local_router(wecom))

    @app.get("/report")
    def report() -> list[list[str]]:
        return [
            [m.userid, content_key(m.userid, m.msgtype, m.body), each.fate, m.at.isoformat()]
            for each in list(wecom.deliveries)
            for m in (each.message,)
        ]

    return app


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--corp-id", required=True)
    parser.add_argument("--secret", required=True)
    parser.add_argument("--agent-id", required=True)
    options = parser.parse_args()
    wecom = LocalWeCom(options.corp_id, options.secret, options.agent_id, clock=lambda: datetime.now(UTC))
    uvicorn.run(reporting(wecom), host="127.0.0.1", port=options.port, log_level="error", access_log=False)


if __name__ == "__main__":
    main()
