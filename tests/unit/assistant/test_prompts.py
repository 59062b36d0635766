"""Every prompt file is whole, and its full wording is a visible diff.

After a wanted change of wording, raise the prompt's version and write the snapshot anew:
`python -m tests.unit.assistant.test_prompts`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.wording import PROMPTS, Prompt, load_prompt, load_toml

NAMES = sorted(path.stem for path in PROMPTS.glob("*.md"))
SNAPSHOTS = Path(__file__).resolve().parents[2] / "data" / "snapshots"


def full(prompt: Prompt) -> str:
    """The prompt as a model would read it, under its reference."""
    return f"{prompt.reference}\n\n{prompt.render(**prompt.sample)}\n"


@pytest.mark.parametrize("name", NAMES)
def test_every_prompt_renders_its_sample(name: str) -> None:
    prompt = load_prompt(name)
    rendered = prompt.render(**prompt.sample)
    assert prompt.id == name
    assert all(value in rendered for value in prompt.sample.values())
    assert "$" not in rendered


@pytest.mark.parametrize("name", NAMES)
def test_the_wording_is_the_reviewed_one(name: str) -> None:
    assert full(load_prompt(name)) == (SNAPSHOTS / f"{name}.txt").read_text(encoding="utf-8")


def test_every_piece_for_an_order_has_its_words() -> None:
    wording = load_toml("model.zh")
    assert set(wording["task"]) == {"reply", "answer", "moments", "group", "friend_request", "check"}
    assert set(wording["kind"]) == {"product", "regulation", "transcript", "playbook", "faq", "other"}
    assert set(wording["length"]) == {"short", "medium", "long"}
    assert set(wording["tone"]) == {"natural", "polite", "plain"}


if __name__ == "__main__":
    SNAPSHOTS.mkdir(parents=True, exist_ok=True)
    for each in NAMES:
        (SNAPSHOTS / f"{each}.txt").write_text(full(load_prompt(each)), encoding="utf-8")
