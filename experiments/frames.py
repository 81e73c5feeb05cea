"""Frames: outcomes of a store as arrays over policy, draw and seed, found by their keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.sampling import Scalar
from experiments.store import Store
from sim.errors import UsageError, nearest


@dataclass(frozen=True)
class Frame:
    """One outcome of one policy.

    values  (n_draws, n_seeds), NaN where the run failed or is not done.
    draws   what each row is: block, row and factor values, by the design's own labels.
    """

    outcome: str
    policy: str
    draws: tuple[Draw, ...]
    seeds: tuple[int, ...]
    values: NDArray[np.float64]

    @property
    def missing(self) -> int:
        return int(np.isnan(self.values).sum())


@dataclass(frozen=True)
class Draw:
    """A point of the design."""

    draw: int
    block: str
    row: int
    factors: dict[str, Scalar]


def frames(store: Store, outcome: str) -> dict[str, Frame]:
    """Policy -> its frame. Raises UsageError for an outcome the experiment did not keep."""
    known = sorted(store.design.outcomes)
    if outcome not in known:
        raise UsageError(f'the experiment keeps no outcome "{outcome}"; {nearest(outcome, known) or "it keeps none"}')
    columns = store.runs().to_pydict()
    factors = store.design.factor_names
    seeds = tuple(seed for batch in store.seed_batches for seed in batch)
    return {policy: _frame(outcome, policy, columns, factors, seeds) for policy in store.design.all_policies()}


def chosen(store: Store, outcome: str, policy: str = "") -> Frame:
    """The frame of one policy, the first when none is named. Raises UsageError for an unknown one."""
    by_policy = frames(store, outcome)
    if policy and policy not in by_policy:
        raise UsageError(f'the experiment has no policy "{policy}"; {nearest(policy, sorted(by_policy))}')
    return by_policy[policy] if policy else next(iter(by_policy.values()))


def _frame(
    outcome: str, policy: str, columns: dict[str, list[Any]], factors: list[str], seeds: tuple[int, ...]
) -> Frame:
    rows = [row for row, name in enumerate(columns["policy"]) if name == policy]
    draws: dict[int, Draw] = {}
    for row in rows:
        said = {name: columns[name][row] for name in factors}
        draws.setdefault(
            columns["draw"][row], Draw(columns["draw"][row], columns["block"][row], columns["row"][row], said)
        )
    ordered = tuple(draws[number] for number in sorted(draws))
    place = {draw.draw: at for at, draw in enumerate(ordered)}
    column = {seed: at for at, seed in enumerate(seeds)}
    values = np.full((len(ordered), len(seeds)), np.nan)
    found = columns.get(outcome, [None] * len(columns["policy"]))
    for row in rows:
        if found[row] is not None:
            values[place[columns["draw"][row]], column[columns["seed"][row]]] = found[row]
    return Frame(outcome, policy, ordered, seeds, values)
