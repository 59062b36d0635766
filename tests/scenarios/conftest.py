"""The sample bank as a running house, on each engine: loaded once, copied for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app import build_services, load_sample, migrate
from assistant.settings import Settings
from tests.fakes import PostgresServer
from tests.scenarios.browsers import CHROMIUM, FLAGS
from tests.scenarios.house import House, copy_home, open_house, settings_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HouseFactory = Callable[..., House]


@dataclass(frozen=True)
class Template:
    """A filled database and a home with its indexes."""

    url: str
    home: Path


def _fill(settings: Settings, *, owner: bool) -> None:
    migrate(settings)
    load_sample(settings)
    services = build_services(settings, owner=owner)
    services.retriever.refresh()
    services.close()


@pytest.fixture(scope="session")
def sqlite_bank(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """示例银行 in an SQLite file, with lexical index and Chroma."""
    home = tmp_path_factory.mktemp("bank") / "home"
    settings = settings_of(home, f"sqlite:///{home / 'wainao.db'}")
    home.mkdir()
    _fill(settings, owner=True)
    return Template(settings.database_url, home)


@pytest.fixture(scope="session")
def postgres_bank(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """示例银行 in PostgreSQL."""
    home = tmp_path_factory.mktemp("bank-pg") / "home"
    url = postgres.new_url(migrated=True)
    home.mkdir()
    _fill(settings_of(home, url), owner=False)
    return Template(url, home)


@pytest.fixture
def new_home(request: pytest.FixtureRequest, engine: str, tmp_path: Path) -> Iterator[Callable[[], tuple[Path, str]]]:
    """Makes (home, database url) of a fresh copy of the sample bank."""
    urls: list[str] = []

    def make() -> tuple[Path, str]:
        home = tmp_path / f"home-{len(urls)}"
        if engine == "sqlite":
            bank: Template = request.getfixturevalue("sqlite_bank")
            urls.append(f"sqlite:///{copy_home(bank.home, home) / 'wainao.db'}")
        else:
            bank = request.getfixturevalue("postgres_bank")
            copy_home(bank.home, home)
            urls.append(request.getfixturevalue("postgres").copy_of(bank.url))
        return home, urls[-1]

    yield make
    if engine != "sqlite":
        for url in urls:
            request.getfixturevalue("postgres").drop(url)


@pytest.fixture
def new_house(new_home: Callable[[], tuple[Path, str]]) -> Iterator[HouseFactory]:
    """Opens houses over fresh copies of the sample bank; arguments go to `open_house`."""
    with ExitStack() as opened:

        def make(**options: bool | float) -> House:
            home, url = new_home()
            made: AbstractContextManager[House] = open_house(home, url, **options)  # type: ignore[arg-type]
            return opened.enter_context(made)

        yield make


@pytest.fixture
def house(new_house: HouseFactory) -> House:
    """A running house, once on each engine."""
    return new_house()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        launched.close()
