"""Panel: one observable as labelled series over ticks; what a metric returns and tables, facts and charts read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

OverTime = Literal["sum", "last", "mean"]


@dataclass(frozen=True)
class Panel:
    """Series of one observable.

    keys    one tuple a series, a label for each of `dims`; sorted, each once.
    values  (n_series, n_ticks) float64; NaN where there is no value (no trade, no price).
    over_time  how weeks combine in a window: a flow is summed, a stock is its last week's, a price is averaged.
    base    (n_series, n_ticks) what a mean is weighted by: the chips behind a price, all cards behind a share of cards,
            so that a window gives the ratio of sums; None weights alike. Only with over_time "mean".
    """

    name: str
    unit: str
    over_time: OverTime
    dims: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    values: NDArray[np.float64]
    base: NDArray[np.float64] | None = None

    def select(self, **filters: str | list[str] | tuple[str, ...]) -> Panel:
        """The series whose labels match every filter (one label or a list). KeyError for an unknown dimension."""
        rows = list(range(len(self.keys)))
        for dim, wanted in filters.items():
            if dim not in self.dims:
                raise KeyError(f'{self.name} has no dimension "{dim}"; it has {", ".join(self.dims) or "none"}')
            at = self.dims.index(dim)
            allowed = {wanted} if isinstance(wanted, str) else set(wanted)
            rows = [row for row in rows if self.keys[row][at] in allowed]
        base = None if self.base is None else self.base[rows]
        return replace(self, keys=tuple(self.keys[row] for row in rows), values=self.values[rows], base=base)

    def by(self, *dims: str) -> Panel:
        """The series told apart by these dimensions only: flows and stocks added up, means averaged by their base.
        Raises KeyError for an unknown dimension."""
        for dim in dims:
            if dim not in self.dims:
                raise KeyError(f'{self.name} has no dimension "{dim}"; it has {", ".join(self.dims) or "none"}')
        at = [self.dims.index(dim) for dim in dims]
        short = [tuple(key[i] for i in at) for key in self.keys]
        order = sorted(range(len(short)), key=short.__getitem__)
        starts = [i for i, row in enumerate(order) if i == 0 or short[row] != short[order[i - 1]]]
        keys = tuple(short[order[i]] for i in starts)
        values, unknown = self.values[order], np.isnan(self.values[order])
        if self.over_time != "mean" and not unknown.any():
            return replace(self, dims=dims, keys=keys, values=_added(values, starts))
        known, amount = ~unknown, np.where(unknown, 0.0, values)
        if self.over_time != "mean":
            held = _added(known, starts)
            return replace(self, dims=dims, keys=keys, values=np.where(held > 0, _added(amount, starts), np.nan))
        weight = known if self.base is None else np.where(known, self.base[order], 0.0)
        base = _added(weight, starts)
        mean = np.where(base > 0, _added(amount * weight, starts) / np.where(base > 0, base, 1.0), np.nan)
        return replace(self, dims=dims, keys=keys, values=mean, base=None if self.base is None else base)

    def total(self) -> NDArray[np.float64]:
        """One series of them all by tick, (n_ticks,), as in `by()`; of no series a flow or stock is 0, a mean NaN."""
        if not self.keys:
            return np.full(self.values.shape[1], np.nan if self.over_time == "mean" else 0.0)
        return np.asarray(self.by().values[0])

    def over(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Each series over a window given as week weights (n_ticks,) from `Clock.window`; (n_series,)."""
        inside = np.flatnonzero(weights > 0)
        if not len(inside):
            return np.full(len(self.keys), np.nan)
        part, share = self.values[:, inside], weights[inside]
        if self.over_time == "last":
            return np.asarray(part[:, -1])
        if self.base is not None:
            share = share * self.base[:, inside]
        known = ~np.isnan(part)
        summed = (np.where(known, part, 0.0) * share).sum(axis=1)
        if self.over_time == "sum":
            return np.asarray(summed)
        held = (known * share).sum(axis=1)
        return np.asarray(np.where(held > 0, summed / np.where(held > 0, held, 1.0), np.nan))


def _added(values: NDArray[Any], starts: list[int]) -> NDArray[np.float64]:
    """Rows of values (n_series, n_ticks) added up in runs that begin at `starts`, in row order, (n_runs, n_ticks)."""
    if not starts:
        return np.zeros((0, values.shape[1]))
    return np.asarray(np.add.reduceat(values.astype(np.float64), starts, axis=0))
