"""What the shell's templates may show: one declared dataclass a template."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """What could not be done, and what to do."""

    status: int
    words: str


@dataclass(frozen=True, slots=True)
class SignInPage:
    """The way in. `token` is this form's own, kept in a cookie beside it; `then` the page to come back to."""

    token: str
    then: str = ""
    userid: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class PasswordPage:
    """A new password; `forced`: nothing else goes before."""

    forced: bool
    shortest: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Awaiting:
    """A number on the first page: key of its words in prompts/console.zh.toml, how many, where to look."""

    key: str
    count: int
    address: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class HomePage:
    """What awaits the viewer."""

    awaiting: tuple[Awaiting, ...] = ()
    standing: tuple[Awaiting, ...] = field(default=())
