"""Figures of load tests: percentiles, the machine's load, a table to read."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile, rounded to hundredths; `share` is 0 to 100. 0.0 for no values."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return round(ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)], 2)


def load_average() -> float:
    """Of the last minute."""
    return round(os.getloadavg()[0], 2)


def print_table(figures: Mapping[str, object]) -> None:
    """Name and value, one line each; groups by their dotted names."""
    table = Table("figure", "value")
    for name, value in _flat(figures):
        table.add_row(name, str(value))
    Console(width=110).print(table)


def _flat(figures: Mapping[str, object], before: str = "") -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = []
    for name, value in figures.items():
        rows += _flat(value, f"{before}{name}.") if isinstance(value, Mapping) else [(before + name, value)]
    return rows
