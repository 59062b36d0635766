"""From a declared page to HTML: one dataclass a template, everything escaped, nothing undefined."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from assistant.clock import SHANGHAI
from assistant.wording import load_toml
from connectors.console.viewing import HOME, Viewer, console_of

TEMPLATES = Path(__file__).parent / "templates"


def build_templates(static: Callable[[str], str]) -> Environment:
    """The templates; `static` gives the address of a file under static/."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(static=static, names=load_toml("console.zh"), home=HOME)
    made.filters.update(moment=moment, day=day, query=urlencode)
    return made


def render(
    request: Request, template: str, page: Any, viewer: Viewer | None, status: int = 200, **headers: str
) -> HTMLResponse:
    """One page or one fragment. Templates see `page` (a frozen dataclass), `viewer`, `nav`, `here` and `said`."""
    console = console_of(request)
    said = load_toml("console.zh")["said"].get(request.query_params.get("said", ""), "")
    html = console.templates.get_template(template).render(
        page=page, viewer=viewer, nav=console.nav_of(viewer), here=request.url.path, said=said
    )
    return HTMLResponse(html, status_code=status, headers={name.replace("_", "-"): v for name, v in headers.items()})


def go(request: Request, path: str, *, said: str = "", **query: str) -> Response:
    """After a change: on to a page, `path` below /console; `said` is a key of [said] in prompts/console.zh.toml.

    A request by htmx is sent there as a whole page too.
    """
    asked = {**query, **({"said": said} if said else {})}
    address = HOME + path + (f"?{urlencode(asked)}" if asked else "")
    if request.headers.get("HX-Request"):
        return Response(status_code=200, headers={"HX-Redirect": address})
    return RedirectResponse(address, status_code=303)


def toast(request: Request, words: str, *, tone: str = "good", status: int = 200) -> HTMLResponse:
    """A short word in the corner as the answer to htmx; it replaces nothing. `tone`: good, warn or bad."""
    html = console_of(request).templates.get_template("_toast.html").render(words=words, tone=tone)
    return HTMLResponse(html, status_code=status, headers={"HX-Retarget": "#toasts", "HX-Reswap": "beforeend"})


def moment(at: datetime | None) -> str:
    """An instant as people in the bank read it: 2026-11-23 09:30 in Asia/Shanghai."""
    return "" if at is None else at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")


def day(on: date | None) -> str:
    """A business day as 2026-11-23; empty for none."""
    return "" if on is None else on.isoformat()
