"""As much of CSS as tells what a page hides: inline styles and rules for one element, class or id."""

from __future__ import annotations

import re
from collections.abc import Mapping

from knowledge.ingestion.formats.visibility import is_pale, is_pale_rgb, is_tiny

_RULE = re.compile(r"([^{}]{1,500})\{([^{}]{0,5000})\}")
_COMMENT = re.compile(r"/\*.{0,5000}?\*/", re.S)
_SIMPLE = re.compile(r"^[\w-]*(?:[.#][\w-]+)?$")
_DECLARATION = re.compile(r"([\w-]+)\s*:\s*([^;]+)")
_LENGTH = re.compile(r"^(\d*\.?\d+)\s*(px|pt|em|rem|%)?$")
_POINTS = {"px": 0.75, "pt": 1.0, "em": 12.0, "rem": 12.0, "%": 0.12, None: 0.75}
_RGB = re.compile(r"rgba?\((\d{1,3})[,\s]+(\d{1,3})[,\s]+(\d{1,3})(?:[,\s/]+([\d.]+%?))?\)")
_WHITES = {"white", "snow", "ivory", "whitesmoke", "ghostwhite", "floralwhite"}
_NO_COLOUR = {"", "none", "transparent", "inherit", "initial", "unset"}
_NOTHING = re.compile(r"^0*\.?0*%?$")
_MOST_RULES = 5_000


class Styles:
    """The rules of a page's style sheets."""

    def __init__(self) -> None:
        self._rules: dict[str, dict[str, str]] = {}

    def add(self, sheet: str) -> None:
        """Learn the simple selectors of a sheet; the others are passed over."""
        for found in _RULE.finditer(_COMMENT.sub("", sheet)):
            declarations = _declarations(found.group(2))
            for selector in found.group(1).split(","):
                if _SIMPLE.match(selector.strip()) and len(self._rules) < _MOST_RULES:
                    self._rules.setdefault(selector.strip().lower(), {}).update(declarations)

    def of(self, tag: str, attributes: Mapping[str, str | None]) -> dict[str, str]:
        """What holds for an element: rules from general to particular, its own style last."""
        marks = [f".{name}" for name in (attributes.get("class") or "").lower().split()]
        if attributes.get("id"):
            marks.append(f"#{(attributes['id'] or '').lower()}")
        style: dict[str, str] = {}
        for selector in (tag, *marks, *(f"{tag}{mark}" for mark in marks)):
            style |= self._rules.get(selector, {})
        return style | _declarations(attributes.get("style") or "")


def _declarations(text: str) -> dict[str, str]:
    found = _DECLARATION.findall(text.lower())
    return {name: value.replace("!important", "").strip() for name, value in found}


def hides(style: Mapping[str, str]) -> bool:
    """Whether an element is not shown at all, or in letters too small to see."""
    if style.get("display") == "none" or style.get("visibility") in {"hidden", "collapse"}:
        return True
    if "opacity" in style and _NOTHING.match(style["opacity"]):
        return True
    return is_tiny(_points(style.get("font-size", ""))) or style.get("color") == "transparent" or _is_outside(style)


def _is_outside(style: Mapping[str, str]) -> bool:
    if style.get("position") not in {"absolute", "fixed"} and "text-indent" not in style:
        return False
    return any(
        (found := re.match(r"^-(\d+)(?:px|em|pt)?$", style.get(side, ""))) and int(found.group(1)) >= 900
        for side in ("left", "top", "text-indent")
    )


def is_coloured(style: Mapping[str, str], attributes: Mapping[str, str | None]) -> bool:
    """Whether an element stands on a colour or a picture of its own, so that white letters can be read."""
    named = attributes.get("bgcolor") or style.get("background-color") or style.get("background") or ""
    picture = "background-image" in style or "url(" in style.get("background", "") or "gradient" in named
    return picture or (named not in _NO_COLOUR and not _is_white_name(named))


def is_white(style: Mapping[str, str], attributes: Mapping[str, str | None]) -> bool:
    """Whether an element's letters are white or nearly so."""
    return _is_white_name(style.get("color") or (attributes.get("color") or "").lower())


def _is_white_name(colour: str) -> bool:
    found = _RGB.match(colour)
    if found:
        clear = found.group(4) is not None and _NOTHING.match(found.group(4))
        return bool(clear) or is_pale_rgb(*(int(found.group(at)) for at in (1, 2, 3)))
    return colour in _WHITES or is_pale(colour)


def _points(length: str) -> float | None:
    found = _LENGTH.match(length)
    return float(found.group(1)) * _POINTS[found.group(2)] if found else None
