"""Golden tables: the headline of each shipped world at seed 1. A change that moves one is renewed on purpose, in its own commit:

    CHOKEPOINT_RENEW_GOLDEN=1 python -m pytest tests/test_golden.py
"""

from __future__ import annotations

import csv
import math
import os
from pathlib import Path

import pytest

import sim
from sim.scenario_io import shipped_names

GOLDEN = Path(__file__).parent / "golden"
TEACHING = [name for name in shipped_names() if name.startswith("teaching/")]
FULL = ["history"]
REST = [name for name in shipped_names() if name not in (*TEACHING, *FULL)]
WORLDS = [*TEACHING, *FULL, *(pytest.param(name, marks=pytest.mark.slow) for name in REST)]
RELATIVE = 1e-9
"""Bits are promised on one machine and lock; across machines libraries may differ in the last."""


def table_of(name: str) -> dict[tuple[str, str], float]:
    """(figure with unit, year) -> value of the headline."""
    headline = sim.run(sim.load(name), 1, "headline").headline()
    return {(f"{figure.name} {figure.unit}", year): value
            for figure, row in zip(headline.figures, headline.readings, strict=True)
            for year, value in zip(headline.years, row, strict=True) if not math.isnan(value)}


def file_of(name: str) -> Path:
    return GOLDEN / f"{name.replace('/', '-')}.csv"


@pytest.mark.parametrize("name", WORLDS)
def test_the_headline_is_the_one_on_file(name: str) -> None:
    found = table_of(name)
    path = file_of(name)
    if os.environ.get("CHOKEPOINT_RENEW_GOLDEN"):
        with path.open("w", newline="") as file:
            rows = [(*key, repr(value)) for key, value in sorted(found.items())]
            csv.writer(file, lineterminator="\n").writerows([("figure", "year", "value"), *rows])
    with path.open(newline="") as file:
        known = {(row["figure"], row["year"]): float(row["value"]) for row in csv.DictReader(file)}
    assert found.keys() == known.keys()
    moved = [f"{figure} {year}: {known[figure, year]!r} is now {value!r}" for (figure, year), value in sorted(found.items())
             if not math.isclose(value, known[figure, year], rel_tol=RELATIVE, abs_tol=1e-12)]
    assert not moved, "\n".join(moved)
