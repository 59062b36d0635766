"""The documents say what the code does: settings, commands, make targets, links and names of files."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import typer.main
from pydantic import SecretStr

from assistant.settings import Settings
from connectors.cli.main import build_cli

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
FILE = re.compile(r"`((?:app|assistant|knowledge|connectors|evals|prompts|tests|docs)(?:/[\w.-]+)*(?:\.\w+|/))`")
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]+)")
WRITTEN_LATER = {"docs/gallery.md"}


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def command_names(command: Any, *before: str) -> Iterator[str]:
    """Every command without commands of its own, as typed."""
    children: dict[str, Any] = getattr(command, "commands", {})
    if not children:
        yield " ".join(before)
    for name, child in children.items():
        yield from command_names(child, *before, name)


def make_targets() -> set[str]:
    phony = re.search(r"^\.PHONY:((?:.*\\\n)*.*)$", read(ROOT / "Makefile"), re.MULTILINE)
    assert phony
    return set(phony[1].replace("\\", " ").split())


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_stands_in_the_document_with_its_default(name: str) -> None:
    default = Settings.model_fields[name].default
    shown = default.get_secret_value() if isinstance(default, SecretStr) else str(default)
    cell = f"`{shown}`" if shown else "empty"
    assert f"| `WAINAO_{name.upper()}` | {cell} |" in read(DOCS / "settings.md")


def test_the_document_names_no_setting_that_is_gone() -> None:
    known = {f"WAINAO_{name.upper()}" for name in Settings.model_fields}
    for page in PAGES:
        assert set(re.findall(r"\bWAINAO_[A-Z_]*[A-Z]", read(page))) <= known, page


def test_every_command_and_option_stands_in_the_document() -> None:
    text = read(DOCS / "commands.md")
    root: Any = typer.main.get_command(build_cli(cast(Any, None), cast(Any, None)))
    names = list(command_names(root))
    assert len(names) > 20
    for name in names:
        assert f"`wainao {name}" in text, name
        command = root
        for word in name.split():
            command = command.commands[word]
        for option in (o for parameter in command.params for o in parameter.opts if o.startswith("--")):
            assert option in ("--help",) or option in text, f"{name} {option}"


def test_the_document_names_no_command_that_is_gone() -> None:
    root: Any = typer.main.get_command(build_cli(cast(Any, None), cast(Any, None)))
    heads = {name.split()[0] for name in command_names(root)}
    for page in PAGES:
        assert set(re.findall(r"`wainao ([a-z]+)", read(page))) <= heads, page


def test_every_make_target_stands_in_the_document() -> None:
    text = read(DOCS / "commands.md").partition("## Make targets")[2]
    assert make_targets() - {"all"} <= set(re.findall(r"`([a-z-]+)`", text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_file_names_lead_somewhere(page: Path) -> None:
    text = read(page)
    for link in LINK.findall(text):
        assert (page.parent / link).exists(), link
    for name in FILE.findall(text):
        assert name in WRITTEN_LATER or (ROOT / name).exists(), name


@pytest.mark.parametrize("room", ["knowledge", "assistant", "connectors"])
def test_every_module_stands_on_the_map(room: str) -> None:
    text = read(DOCS / "map.md")
    for path in (ROOT / room).rglob("*.py"):
        name = path.relative_to(ROOT)
        folders = (f"`{folder}/`" for folder in name.parents)
        assert path.name == "__init__.py" or f"{path.name}`" in text or any(f in text for f in folders), name


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:4]) for path in sorted((DOCS / "adr").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("page", sorted((DOCS / "adr").glob("*.md")), ids=lambda page: page.name)
def test_a_decision_says_why_what_and_what_follows(page: Path) -> None:
    headings = re.findall(r"^## (.+)$", read(page), re.MULTILINE)
    assert headings == ["Context", "Decision", "Consequences"]
