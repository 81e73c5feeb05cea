"""Compute: what reaches its users, by which channel, what they hold, and what moves past a rule."""

from __future__ import annotations

import numpy as np

from sim.metrics.base import CN, LICENSED, Axis, Floats, Key, Rows, Series, Tally, metric

USED_FOR = ("both", "train", "infer")


@metric(unit="h100e", over_time="sum", dims=("actor", "country", "region", "channel", "use", "vendor", "chip"),
        standard=("region", "channel", "vendor"), headline=("region", "channel"))
def delivered_h100e(tally: Tally) -> Series:
    """Compute that comes to a user's ownership in the week; country and region are the end user's headquarters."""
    bought = tally.arrivals
    columns = tally.trades
    axes = [tally.labels("actor", "buyer", bought), tally.labels("country", "end_hq", bought),
            tally.labels("channel", "channel", bought), Axis(USED_FOR, columns["use"][bought] + 1),
            tally.labels("chip", "chip", bought)]
    keys, (values,) = tally.count(bought, axes, columns["chips"][bought] * tally.chip_h100e[columns["chip"][bought]])
    return Series([(actor, country, tally.country_region[country], channel, use, tally.vendor_of[chip], chip)
                   for actor, country, channel, use, chip in keys], values)


@metric(unit="h100e", over_time="last", dims=("vendor", "chip", "to", "region", "basis"),
        standard=("vendor", "region", "basis=ship_to|customer_hq"))
def licensed_h100e_cumulative(tally: Tally) -> Series:
    """Compute that vendors have delivered abroad or at home under the rules since the start, Chinese makers' sales in
    China apart."""
    sold = tally.sales[tally.trades["channel"][tally.sales] == LICENSED]
    amount = tally.trades["chips"][sold] * tally.chip_h100e[tally.trades["chip"][sold]]
    keys, values = _by_basis(tally, sold, amount)
    return Series(keys, values.cumsum(axis=1))


@metric(unit="chips", over_time="last", dims=("owner", "country", "region", "place", "channel", "vendor", "chip"),
        standard=("region=CN", "channel", "chip"))
def stock_chips(tally: Tally) -> Series:
    """Chips a lab owns, end of week, and (channel rented) chips it leases; country and region are the owner's
    headquarters, place is where the machine stands."""
    keys, _, values = tally.stock
    return Series(keys, values)


@metric(unit="h100e", over_time="last", dims=("owner", "country", "region", "place", "channel", "vendor", "chip"),
        standard=("region", "place", "channel"), headline=("region=CN", "place", "channel"))
def stock_h100e(tally: Tally) -> Series:
    """Compute a lab owns, end of week, and (channel rented) compute it leases, counted with its owner too."""
    keys, chips, values = tally.stock
    return Series(keys, values * tally.chip_h100e[chips][:, None])


@metric(unit="share", over_time="last", dims=("place",), standard=("place",), headline=("place",))
def compute_share(tally: Tally) -> Series:
    """Share of all owned compute (h100e) that stands in each region."""
    keys, chips, values = tally.stock
    owned = np.array([key[4] != "rented" for key in keys], dtype=bool)
    amount = np.where(owned[:, None], values * tally.chip_h100e[chips][:, None], 0.0)
    places = tally.names["region"]
    rows = np.array([places.index(key[3]) for key in keys], dtype=np.int64)
    sums = np.array([amount[rows == place].sum(axis=0) for place in range(len(places))])
    whole = sums.sum(axis=0)
    return Series([(place,) for place in places], np.where(whole > 0, sums / np.where(whole > 0, whole, 1.0), np.nan))


@metric(unit="chips", over_time="sum", dims=("route", "vendor", "chip", "to", "region"), standard=("route", "region"),
        headline=("region",))
def smuggled_chips(tally: Tally) -> Series:
    """Chips that come to a lab past a rule in the week, by lane, or by seller where it ships itself."""
    keys, (values,) = _smuggled(tally, np.ones(len(tally.names["chip"])))
    return Series(keys, values)


@metric(unit="h100e", over_time="sum", dims=("route", "vendor", "chip", "to", "region"), standard=("route", "region"),
        headline=("region",))
def smuggled_h100e(tally: Tally) -> Series:
    """Compute that comes to a lab past a rule in the week, by lane, or by seller where it ships itself."""
    keys, (values,) = _smuggled(tally, tally.chip_h100e)
    return Series(keys, values)


@metric(unit="share", over_time="mean", dims=("place",), standard=("place",), headline=())
def independence_index(tally: Tally) -> Series:
    """Share of new compute of Chinese users (training weights) that no foreign decree can revoke: Chinese designs made
    in Chinese fabs and standing in China. New compute is what arrives, and leases abroad as they grow."""
    new, safe = _new_compute(tally)
    places = tally.names["region"]
    return Series([(place,) for place in places], np.where(new > 0, safe / np.where(new > 0, new, 1.0), np.nan), new)


def _by_basis(tally: Tally, trades: Rows, amount: Floats) -> tuple[list[Key], Floats]:
    keys: list[Key] = []
    parts: list[Floats] = []
    for basis, axis in tally.sale_axes(trades):
        found, (values,) = tally.count(trades, [tally.labels("chip", "chip", trades), axis], amount)
        keys += [(tally.vendor_of[chip], chip, to, tally.country_region[to], basis) for chip, to in found]
        parts.append(values)
    return keys, np.concatenate(parts)


def _smuggled(tally: Tally, weight: Floats) -> tuple[list[Key], list[Floats]]:
    trades, columns = tally.smuggled, tally.trades
    lanes = tally.names["lane"]
    lane = columns["lane"][trades].astype(np.int64)
    route = Axis((*lanes, *tally.names["actor"]), np.where(lane >= 0, lane, len(lanes) + columns["seller"][trades]))
    axes = [route, tally.labels("chip", "chip", trades), tally.labels("country", "ship_to", trades)]
    keys, sums = tally.count(trades, axes, columns["chips"][trades] * weight[columns["chip"][trades]])
    return [(by, tally.vendor_of[chip], chip, to, tally.country_region[to]) for by, chip, to in keys], sums


def _new_compute(tally: Tally) -> tuple[Floats, Floats]:
    """New training weight of Chinese users by place, all of it and what is safe, both (n_regions, n_ticks)."""
    of, columns, regions = tally.of, tally.trades, tally.names["region"]
    home = tally.names["country"].index(CN)
    domestic = (of["maker_hq"][of["chip_maker"]] == home) & (of["chip_fab"] == home)
    bought = tally.arrivals[columns["end_hq"][tally.arrivals] == home]
    place = of["lab_region"][tally.lab_of_actor[columns["buyer"][bought]]]
    chip = columns["chip"][bought]
    weight = columns["chips"][bought] * of["chip_train_weight"][chip]
    at = place * tally.n_ticks + columns["tick"][bought]
    size = len(regions) * tally.n_ticks
    inside = domestic[chip] & (place == regions.index(CN))
    new, safe = (np.asarray(np.bincount(at[rows], weight[rows], size), dtype=np.float64).reshape(len(regions), -1)
                 for rows in (slice(None), inside))
    return new + _new_leases(tally), safe


def _new_leases(tally: Tally) -> Floats:
    """Training weight by which leases of Chinese users abroad grow, (n_regions, n_ticks)."""
    of, regions = tally.of, tally.names["region"]
    chinese = of["lab_hq"] == tally.names["country"].index(CN)
    leased = tally.record.state["rented_chips"][:, chinese].astype(np.float64).sum(axis=1)
    weight = (leased * of["chip_train_weight"][:, None]).sum(axis=1).T
    weight[regions.index(CN)] = 0.0
    return np.asarray(np.maximum(np.diff(weight, axis=1, prepend=0.0), 0.0))
