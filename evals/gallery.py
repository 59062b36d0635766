"""The gallery: what the product says today to the questions of one day, as a page to be read by people."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from assistant.asking import Answer, Asking, AskRequest

CASES = Path(__file__).resolve().parent / "datasets" / "gallery.toml"
HEADER = """# Gallery

What the offline composer drafts for 示例银行 on {on}, without a language model; made by `make gallery`, read by people
before each release. Under each draft: what it rests on and what the gate found.
"""


class Section(BaseModel):
    """Questions of one kind."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    questions: tuple[str, ...]


class Cases(BaseModel):
    """The whole page's questions, asked as `userid` on day `on`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    on: date
    userid: str
    section: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class GalleryCounts:
    """How many questions were drafted, blocked and left without an answer."""

    questions: int
    drafted: int
    blocked: int
    unknown: int


def read_cases(path: Path = CASES) -> Cases:
    """The questions, from TOML."""
    return Cases.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))


def render(asking: Asking, *, now: Callable[[], datetime], cases: Cases | None = None) -> tuple[str, GalleryCounts]:
    """The page in Markdown, and its counts."""
    cases = cases or read_cases()
    lines = [HEADER.format(on=cases.on.isoformat())]
    verdicts: list[str] = []
    for section in cases.section:
        lines.append(f"\n## {section.title}\n")
        for question in section.questions:
            answer = asking.ask(AskRequest(question, userid=cases.userid, on=cases.on), now=now())
            verdicts.append(answer.verdict)
            lines += _shown(question, answer)
    drafted = sum(verdict in ("pass", "revised") for verdict in verdicts)
    counts = GalleryCounts(len(verdicts), drafted, verdicts.count("blocked"), verdicts.count("unknown"))
    return "\n".join(lines) + "\n", counts


def _shown(question: str, answer: Answer) -> list[str]:
    lines = [f"### {question}\n"]
    texts = [answer.text, *(str(item["text"]) for item in answer.alternatives)]
    lines += [_quoted(text) for text in texts if text]
    if answer.text is None and answer.holding_reply:
        lines.append(f"没有依据。稳住客户的话：\n\n{_quoted(answer.holding_reply)}")
    if answer.question_back:
        lines.append(f"反问：{answer.question_back}\n")
    sources = "；".join(dict.fromkeys(f"《{c['title']}》第{c['version']}版" for c in answer.citations)) or "无"
    found = "、".join(dict.fromkeys(f"{f.title}（{f.severity}）" for f in answer.findings)) or "无"
    lines.append(f"依据：{sources}　结论：{answer.verdict}　问题点：{found}\n")
    return lines


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" if line else ">" for line in text.split("\n")) + "\n"
