"""Commands `check` and `redact`: judge or mask texts without database and without a data folder."""

from __future__ import annotations

import enum
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, TypeVar

import typer

from connectors.cli.door import Door
from connectors.cli.failing import CommandFailed
from connectors.cli.options import AsJson, OnDay
from connectors.cli.output import emit, labels, remark, show, show_table, show_text, words

if TYPE_CHECKING:
    from pydantic import BaseModel

    from assistant.compliance.checking import CheckLine, CheckResult

STDIN = "-"
STYLES = {"B": "bold red", "R": "bold yellow", "W": "underline"}

LinesIn = Annotated[str | None, typer.Option("--jsonl", metavar="IN", help="One JSON a line; - for standard input.")]
LinesOut = Annotated[str | None, typer.Option("--out", metavar="OUT", help="Default, and -: standard output.")]


class Kind(enum.StrEnum):
    """Where a text is going to be published."""

    REPLY = "reply"
    MOMENTS = "moments"
    GROUP = "group"
    FRIEND_REQUEST = "friend_request"


def check(
    ctx: typer.Context,
    text: Annotated[str | None, typer.Argument(metavar="[TEXT|-]", help="The text; - reads standard input.")] = None,
    jsonl: LinesIn = None,
    out: LinesOut = None,
    kind: Annotated[Kind, typer.Option("--kind")] = Kind.REPLY,
    product_type: Annotated[str, typer.Option("--product-type", help="wealth, fund, deposit, insurance...")] = "none",
    product_level: Annotated[str | None, typer.Option("--product-level", help="R1-R5")] = None,
    customer_level: Annotated[str | None, typer.Option("--customer-level", help="C1-C5, NONE or EXPIRED")] = None,
    customer_age: Annotated[int | None, typer.Option("--customer-age", min=0, max=150)] = None,
    context: Annotated[str | None, typer.Option("--context", help="The customer's last words.")] = None,
    on: OnDay = None,
    as_json: AsJson = False,
) -> None:
    """Judge texts by the compliance gate."""
    from assistant.compliance.checking import CheckLine, check_line

    _refuse_mixtures(text, jsonl, out)
    door: Door = ctx.obj
    gate, day = door.run.load_gate(), on or door.today()
    if jsonl is not None:
        each_line(jsonl, out, CheckLine, lambda line: check_line(gate, line, on=day))
        return
    about = {
        "kind": kind.value,
        "product_type": product_type,
        "product_level": product_level,
        "customer_level": customer_level,
        "customer_age": customer_age,
        "context": context,
    }
    line = CheckLine.model_validate({**about, "text": _given(text)})
    result = check_line(gate, line, on=day)
    if as_json:
        emit(result.model_dump(mode="json"))
    else:
        _show_check(line, result, {rule.code: rule.title for rule in gate.packs.rules})


def redact(
    text: Annotated[str | None, typer.Argument(metavar="[TEXT|-]", help="The text; - reads standard input.")] = None,
    jsonl: LinesIn = None,
    out: LinesOut = None,
    as_json: AsJson = False,
) -> None:
    """Mask personal data in texts."""
    from assistant.compliance.checking import RedactLine, redact_line
    from assistant.compliance.privacy import PersonalDataFinder

    _refuse_mixtures(text, jsonl, out)
    finder = PersonalDataFinder.load()
    if jsonl is not None:
        each_line(jsonl, out, RedactLine, lambda line: redact_line(finder, line))
        return
    original = _given(text)
    result = redact_line(finder, RedactLine(text=original))
    if as_json:
        emit(result.model_dump(mode="json"))
        return
    show(result.text)
    kinds = labels("personal_data")
    for span in result.spans:
        remark(words("redact.span", kind=kinds.get(span.type, span.type), start=span.start, end=span.end))


_Line = TypeVar("_Line", bound="BaseModel")


def each_line(source: str, target: str | None, model: type[_Line], work: Callable[[_Line], BaseModel]) -> None:
    """Read, work on and write one JSON a line. Raises: CommandFailed naming file and line of what cannot be read."""
    from pydantic import ValidationError

    with _lines(source) as lines, written(target) as output:
        for number, raw in _numbered(source, lines):
            try:
                line = model.model_validate_json(raw)
            except ValidationError as exc:
                error = exc.errors(include_url=False, include_input=False, include_context=False)[0]
                problem = f"{'.'.join(map(str, error['loc'])) or 'JSON'}: {error['msg']}"
                raise CommandFailed("bad_line", file=source, line=number, problem=problem) from exc
            output.write(work(line).model_dump_json().encode() + b"\n")


@contextmanager
def _lines(source: str) -> Iterator[IO[bytes]]:
    if source == STDIN:
        yield sys.stdin.buffer
    else:
        with Path(source).open("rb") as file:
            yield file


def _numbered(source: str, lines: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines that hold something, numbered from 1; a byte order mark before the first one is dropped."""
    for number, raw in enumerate(lines, start=1):
        line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
        if line.strip():
            yield number, line


@contextmanager
def written(target: str | None) -> Iterator[IO[bytes]]:
    """Standard output, or a file that appears under its name only when everything is written."""
    if target is None or target == STDIN:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(target)
    if path.exists() and not path.is_file():  # a device such as /dev/null
        with path.open("wb") as file:
            yield file
        return
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _refuse_mixtures(text: str | None, jsonl: str | None, out: str | None) -> None:
    if text is not None and jsonl is not None:
        raise typer.BadParameter("TEXT 和 --jsonl 只能用一个")
    if out is not None and jsonl is None:
        raise typer.BadParameter("--out 只和 --jsonl 一起用")


def _given(text: str | None) -> str:
    if text is not None and text != STDIN:
        return text
    if text is None and sys.stdin.isatty():
        raise typer.BadParameter("请给出文字，或用 - 从标准输入读，或用 --jsonl")
    return sys.stdin.buffer.read().decode("utf-8-sig", "replace").strip()


def _show_check(line: CheckLine, result: CheckResult, titles: dict[str, str]) -> None:
    from rich.text import Text

    show(words(f"check.{result.verdict}"))
    marked = Text(line.text)
    for finding in reversed(result.findings):
        marked.stylize(STYLES.get(finding.severity, ""), finding.start, finding.end)
    show_text(marked)
    if result.findings:
        severities = labels("severities")
        rows = [
            (severities[f.severity], line.text[f.start : f.end], titles.get(f.code, f.code), f.basis, f.advice)
            for f in result.findings
        ]
        show_table(list(labels("check_columns").values()), rows)
    if result.revised and result.blocked:
        show(words("check.suggestion") + "\n" + result.revised)
