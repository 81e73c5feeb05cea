"""Progress: what labs can train, how well, how far behind, how long their stock lasts; and the military among them."""

from __future__ import annotations

import numpy as np

from sim.metrics.base import Key, Series, Tally, metric

US_FRONTIER = "us_frontier"
"""Actor label of the frontier that the lag is measured against."""


@metric(unit="h100 train weights", over_time="last", dims=("owner", "country", "region"), standard=("owner", "region"),
        headline=("region",))
def training_compute(tally: Tally) -> Series:
    """Training worth of what a lab owns and rents, net of what it leases out."""
    return _by_lab(tally, "usable_train")


@metric(unit="h100 train weights", over_time="last", dims=("owner", "country", "region"), standard=("owner", "region"))
def training_use(tally: Tally) -> Series:
    """Training worth that a lab's own training uses, of what it owns and rents."""
    return _by_lab(tally, "in_training")


@metric(unit="h100 infer weights", over_time="last", dims=("owner", "country", "region"), standard=("owner", "region"))
def inference_compute(tally: Tally) -> Series:
    """Inference worth of what a lab owns and rents, net of what it leases out."""
    return _by_lab(tally, "usable_infer")


@metric(unit="x of 2022", over_time="mean", dims=("actor", "country", "region"), standard=("actor", "region"))
def efficiency(tally: Tally) -> Series:
    """Algorithmic efficiency: training compute of 2022 that one unit of compute is worth."""
    return _by_lab(tally, "efficiency")


@metric(unit="log10 FLOP", over_time="last", dims=("actor", "country", "region"), standard=("actor", "region"))
def capability(tally: Tally) -> Series:
    """Effective training compute of the best published run of a lab; actor `us_frontier` is the frontier of the lag."""
    keys, values, _ = _by_lab(tally, "capability")
    frontier = tally.record.state["frontier_us"][None, :]
    return Series([*keys, (US_FRONTIER, "US", "US")], np.concatenate([values, frontier]))


@metric(unit="log10 FLOP", over_time="last", dims=("actor", "country", "region"), standard=("actor", "region"))
def largest_run(tally: Tally) -> Series:
    """Training compute of the largest published run of a lab, efficiency not counted."""
    return _by_lab(tally, "largest_run")


@metric(unit="months", over_time="mean", headline=())
def lag_months(tally: Tally) -> Series:
    """How long ago the US frontier stood where the best Chinese lab stands."""
    return Series([()], tally.record.state["lag_months"][None, :])


@metric(unit="weeks", over_time="mean", dims=("actor", "country", "region"), standard=("actor", "region=CN"))
def runway_weeks(tally: Tally) -> Series:
    """Weeks that a lab's stock carries its planned growth of training."""
    return _by_lab(tally, "runway_weeks")


@metric(unit="weeks", over_time="mean", dims=("user",), standard=("user",), headline=("user",))
def military_access_weeks(tally: Tally) -> Series:
    """Weeks to reach 5,000 h100e, for a listed user and for a civil one."""
    return Series([(user,) for user in tally.names["place"]], tally.record.state["military_access_weeks"].T)


@metric(unit="ratio", over_time="mean", headline=())
def military_price_multiple(tally: Tally) -> Series:
    """Price of 5,000 h100e for a listed user over that for a civil one."""
    return Series([()], tally.record.state["military_price_multiple"][None, :])


@metric(unit="h100e", over_time="last", dims=("owner", "country", "channel", "place"), standard=("country", "channel"),
        headline=())
def military_compute_h100e(tally: Tally) -> Series:
    """Compute that labs linked to the military own or lease, end of week."""
    keys, chips, values = tally.stock
    military = {tally.names["lab"][lab] for lab in np.flatnonzero(tally.of["lab_military"])}
    rows = [row for row, key in enumerate(keys) if key[0] in military]
    groups: dict[Key, list[int]] = {}
    for row in rows:
        owner, country, _, place, channel, *_ = keys[row]
        groups.setdefault((owner, country, channel, place), []).append(row)
    worth = values * tally.chip_h100e[chips][:, None]
    sums = [worth[group].sum(axis=0) for group in groups.values()]
    return Series(list(groups), np.array(sums).reshape(-1, tally.n_ticks))


def _by_lab(tally: Tally, state: str) -> Series:
    cells, values = tally.state(state)
    keys = []
    for (lab,) in cells:
        country = tally.names["country"][tally.of["lab_hq"][lab]]
        keys.append((tally.names["lab"][lab], country, tally.country_region[country]))
    return Series(keys, values)
