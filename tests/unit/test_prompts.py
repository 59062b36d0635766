"""Every file under prompts/ loads, every prompt renders its sample, and every sentence that code asks for exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.understanding import situations
from assistant.wording import PROMPTS, Messages, PromptInvalid, load_prompt, load_toml

ROOT = Path(__file__).parents[2]
TOMLS = sorted(path.name.removesuffix(".toml") for path in PROMPTS.glob("*.toml"))
MARKDOWN = sorted(path.stem for path in PROMPTS.glob("*.md"))
PATTERNS = ("commands.zh", "situations.zh", "attributes.zh", "edits.zh")


def test_the_folder_holds_nothing_but_prompts_and_tables() -> None:
    assert {path.suffix for path in PROMPTS.iterdir() if path.is_file()} <= {".toml", ".md"}


@pytest.mark.parametrize("name", MARKDOWN)
def test_a_prompt_renders_its_sample_and_leaves_no_slot_open(name: str) -> None:
    prompt = load_prompt(name)
    assert prompt.id == name
    rendered = prompt.render(**prompt.sample)
    assert all(value in rendered for value in prompt.sample.values())
    assert not re.search(r"\$\{?[a-z_]+", rendered)


def test_a_prompt_with_a_missing_slot_is_refused() -> None:
    prompt = load_prompt(MARKDOWN[0])
    with pytest.raises(PromptInvalid):
        prompt.render()


@pytest.mark.parametrize("name", TOMLS)
def test_a_table_loads_and_holds_no_empty_text(name: str) -> None:
    assert all(text.strip() for text in strings(load_toml(name)))


@pytest.mark.parametrize("name", PATTERNS)
def test_every_pattern_compiles(name: str) -> None:
    for text in strings(load_toml(name)):
        re.compile(text.removeprefix("!"))


def test_every_situation_that_the_phrases_speak_to_exists() -> None:
    phrases = load_toml("phrases.zh")
    spoken = set(phrases["acknowledge"]) | set(phrases["fallback_answer"])
    assert {name for name in spoken if name != "generic" and not name.startswith("polite")} <= set(situations())


def test_every_message_that_code_asks_for_exists_with_its_slots() -> None:
    messages, texts = Messages.load(), load_toml("messages.zh")
    missing, open_slots = [], []
    for path, key, given in message_calls():
        if key not in messages:
            missing.append((path, key))
        elif given is not None and set(re.findall(r"\$([a-z_]+)", texts[key])) - given:
            open_slots.append((path, key))
    assert missing == []
    assert open_slots == []


def test_messages_chosen_by_name_exist_for_every_name() -> None:
    texts = load_toml("messages.zh")
    commands = load_toml("commands.zh")
    assert {f"outcome_{name}" for name in commands["outcome"]} <= set(texts)
    assert {"help", "greeting", "who_next"} <= set(texts)
    assert set(texts["reject_reasons"]) == {*commands["reject_reasons"], "other"}
    assert set(texts["edit_categories"]) == {"fact", "compliance", "tone", "stage", "length", "other"}
    assert set(texts["statuses"]) >= {"accepted", "edited", "rejected", "ignored"}


def strings(value: Any) -> Iterator[str]:
    """All texts in a table, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def message_calls() -> Iterator[tuple[str, str, set[str] | None]]:
    """(file, key, names given) of each `messages("key", …)` in assistant/; names are None when they cannot be told."""
    for path in sorted((ROOT / "assistant").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called == "messages" and isinstance(node.args[0].value, str):
                names = {keyword.arg for keyword in node.keywords}
                given = None if None in names else {name for name in names if name is not None}
                yield path.name, node.args[0].value, given


def test_the_search_for_messages_finds_them() -> None:
    assert len(list(message_calls())) > 20
