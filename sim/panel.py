"""Panel: one observable as labelled series over ticks; what every metric returns and every table, fact and chart reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

OverTime = Literal["sum", "last", "mean"]


@dataclass(frozen=True)
class Panel:
    """Series of one observable.

    keys    one tuple a series, a label for each of `dims`; sorted, each once.
    values  (n_series, n_ticks) float64; NaN where there is no value (no trade, no price).
    over_time  how weeks combine in a window: a flow is summed, a stock is its last week's, a price is averaged.
    """

    name: str
    unit: str
    over_time: OverTime
    dims: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    values: NDArray[np.float64]

    def select(self, **filters: str | list[str] | tuple[str, ...]) -> Panel:
        """The series whose labels match every filter (one label or a list). Raises KeyError for an unknown dimension."""
        rows = list(range(len(self.keys)))
        for dim, wanted in filters.items():
            if dim not in self.dims:
                raise KeyError(f'{self.name} has no dimension "{dim}"; it has {", ".join(self.dims) or "none"}')
            at = self.dims.index(dim)
            allowed = {wanted} if isinstance(wanted, str) else set(wanted)
            rows = [row for row in rows if self.keys[row][at] in allowed]
        return replace(self, keys=tuple(self.keys[row] for row in rows), values=self.values[rows])

    def total(self) -> NDArray[np.float64]:
        """Sum over series by tick, (n_ticks,); NaN where no series has a value; zero series give zeros for flows and stocks."""
        if not self.keys:
            fill = np.nan if self.over_time == "mean" else 0.0
            return np.full(self.values.shape[1], fill)
        known = ~np.isnan(self.values)
        total: NDArray[np.float64] = np.where(known, self.values, 0.0).sum(axis=0)
        total[~known.any(axis=0)] = np.nan
        return total

    def over(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Each series over a window given as week weights (n_ticks,) from `Clock.window`; (n_series,)."""
        inside = np.flatnonzero(weights > 0)
        if not len(inside):
            return np.full(len(self.keys), np.nan)
        part, share = self.values[:, inside], weights[inside]
        if self.over_time == "last":
            return np.asarray(part[:, -1])
        known = ~np.isnan(part)
        summed = (np.where(known, part, 0.0) * share).sum(axis=1)
        if self.over_time == "sum":
            return np.asarray(summed)
        held = (known * share).sum(axis=1)
        return np.asarray(np.where(held > 0, summed / np.where(held > 0, held, 1.0), np.nan))
