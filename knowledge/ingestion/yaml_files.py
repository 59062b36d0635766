"""YAML as people write it: every scalar stays the text that was typed (0.10% and 1.50 keep their zeros)."""

from __future__ import annotations

import re
from typing import Any

import yaml

_AT_START = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)(?:\r?\n)?^---[ \t]*(?:\r?\n|\Z)", re.S | re.M)
_MOST_DEPTH = 50
_LONGEST_FRONT_MATTER = 200_000  # characters
# An anchor or an alias, or more nesting on one line or by indentation than anybody writes.
_SUSPICIOUS = re.compile(r"[&*]\w|(?:[\[{]\s*){10}|^[ \t]*(?:[-?][ \t]+){10}|^ {60}", re.M)
_KEPT = {"tag:yaml.org,2002:null", "tag:yaml.org,2002:merge"}
_BOOLEAN = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")


class YamlInvalid(Exception):
    """This is not YAML that we read; the message says where."""


class _VerbatimLoader(yaml.CSafeLoader):
    """Knows null and true/false; numbers and dates stay text, and pydantic turns them into what a field asks for."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value in seen:
                raise YamlInvalid(f"line {key.start_mark.line + 1}: key given twice or not a word")
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


_VerbatimLoader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag in _KEPT]
    for letter, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_VerbatimLoader.add_implicit_resolver("tag:yaml.org,2002:bool", _BOOLEAN, list("tTfF"))


class _VerbatimDumper(yaml.SafeDumper):
    """Writes what `_VerbatimLoader` reads: dates and numbers as plain text, several lines as a block, no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_VerbatimDumper.yaml_implicit_resolvers = _VerbatimLoader.yaml_implicit_resolvers
_VerbatimDumper.add_representer(str, _text)


def dump_yaml(value: Any) -> str:
    """JSON-ready data without numbers as YAML that `load_yaml` reads back to the same data."""
    text: str = yaml.dump(value, Dumper=_VerbatimDumper, allow_unicode=True, sort_keys=False, width=10_000)
    return text


def load_yaml(text: str) -> Any:
    """Parse one YAML document. Raises: YamlInvalid, also for anchors and aliases, which can blow up."""
    try:
        if _SUSPICIOUS.search(text) or text.count("[") + text.count("{") > text.count("\n") * 8 + 50:
            _check_shape(text)
        return yaml.load(text, _VerbatimLoader)  # noqa: S506  # a subclass of the safe loader
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else 0
        raise YamlInvalid(f"line {line}: {exc.problem}") from exc
    except (yaml.YAMLError, RecursionError, ValueError) as exc:
        raise YamlInvalid(type(exc).__name__) from exc


def _check_shape(text: str) -> None:
    """Look at the events first: the loader's own recursion ends the process on deep nesting."""
    depth = 0
    for event in yaml.parse(text, yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise YamlInvalid("anchors and aliases are not read")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MOST_DEPTH:
            raise YamlInvalid("nested too deep")


def split_front_matter(text: str) -> tuple[str, str]:
    """(front matter, body); the front matter is empty when there is none, or more than anybody writes by hand."""
    found = _AT_START.match(text)
    if found is None or len(found.group(1)) > _LONGEST_FRONT_MATTER:
        return "", text
    return found.group(1), text[found.end() :]
