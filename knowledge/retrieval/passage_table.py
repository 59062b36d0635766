"""The passages of one revision: what all of a version say alike in memory, the words read when they are wanted.

The words of an approved passage never change, so what is read late is right; its dates and its audience are those of
the snapshot that asks. Up to some 60,000 passages all words stay in memory, of more those that were read last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, ValuesView
from dataclasses import dataclass, replace

from knowledge.documents import Passage, Source
from knowledge.errors import IndexUnavailable

_GENERATION = 60_000  # passages; at most two generations are in memory
_READ_AT_ONCE = 500

_EXPECTED_AT_MOST = 4 * _READ_AT_ONCE
_Joined = tuple[Passage, Passage]  # the version it was joined with, and the whole passage

ReadPassages = Callable[[Sequence[str]], Mapping[str, Passage]]


@dataclass(frozen=True, slots=True)
class Entry:
    """What is always in memory of a passage. `version` is the passage without its words, one for a whole version.

    `digest` changes with everything that is searched; `told`, `asked` and `countered` are content keys.
    """

    version: Passage
    digest: str
    told: str
    asked: tuple[str, ...]
    countered: tuple[str, ...]


class PassageWords:
    """Whole passages by id, read from the database some hundred at a time; shared by all snapshots of a process."""

    def __init__(self, read: ReadPassages) -> None:
        self._read = read
        self._young: dict[str, _Joined] = {}
        self._old: dict[str, _Joined] = {}
        self._expected: dict[str, None] = {}

    def keep(self, version: Passage, passage: Passage) -> Passage:
        """Hold the words of a passage; gives it as its snapshot has it."""
        if len(self._young) >= _GENERATION:
            self._old, self._young = self._young, {}
        joined = replace(
            version,
            passage_id=passage.passage_id,
            text=passage.text,
            known_questions=passage.known_questions,
            counter_questions=passage.counter_questions,
            source=passage.source,
        )
        self._young[passage.passage_id] = (version, joined)
        return joined

    def expect(self, name: str) -> None:
        """Say that a passage will be asked for soon: it is read together with the next one that has to be read."""
        if not self._holds(name):
            if len(self._expected) >= _EXPECTED_AT_MOST:
                self._expected = {}
            self._expected[name] = None

    def whole(self, name: str, version: Passage, version_of: Callable[[str], Passage | None]) -> Passage:
        """The passage of this version. Raises: IndexUnavailable when it is no longer in the database.

        Args:
            version_of: gives the version of any other passage that is read along.
        """
        held = self._young.get(name)
        if held is not None and held[0] is version:
            return held[1]
        held = held or self._old.get(name)
        return self.keep(version, held[1] if held else self._read_with_others(name, version_of))

    def _read_with_others(self, name: str, version_of: Callable[[str], Passage | None]) -> Passage:
        expected, self._expected = self._expected, {}
        others = [other for other in list(expected) if other != name and not self._holds(other)]
        read = self._read([name, *others[: _READ_AT_ONCE - 1]])
        for found, passage in read.items():
            if (version := version_of(found)) is not None:
                self.keep(version, passage)
        if name not in read:
            raise IndexUnavailable(index="passages", cause="gone")
        return read[name]

    def _holds(self, name: str) -> bool:
        return name in self._young or name in self._old


class PassageTable(Mapping[str, Passage]):
    """Passages by id, in the order in which they came."""

    def __init__(self, entries: dict[str, Entry], words: PassageWords) -> None:
        self.entries, self._words = entries, words

    def __getitem__(self, name: str) -> Passage:
        return self._words.whole(name, self.entries[name].version, self._version_of)

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def values(self) -> ValuesView[Passage]:
        """Every passage, read some hundred at a time."""
        return _Values(self)

    def several(self, names: Iterable[str]) -> Iterator[Passage]:
        """These passages, read some hundred at a time. Raises: KeyError for one that is not in the table."""
        ahead: list[str] = []
        for name in names:
            ahead.append(name)
            if len(ahead) == _READ_AT_ONCE:
                yield from self._together(ahead)
                ahead = []
        yield from self._together(ahead)

    def _together(self, names: Sequence[str]) -> list[Passage]:
        for name in names:
            self._words.expect(name)
        return [self[name] for name in names]

    def expect(self, name: str) -> None:
        """See PassageWords."""
        self._words.expect(name)

    def _version_of(self, name: str) -> Passage | None:
        entry = self.entries.get(name)
        return entry.version if entry is not None else None


class _Values(ValuesView[Passage]):
    def __init__(self, table: PassageTable) -> None:
        super().__init__(table)
        self._table = table

    def __iter__(self) -> Iterator[Passage]:
        return self._table.several(self._table.entries)


def version_of(passage: Passage) -> Passage:
    """The passage without its words."""
    return replace(passage, passage_id="", text="", known_questions=(), counter_questions=(), source=Source())
