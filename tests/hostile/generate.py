"""All hostile files, made by code: `python -m tests.hostile.generate FOLDER` writes those that a disk can hold.

The same bytes every time; nothing is kept in the repository.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.hostile.archives import archives, disguises, names
from tests.hostile.cases import Hostile
from tests.hostile.office import carriers, giants
from tests.hostile.pdfs import pdfs
from tests.hostile.texts import addressed, encodings, endless, nested, searching

_FAMILIES = (
    archives, disguises, names, carriers, giants, pdfs, encodings, endless, nested, searching, addressed,
)  # fmt: skip


def hostile_files(*, slow: bool = True) -> list[Hostile]:
    """Every file, or only those that are done with within a second."""
    slow_families = () if slow else (endless, nested, searching)
    families = [family for family in _FAMILIES if family not in slow_families]
    found = [case for family in families for case in family() if slow or not case.slow]
    if len({case.name for case in found}) != len(found):
        raise ValueError("two hostile files have one name")
    return found


def main() -> None:
    """Write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for case in hostile_files():
        if case.on_disk:
            (folder / case.name).write_bytes(case.make())


if __name__ == "__main__":
    main()
