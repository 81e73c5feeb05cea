"""Bench pairing: how many times fewer seeds keyed random numbers need than independent seeds, for each shipped
counterfactual.

Parameters stand at their centre, so that luck is all that a pair shares: with posterior draws, which pairs share too,
the factors would be larger.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

from experiments import console
from experiments.common import Bar
from experiments.compare import WHOLE, Comparison, Side, comparison, jobs_of, read_all
from experiments.comparing import MATRIX, counterfactuals


def measure(base: str, seeds: Sequence[int], workers: int, bar: Bar) -> list[dict[str, Any]]:
    """One row a counterfactual: Var(independent difference) over Var(paired difference) of each figure of the whole run,
    by the figure's name, their median, and how many pairs ran."""
    first, others = Side(base), [Side(name) for name in counterfactuals(base)]
    try:
        found = read_all(jobs_of((first, *others), seeds), workers, bar)
    finally:
        bar.close()
    return [_row(comparison(first, other, seeds, found)) for other in others]


def _row(found: Comparison) -> dict[str, Any]:
    factors = {line.figure.name: line.difference.variance_factor for line in found.lines if line.window == WHOLE}
    known = [factor for factor in factors.values() if not math.isnan(factor)]
    return {
        "counterfactual": found.b.name,
        "pairs": len(found.seeds),
        "failed": len(found.failures),
        "median": statistics.median(known) if known else math.nan,
        "factors": factors,
    }


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows with the columns of `compare --all`; a dash where luck moves neither world."""
    head = ["", *(title.partition("\n")[0] for _, title in MATRIX), "median of all", "pairs"]
    return console.table(head, [_cells(row) for row in rows])


def _cells(row: dict[str, Any]) -> list[str]:
    shown = [row["factors"].get(name, math.nan) for name, _ in MATRIX]
    pairs = f"{row['pairs']}" + (f" ({row['failed']} failed)" if row["failed"] else "")
    return [row["counterfactual"], *(_said(factor) for factor in (*shown, row["median"])), pairs]


def _said(factor: float) -> str:
    return "–" if math.isnan(factor) else "∞" if math.isinf(factor) else f"{factor:.3g}"
