"""The console as one application below /console: pages by module, one door for all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from jinja2 import Environment

from assistant.signing_in import SigningIn
from assistant.wording import load_toml
from connectors.console import (
    approvals,
    audit,
    conflicts,
    content_forms,
    documents,
    evaluations,
    failing,
    gaps,
    home,
    library,
    passages,
    people,
    products,
    recalls,
    retrieval_test,
    sign_in,
    steps,
    uploads,
    watch,
)
from connectors.console.guarding import LARGEST_FORM, Doorkeeper, checked
from connectors.console.rendering import build_templates
from connectors.console.static_files import StaticFiles
from connectors.console.viewing import ADMINISTER, APPROVE, CURATE, HOME, OVERSEE, READ, Viewer
from connectors.services import Services

PAGES = (
    home,
    library,
    documents,
    content_forms,
    passages,
    steps,
    uploads,
    approvals,
    products,
    retrieval_test,
    gaps,
    conflicts,
    watch,
    recalls,
    evaluations,
    people,
    audit,
)
# What the navigation offers, in its order: key in [nav] of prompts/console.zh.toml, path, what one must be allowed.
NAV = (
    ("home", "/", READ),
    ("library", "/library", READ),
    ("uploads", "/uploads", CURATE),
    ("approvals", "/approvals", APPROVE),
    ("products", "/products", READ),
    ("retrieval_test", "/retrieval-test", READ),
    ("gaps", "/gaps", READ),
    ("conflicts", "/conflicts", READ),
    ("watch", "/watch", READ),
    ("recalls", "/recalls", READ),
    ("evaluations", "/evaluations", READ),
    ("people", "/people", ADMINISTER),
    ("audit", "/audit", OVERSEE),
)


@dataclass(frozen=True, slots=True)
class NavItem:
    """One line of the navigation."""

    key: str
    label: str
    address: str


@dataclass
class Console:
    """What every page is handed. `open_services` builds the house once, with the first request that needs it."""

    open_services: Callable[[], Services]
    secure: bool = False  # the cookie is marked Secure also where TLS ends before us
    static: StaticFiles = field(default_factory=StaticFiles.read)
    paths: frozenset[str] = frozenset()  # of the pages, below /console

    @cached_property
    def services(self) -> Services:
        """The built house."""
        return self.open_services()

    @cached_property
    def signing_in(self) -> SigningIn:
        """Passwords and sessions."""
        return SigningIn(self.services.records)

    @cached_property
    def templates(self) -> Environment:
        """The templates, parsed once."""
        return build_templates(self.static.address)

    def nav_of(self, viewer: Viewer | None) -> list[NavItem]:
        """What this viewer may open."""
        labels = load_toml("console.zh")["nav"]
        may = viewer.may if viewer else frozenset()
        return [
            NavItem(key, labels[key], HOME + path) for key, path, needed in NAV if needed in may and path in self.paths
        ]


def console_app(services: Callable[[], Services] | Services, *, secure: bool = False) -> FastAPI:
    """The console, to be mounted at /console. `services` may be a function that builds them when first needed."""
    console = Console(services if callable(services) else lambda: services, secure)
    app = FastAPI(title="wainao console", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.console = console
    app.include_router(console.static.routes())
    app.include_router(sign_in.routes(console), max_body_size=LARGEST_FORM)
    pages = [page.routes(console) for page in PAGES]
    for router in pages:
        app.include_router(router, dependencies=[Depends(checked)], max_body_size=LARGEST_FORM)
    console.paths = frozenset(route.path for router in pages for route in router.routes if isinstance(route, APIRoute))
    failing.install(app)
    app.add_middleware(Doorkeeper, told=failing.told_of_defect)
    return app
