"""wechatpy's client, made safe for threads, shared tokens and a host from the settings.

Every call goes to the configured base, gettoken included, and ends in time. A token is fetched by one thread at a
time, shared through a store, and renewed at most once per call.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
from wechatpy.enterprise import WeChatClient
from wechatpy.exceptions import WeChatClientException

from connectors.wecom.answers import CONFIGURATION_WAIT_S, Trouble, trouble_of

TIMEOUT_S = (3.0, 8.0)  # to connect, between two bytes of the answer
_RENEW_BEFORE_S = 120  # a token that ends during the call would be refused
_QUIET_AFTER_FAILURE_S = 5.0  # WeCom blocks those who ask for tokens again and again
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

log = logging.getLogger(__name__)


class TokenStore(Protocol):
    """Access tokens shared by all workers."""

    def get(self, key: str, *, now: datetime) -> tuple[str, datetime] | None:
        """The token and its end, unless it has expired."""
        ...

    def put(self, key: str, value: str, expires_at: datetime) -> None:
        """Replace the token."""
        ...

    def forget(self, key: str, value: str) -> None:
        """Drop a refused token, unless it has been replaced already."""
        ...


class ApiError(Exception):
    """WeCom answered with an error code."""

    def __init__(self, errcode: int) -> None:
        super().__init__(f"errcode {errcode}")
        self.errcode = errcode


class ApiUnreachable(Exception):
    """No usable answer. `request_left`: the request may have been carried out; `what` names the trouble."""

    def __init__(self, what: str, *, request_left: bool) -> None:
        super().__init__(what)
        self.what, self.request_left = what, request_left


# wechatpy carries no types
class WorkClient(WeChatClient):  # type: ignore[misc]
    """One app of one corp at `api_base`, which ends in /cgi-bin/. May be shared between threads."""

    def __init__(
        self,
        corp_id: str,
        secret: str,
        *,
        agent_id: str,
        api_base: str,
        tokens: TokenStore,
        clock: Callable[[], datetime],
        timeout_s: tuple[float, float] = TIMEOUT_S,
    ) -> None:
        self.API_BASE_URL = api_base.rstrip("/") + "/"
        self._threads = threading.local()
        self._renewing = threading.Lock()
        self._failed: tuple[float, Exception] | None = None
        self._key = f"{corp_id}/{agent_id}"  # never a part of the secret, as in wechatpy
        self._tokens, self._clock = tokens, clock
        super().__init__(corp_id, secret, timeout=timeout_s, auto_retry=False)
        # It writes whole addresses at DEBUG, and WeCom's carry the secret and the token.
        logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)

    @property
    def _http(self) -> requests.Session:
        """This thread's own session: requests does not promise that one can be shared."""
        session: requests.Session | None = getattr(self._threads, "session", None)
        if session is None:
            session = self._threads.session = requests.Session()
            # A proxy for the outer world cannot reach a WeCom that runs on this machine.
            session.trust_env = urlsplit(self.API_BASE_URL).hostname not in _LOOPBACK
        return session

    @_http.setter
    def _http(self, _: requests.Session) -> None:
        """wechatpy sets one for all threads; it is not used."""

    def call(self, method: str, path: str, **kwargs: Any) -> dict[str, Any]:
        """Call `path` and return the answer, renewing the token once if WeCom refuses it.

        Args:
            kwargs: `params` for the query, `data` (a dict) for a JSON body.

        Raises: ApiError, ApiUnreachable, and whatever the token store raises.
        """
        token = self._token()
        try:
            return self._call_with(token, method, path, **kwargs)
        except ApiError as error:
            if trouble_of(error.errcode) is not Trouble.CREDENTIAL:
                raise
        self._tokens.forget(self._key, token)
        return self._call_with(self._token(refused=token), method, path, **kwargs)

    def _call_with(self, token: str, method: str, path: str, **kwargs: Any) -> dict[str, Any]:
        params = {**kwargs.pop("params", {}), "access_token": token}
        return self._answer(lambda: self._request(method, path, params=params, **kwargs))

    def _token(self, *, refused: str = "") -> str:
        """The shared token; fetched by one thread while the others wait for it."""
        known = self._known(refused)
        if known:
            return known
        with self._renewing:
            known = self._known(refused)
            if known:
                return known
            if self._failed and time.monotonic() < self._failed[0]:
                raise self._failed[1].with_traceback(None)
            try:
                return self._fetch()
            except (ApiError, ApiUnreachable) as error:
                waits = isinstance(error, ApiError) and trouble_of(error.errcode) is not Trouble.BUSY
                pause = CONFIGURATION_WAIT_S / 2 if waits else _QUIET_AFTER_FAILURE_S
                self._failed = (time.monotonic() + pause, error)
                log.error("wecom_token_failed", extra={"error": type(error).__name__, "why": str(error)})
                raise

    def _known(self, refused: str) -> str:
        stored = self._tokens.get(self._key, now=self._clock() + timedelta(seconds=_RENEW_BEFORE_S))
        return stored[0] if stored and stored[0] != refused else ""

    def _fetch(self) -> str:
        query = {"corpid": self.corp_id, "corpsecret": self.secret}
        try:
            # None is left out of the query; without it wechatpy would ask for a token to get a token.
            answer = self._answer(lambda: self._request("get", "gettoken", params={**query, "access_token": None}))
        except ApiUnreachable as error:
            raise ApiUnreachable(error.what, request_left=False) from error  # the message itself never left
        value, lifetime = answer.get("access_token"), answer.get("expires_in", 7200)
        if not isinstance(value, str) or not value or not isinstance(lifetime, int):
            raise ApiUnreachable("token_missing", request_left=False)
        self._tokens.put(self._key, value, self._clock() + timedelta(seconds=lifetime))
        self._failed = None
        return value

    @property
    def access_token_key(self) -> str:
        """The key in the store, also for wechatpy's own groups."""
        return self._key

    @property
    def access_token(self) -> str:
        """For wechatpy's own groups, e.g. `client.user.get`."""
        return self._token()

    def fetch_access_token(self) -> dict[str, Any]:
        """wechatpy's name for a renewal; its own goes to a fixed host, without a timeout."""
        with self._renewing:
            return {"access_token": self._fetch()}

    def _answer(self, request: Callable[[], Any]) -> dict[str, Any]:
        """Run a request and translate what wechatpy and requests make of trouble."""
        try:
            answer = request()
        except WeChatClientException as error:
            if error.errcode is not None:
                raise ApiError(int(error.errcode)) from None  # its text carries the address with the secret
            status = getattr(error.response, "status_code", 0)
            raise ApiUnreachable(f"http_{status}", request_left=status >= 500) from None
        except requests.RequestException as error:
            raise ApiUnreachable(type(error).__name__, request_left=_may_have_left(error)) from None
        except (ValueError, TypeError, RecursionError):
            raise ApiUnreachable("unreadable_answer", request_left=True) from None
        if not isinstance(answer, Mapping) or "errcode" not in answer:
            raise ApiUnreachable("unreadable_answer", request_left=True)
        return dict(answer)


def _may_have_left(error: requests.RequestException) -> bool:
    """False only when no connection was made."""
    if isinstance(error, requests.ConnectTimeout):
        return False
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return type(reason).__name__ not in ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError")
