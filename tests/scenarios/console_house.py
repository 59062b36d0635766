"""The console over given services, and a member who visits it without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from html import unescape
from typing import Any

from argon2 import PasswordHasher
from fastapi import FastAPI
from starlette.testclient import TestClient

from assistant.records.accounts import Password
from connectors.console.console import console_app
from connectors.services import Services

GOOD = "correct horse battery"


@cache
def good_hash() -> str:
    """Hashing takes its time on purpose; once is enough."""
    return PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(GOOD)


def give_passwords(services: Services, userids: Iterable[str]) -> None:
    """Each of these members may sign in with GOOD."""
    with services.records.database.writing() as conn:
        for userid in userids:
            services.records.accounts.save_password(conn, Password(userid, good_hash(), services.now()))


def console_over(services: Services) -> FastAPI:
    """A web application with nothing but the console."""
    made = FastAPI()
    made.mount("/console", console_app(services))
    return made


@dataclass
class Member:
    """A browser without scripts."""

    app: FastAPI
    base: str = "http://localhost"
    client: TestClient = field(init=False)
    csrf: str = ""

    def __post_init__(self) -> None:
        self.client = TestClient(self.app, base_url=self.base, raise_server_exceptions=False, follow_redirects=False)

    def sign_in(self, userid: str, password: str = GOOD, then: str = "") -> Any:
        page = self.client.get("/console/sign-in").text
        token = found(r'name="token" value="([^"]+)"', page)
        form = {"userid": userid, "password": password, "token": token, "then": then}
        answer = self.client.post("/console/sign-in", data=form)
        if answer.status_code == 303:
            self.csrf = found(r'name="csrf" value="([^"]+)"', self.client.get("/console/password").text)
        return answer

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(f"/console{path}", headers=headers)

    def post(self, path: str, *, headers: Any = None, **form: Any) -> Any:
        return self.client.post(f"/console{path}", data={"csrf": self.csrf, **form}, headers=headers)


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, text[:2000]
    return unescape(match[1])
