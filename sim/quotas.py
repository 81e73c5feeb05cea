"""Quotas: limits on quantity become caps on what each buyer may be shipped of each part, spent at the queue.

A quota counts chips, or chips x tpp, over its cells, once for each part, country, customer or for all together. What is left
of it is shared by the rule it names: first come, in order of weeks waited; pro rata to what is queued; auction, in order of
what a unit of the quota is worth to the buyer. Ties go by hashed id. So the market never sees a weighted side constraint.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.kernel import kernel
from sim.terms import Quota

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Limit(NamedTuple):
    """A quota in force, laid out in the frame's rows.

    name   of its rule, and its place among the rule's quotas: what it has spent is kept under it.
    cells  (buyers, chips) that it counts; group the row of its tally for each, -1 outside.
    unit   (chips,) what one card takes of it.
    """

    name: tuple[int, int]
    quota: Quota
    cells: Bools
    group: Ints
    unit: Floats


def limits(quotas: tuple[Quota, ...], cells: list[Bools], country: Ints, tpp: Floats) -> tuple[Limit, ...]:
    """Lay quotas out: cells (buyers, chips) of each, country (buyers,) rows, tpp (chips,)."""
    out, seen = [], dict[int, int]()
    for quota, mask in zip(quotas, cells, strict=True):
        place = seen.get(quota.rule, 0)
        seen[quota.rule] = place + 1
        rows, columns = np.indices(mask.shape)
        by = {"all": np.zeros_like(rows), "model": columns, "customer": rows, "country": country[rows]}[quota.per]
        group = np.where(mask, by, -1)
        out.append(Limit((quota.rule, place), quota, mask, group, tpp if quota.unit == "tpp" else np.ones(len(tpp))))
    return tuple(out)


@dataclass
class QuotaBook:
    """What quotas have left.

    spent      name -> tallies of the running period, in the quota's unit
    by_country (countries, chips) chips shipped since the run began, for shares of home sales
    """

    n_buyers: int
    n_chips: int
    n_countries: int
    spent: dict[tuple[int, int], Floats] = field(default_factory=dict)
    period: dict[tuple[int, int], int] = field(default_factory=dict)
    by_country: Ints = field(init=False)

    def __post_init__(self) -> None:
        self.by_country = np.zeros((self.n_countries, self.n_chips), dtype=np.int64)

    def room(self, limit: Limit, tick: int, home: int) -> Floats:
        """What is left of a quota, (tallies,) in its unit; home is the row of its home country, -1 for none."""
        quota = limit.quota
        turn = (tick - quota.since_tick) // quota.period_weeks if quota.period_weeks else 0
        if limit.name not in self.spent or self.period[limit.name] != turn:
            self.spent[limit.name] = np.zeros(max(self.n_buyers, self.n_chips, self.n_countries))
            self.period[limit.name] = turn
        spent = self.spent[limit.name]
        if quota.unit != "home_share":
            return np.maximum(quota.cap - spent, 0.0)
        sold = np.zeros(self.n_chips) if home < 0 else quota.cap * self.by_country[home]
        whole = np.full(len(spent), float(sold.cumsum()[-1]))
        whole[: self.n_chips] = np.where(quota.per == "model", sold, whole[: self.n_chips])
        return np.maximum(whole - spent, 0.0)

    def cap(self, limit: Limit, room: Floats, cap: Ints, queue: Ints, waited: Floats, worth: Floats, keys: NDArray[np.uint64]
            ) -> Ints:
        """The part of `cap` (buyers, chips) that a quota leaves, of what is queued.

        waited (buyers, chips) weeks; worth (buyers, chips) USD a card to the buyer; keys (buyers,) hashed ids.
        """
        wanted = np.minimum(np.where(limit.cells, queue, 0), cap)
        buyer, chip = np.nonzero(wanted)
        rank = {"first_come": waited[buyer, chip], "pro_rata": wanted[buyer, chip] * limit.unit[chip],
                "auction": worth[buyer, chip] / limit.unit[chip]}[limit.quota.allocation]
        order = np.lexsort((chip, keys[buyer], -rank))
        given = _share(limit.group[buyer, chip][order], limit.unit[chip][order], wanted[buyer, chip][order], room.copy(),
                       limit.quota.allocation == "pro_rata")
        out = np.where(limit.cells, 0, cap)
        out[buyer[order], chip[order]] = given
        return out

    def remember(self, in_force: tuple[Limit, ...], shipped: Ints, country: Ints) -> None:
        """Spend this week's shipments (buyers, chips)."""
        buyer, chip = np.nonzero(shipped)
        np.add.at(self.by_country, (country[buyer], chip), shipped[buyer, chip])
        for limit in in_force:
            if limit.name in self.spent:
                own = limit.cells[buyer, chip]
                rows, columns = buyer[own], chip[own]
                np.add.at(self.spent[limit.name], limit.group[rows, columns], shipped[rows, columns] * limit.unit[columns])


@kernel
def _share(group: Any, unit: Any, wanted: Any, room: Any, pro_rata: bool) -> Any:
    """Whole chips each row may have of its group's room, (rows,), given in order; pro rata: a like part of every want first."""
    n = group.shape[0]
    given = np.zeros(n, dtype=np.int64)
    if pro_rata:
        need = np.zeros(room.shape[0])
        for k in range(n):
            need[group[k]] += wanted[k] * unit[k]
        part = np.zeros(room.shape[0])
        for g in range(room.shape[0]):
            part[g] = min(1.0, room[g] / need[g]) if need[g] > 0.0 else 0.0
        for k in range(n):
            given[k] = np.int64(wanted[k] * part[group[k]])
            room[group[k]] -= given[k] * unit[k]
    for k in range(n):
        more = min(wanted[k] - given[k], np.int64(max(room[group[k]], 0.0) / unit[k]))
        if pro_rata:
            more = min(more, 1)
        given[k] += more
        room[group[k]] -= more * unit[k]
    return given
