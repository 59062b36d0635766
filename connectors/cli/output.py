"""How commands speak: results on standard output, progress and remarks on standard error.

Texts of customers, documents and models are data: they are never read as markup, and control characters are dropped.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Sequence
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.text import Text

_PIPE_WIDTH = 160  # columns of a table that nobody's window limits
_KEPT_CONTROLS = "\n\t"


def words(key: str, **slots: object) -> str:
    """A sentence of prompts/cli.zh.toml, e.g. `words("ingest.done", count=3)`."""
    from string import Template

    from assistant.wording import load_toml

    found: Any = load_toml("cli.zh")
    for part in key.split("."):
        found = found[part]
    return Template(str(found)).substitute({name: str(value) for name, value in slots.items()})


def labels(table: str) -> dict[str, str]:
    """A table of names in prompts/cli.zh.toml, by code."""
    from assistant.wording import load_toml

    return {str(code): str(name) for code, name in load_toml("cli.zh")[table].items()}


def printable(text: str) -> str:
    """`text` without control characters and lone surrogates."""
    kept = "".join(c for c in text if c in _KEPT_CONTROLS or (c >= " " and not "\x7f" <= c <= "\x9f"))
    return kept.encode("utf-8", "replace").decode("utf-8")


def speak_chinese() -> None:
    """Make standard streams carry any text: an encoding without Chinese becomes UTF-8, what else is missing a `?`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                encoding=stream.encoding if _knows_chinese(stream.encoding) else "utf-8", errors="replace"
            )


def _knows_chinese(encoding: str) -> bool:
    try:
        return bool("外脑".encode(encoding))
    except UnicodeEncodeError:
        return False


def emit(value: Any) -> None:
    """One JSON value as one line on standard output, in UTF-8 whatever the terminal speaks."""
    sys.stdout.flush()
    sys.stdout.buffer.write(as_line(value).encode())
    sys.stdout.buffer.flush()


def as_line(value: Any) -> str:
    """One JSON value as a line; lone surrogates become question marks."""
    line = json.dumps(value, ensure_ascii=False, default=str)
    return line.encode("utf-8", "replace").decode("utf-8") + "\n"


def show(text: str) -> None:
    """A result for people, on standard output."""
    sys.stdout.write(printable(text) + "\n")
    sys.stdout.flush()


def remark(text: str) -> None:
    """A remark for people, on standard error."""
    sys.stderr.write(printable(text) + "\n")
    sys.stderr.flush()


def show_table(headers: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "") -> None:
    """A table on standard output, or a word that there is nothing; cells other than rich Text are written out."""
    from rich.table import Table

    rows = list(rows)
    if not rows:
        show(words("table.empty"))
        return

    table = Table(title=title or None, title_justify="left", header_style="bold")
    for header in headers:
        table.add_column(header, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    _console(sys.stdout).print(table)


def show_text(text: Text) -> None:
    """A styled text on standard output."""
    _console(sys.stdout).print(text)


def progress() -> Progress:
    """A progress display on standard error; silent where nobody watches."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = _console(sys.stderr)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _cell(value: object) -> Text:
    from rich.text import Text

    return value if isinstance(value, Text) else Text(printable("" if value is None else str(value)))


def _console(stream: IO[str]) -> Console:
    from rich.console import Console

    width = None if stream.isatty() else _PIPE_WIDTH
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)
