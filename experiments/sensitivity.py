"""Sensitivity: Sobol and Morris indices with intervals, joined by label, with the luck of seeds split out.

Every number finds its input through the design's labels (block, row), so no order of files or rows can spoil an index.
A base row that lost a run is left out whole and counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.frames import Frame
from experiments.pairing import Interval, resamples
from sim.errors import UsageError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Indices:
    """Sobol: `first` and `total` share of variance. Morris: `total` is mu*, `first` mu, `sigma` the spread of the
    effects."""

    method: str
    outcome: str
    factors: tuple[str, ...]
    first: tuple[Interval, ...]
    total: tuple[Interval, ...]
    sigma: tuple[float, ...]
    replicate_share: Interval
    """Share of the variance of a single run that is luck, not factors; NaN with one seed."""
    seeds: int
    """Seeds of each draw."""
    rows: int
    rows_left_out: int

    @property
    def flat(self) -> bool:
        """Whether no factor moves the outcome: shares of no variance are no numbers."""
        return all(math.isnan(total.value) or total.value == 0.0 for total in self.total)


def indices(frame: Frame) -> Indices:
    """The indices that fit the design of a frame. Raises UsageError for a design that is neither sobol nor morris."""
    blocks = {draw.block for draw in frame.draws}
    if "A" in blocks:
        return _sobol(frame)
    if "start" in blocks:
        return _morris(frame)
    raise UsageError("sensitivity needs a design with sampling of kind sobol or morris")


# --- Sobol (Saltelli et al. 2010, doi:10.1016/j.cpc.2009.09.018) ---


def _sobol(frame: Frame) -> Indices:
    names = sorted({draw.block[3:] for draw in frame.draws if draw.block.startswith("AB:")})
    columns = [_by_row(frame, block) for block in ("A", "B", *(f"AB:{name}" for name in names))]
    table = np.array(columns).transpose(1, 0, 2)
    """(base row, block, seed)"""
    whole = np.asarray(~np.isnan(table).any(axis=(1, 2)))
    kept = table[whole]
    if len(kept) < 2:
        raise UsageError(f"{int(whole.sum())} of {len(whole)} base rows are complete; resume the experiment first")
    means = kept.mean(axis=2)
    sample = resamples(len(means), name="sobol")
    spread = np.array([_estimates(means[rows]) for rows in sample])
    first, total = _estimates(means)
    return Indices(
        "sobol",
        frame.outcome,
        tuple(names),
        tuple(_interval(value, spread[:, 0, at], len(means)) for at, value in enumerate(first)),
        tuple(_interval(value, spread[:, 1, at], len(means)) for at, value in enumerate(total)),
        (),
        _replicates(kept[:, :2].reshape(-1, kept.shape[2])),
        kept.shape[2],
        len(means),
        int((~whole).sum()),
    )


def _estimates(means: Floats) -> Floats:
    """First-order (Saltelli 2010) and total (Jansen 1999) indices of (rows, blocks A B AB_1..AB_k); (2, k)."""
    a, b, mixed = means[:, :1], means[:, 1:2], means[:, 2:]
    variance = float(means[:, :2].var())
    if variance == 0.0:
        return np.full((2, mixed.shape[1]), np.nan)
    middle = float(means[:, :2].mean())
    first = ((b - middle) * (mixed - a)).mean(axis=0) / variance
    total = ((a - mixed) ** 2).mean(axis=0) / (2 * variance)
    return np.array([first, total])


# --- Morris (Morris 1991, doi:10.1080/00401706.1991.10484804; mu* by Campolongo et al. 2007) ---


def _morris(frame: Frame) -> Indices:
    names = sorted(frame.draws[0].factors)
    effects = _effects(frame, names)
    whole = np.asarray(~np.isnan(effects).any(axis=(1, 2)))
    kept = effects[whole].mean(axis=2)
    if len(kept) < 2:
        raise UsageError(f"{int(whole.sum())} of {len(whole)} trajectories are complete; resume the experiment first")
    taken = kept[resamples(len(kept), name="morris")]
    mu, mu_star = taken.mean(axis=1), np.abs(taken).mean(axis=1)
    return Indices(
        "morris",
        frame.outcome,
        tuple(names),
        tuple(_interval(float(kept[:, at].mean()), mu[:, at], len(kept)) for at in range(len(names))),
        tuple(_interval(float(np.abs(kept[:, at]).mean()), mu_star[:, at], len(kept)) for at in range(len(names))),
        tuple(float(kept[:, at].std(ddof=1)) for at in range(len(names))),
        _replicates(frame.values[~np.isnan(frame.values).any(axis=1)]),
        frame.values.shape[1],
        len(kept),
        int((~whole).sum()),
    )


def _effects(frame: Frame, names: list[str]) -> Floats:
    """Change of the outcome as each factor goes over its whole range's step, upward, (trajectory, factor, seed)."""
    rows = sorted({draw.row for draw in frame.draws})
    effects = np.full((len(rows), len(names), frame.values.shape[1]), np.nan)
    before: dict[int, Floats] = {}
    for at, draw in enumerate(frame.draws):
        if draw.block != "start":
            sign = 1.0 if draw.block[0] == "+" else -1.0
            effects[rows.index(draw.row), names.index(draw.block[1:])] = sign * (frame.values[at] - before[draw.row])
        before[draw.row] = frame.values[at]
    return effects


# --- both ---


def _by_row(frame: Frame, block: str) -> Floats:
    """Values of a block in the order of its rows, (rows, seeds)."""
    at = sorted((draw.row, place) for place, draw in enumerate(frame.draws) if draw.block == block)
    return frame.values[[place for _, place in at]]


def _replicates(values: Floats) -> Interval:
    """One-way random effects: variance between seeds of one draw over the variance of a run, (draws, seeds)."""
    if values.shape[1] < 2 or len(values) < 2:
        return Interval(float("nan"), float("nan"), float("nan"), values.shape[1])
    spread = np.array([_luck(values[rows]) for rows in resamples(len(values), 500, "replicates")])
    return _interval(_luck(values), spread, len(values))


def _luck(values: Floats) -> float:
    within = float(values.var(axis=1, ddof=1).mean())
    between = max(float(values.mean(axis=1).var(ddof=1)) - within / values.shape[1], 0.0)
    return within / (within + between) if within + between else float("nan")


def _interval(value: float, spread: Floats, n: int) -> Interval:
    low, high = np.nanquantile(spread, (0.025, 0.975)) if not np.isnan(spread).all() else (np.nan, np.nan)
    return Interval(float(value), float(low), float(high), n)
