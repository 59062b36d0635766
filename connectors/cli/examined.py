"""A finding of `doctor` as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from string import Template

from assistant.wording import load_toml


class State(StrEnum):
    """How serious a finding is."""

    GOOD = "good"
    NOTICE = "notice"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Examined:
    """One finding; `key` names its sentences in prompts/doctor.zh.toml."""

    check: str
    state: State
    key: str
    slots: Mapping[str, object] = field(default_factory=dict)

    def told(self) -> tuple[str, str, str]:
        """What was looked at, what was found, what to do."""
        table = load_toml("doctor.zh")
        said = table[self.check][self.key]
        slots = {name: str(value) for name, value in self.slots.items()}
        found, todo = (Template(said.get(part, "")).substitute(slots) for part in ("found", "todo"))
        return table["names"][self.check], found, todo
