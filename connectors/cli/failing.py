"""Every failure of a command as one Chinese line with what to do, a code, and the exit status 1."""

from __future__ import annotations

from string import Template
from typing import Any

import typer
from typer.core import TyperGroup

from connectors.cli.output import remark, speak_chinese

FAILED = 1


class CommandFailed(Exception):
    """A command could not do its work for a reason of its own; `code` is a key of prompts/errors.zh.toml."""

    def __init__(self, code: str, **slots: object) -> None:
        super().__init__(code)
        self.code = code
        self.slots = slots


class CommandGroup(TyperGroup):
    """The root of all commands: what is raised below ends here as a sentence."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run with streams that can carry what commands say."""
        speak_chinese()
        return super().main(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; a known failure becomes a line on standard error and exit status 1."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort):
            raise
        except Exception as exc:
            told = told_as(exc)
            if told is None:
                raise
            remark(told)
            raise typer.Exit(FAILED) from exc


def told_as(exc: Exception) -> str | None:
    """The line for people, or None for what is no known failure (a usage error, or a defect of ours)."""
    from pydantic import ValidationError

    if isinstance(exc, CommandFailed):
        return _line(exc.code, exc.slots)
    if isinstance(exc, ValidationError):
        error = exc.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(map(str, error["loc"])) or "-"
        name = "settings_invalid" if exc.title == "Settings" else "input_invalid"
        return _line(name, {"field": f"WAINAO_{field.upper()}" if name[0] == "s" else field, "problem": error["msg"]})
    code, ids = getattr(exc, "code", None), getattr(exc, "ids", None)
    if isinstance(code, str) and isinstance(ids, dict):
        return _line(code, ids)
    if isinstance(exc, ModuleNotFoundError) and exc.name == "sentence_transformers":
        return _line("neural_missing", {})
    if isinstance(exc, OSError) and exc.strerror:
        return _line("file_trouble", {"file": exc.filename or "-", "problem": exc.strerror})
    return None


def _line(code: str, slots: dict[str, Any]) -> str:
    from assistant.wording import load_toml

    table = load_toml("errors.zh")
    reason = str(slots.get("reason", ""))
    sentence = _reason(code, slots) or table.get(f"{code}.{reason}") or table.get(code) or table["other"]
    template = Template(str(sentence))
    filled = template.substitute({name: str(slots.get(name, "-")) for name in template.get_identifiers()})
    return f"出错了（{code}）：{filled}"


def _reason(code: str, slots: dict[str, Any]) -> str | None:
    if code != "document_refused":
        return None
    from knowledge.ingestion.wording import reason_sentence

    ids = {name: str(value) for name, value in slots.items()}
    sentence = reason_sentence(ids.pop("reason", ""), **ids)
    return f"{ids.get('file', '')}：{sentence}".replace("$", "$$")
