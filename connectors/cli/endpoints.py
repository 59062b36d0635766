"""What `doctor` asks of servers outside: the language model and WeCom. No secret is ever told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from assistant.settings import Settings
from connectors.cli.examined import Examined, State

if TYPE_CHECKING:
    import requests

TIMEOUT_S = (3.0, 6.0)  # connect, read
MOST_SKEW = timedelta(minutes=1)
REFUSED = (401, 403)
NEEDED = ("wecom_corp_id", "wecom_agent_id", "wecom_secret", "wecom_token", "wecom_aes_key")


def model(settings: Settings) -> Examined:
    """Whether the model's endpoint answers and takes the key."""
    if not settings.llm_base_url:
        return Examined("model", State.GOOD, "none")
    if not settings.llm_model:
        return Examined("model", State.PROBLEM, "no_name")
    key = settings.llm_api_key.get_secret_value()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    answer = _get(settings.llm_base_url.rstrip("/") + "/models", headers=headers)
    if answer is None:
        return Examined("model", State.PROBLEM, "unreachable", {"base": settings.llm_base_url})
    if answer.status_code in REFUSED:
        return Examined("model", State.PROBLEM, "refused", {"status": answer.status_code})
    if answer.status_code >= 500:
        return Examined("model", State.PROBLEM, "failing", {"status": answer.status_code})
    known = _model_names(answer)
    if known and settings.llm_model not in known:
        return Examined("model", State.NOTICE, "unknown_name", {"model": settings.llm_model})
    return Examined("model", State.GOOD, "good", {"model": settings.llm_model})


def wecom(settings: Settings, *, now: datetime) -> Iterator[Examined]:
    """Whether the self-built app's credentials are complete and right, and the clock agrees with WeCom's."""
    missing = [f"WAINAO_{name.upper()}" for name in NEEDED if not _given(settings, name)]
    if len(missing) == len(NEEDED):
        yield Examined("wecom", State.NOTICE, "none")
        return
    if missing:
        yield Examined("wecom", State.PROBLEM, "incomplete", {"missing": "、".join(missing)})
        return
    query = {"corpid": settings.wecom_corp_id, "corpsecret": settings.wecom_secret.get_secret_value()}
    answer = _get(settings.wecom_api_base + "gettoken", params=query)
    if answer is None:
        yield Examined("wecom", State.PROBLEM, "unreachable", {"base": settings.wecom_api_base})
        return
    code = _errcode(answer)
    state, key = (State.GOOD, "good") if code == 0 else (State.PROBLEM, "refused")
    yield Examined("wecom", state, key, {"code": code})
    skew = _skew(answer, now)
    if skew is not None and abs(skew) > MOST_SKEW:
        yield Examined("clock", State.PROBLEM, "skewed", {"seconds": int(skew.total_seconds())})


def _given(settings: Settings, name: str) -> bool:
    value: Any = getattr(settings, name)
    return bool(value.get_secret_value() if hasattr(value, "get_secret_value") else value)


def _get(url: str, **options: Any) -> requests.Response | None:
    import requests

    try:
        return requests.get(url, timeout=TIMEOUT_S, allow_redirects=False, **options)
    except (requests.RequestException, ValueError):  # its message would tell the address with the secret in it
        return None


def _errcode(answer: requests.Response) -> int:
    try:
        body = answer.json()
    except ValueError:
        return answer.status_code
    code = body.get("errcode", 0) if isinstance(body, dict) else answer.status_code
    return code if isinstance(code, int) else -1


def _model_names(answer: requests.Response) -> set[str]:
    try:
        return {str(item["id"]) for item in answer.json()["data"]}
    except (ValueError, KeyError, TypeError):
        return set()


def _skew(answer: requests.Response, now: datetime) -> timedelta | None:
    try:
        return now - parsedate_to_datetime(answer.headers["Date"])
    except (KeyError, ValueError, TypeError):
        return None
