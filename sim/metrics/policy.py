"""Policy: licences, what enforcement sees and takes, and what buyers expect of the rules."""

from __future__ import annotations

import numpy as np

from sim.metrics.base import Floats, Key, Series, Tally, metric
from sim.units import WEEKS_PER_YEAR

_DECIDED_WEEKS = 13


@metric(unit="chips", over_time="sum", dims=("vendor", "chip", "stage"), standard=("vendor", "chip", "stage"))
def licences(tally: Tally) -> Series:
    """Chips asked for under licence (stage asked) and granted (stage granted) in the week."""
    keys: list[Key] = []
    parts: list[Floats] = []
    for stage in ("asked", "granted"):
        cells, values = tally.state(f"licences_{stage}")
        keys += [(tally.chip_vendor[chip], tally.names["chip"][chip], stage) for (chip,) in cells]
        parts.append(values)
    return Series(keys, np.concatenate(parts))


@metric(unit="chips", over_time="last", dims=("vendor", "chip"), standard=("vendor", "chip"))
def licences_pending(tally: Tally) -> Series:
    """Chips in the licence queue, end of week."""
    cells, values = tally.state("licences_pending")
    return Series([(tally.chip_vendor[chip], tally.names["chip"][chip]) for (chip,) in cells], values)


@metric(unit="days", over_time="mean", dims=("vendor", "chip"), standard=("vendor", "chip"))
def licence_days(tally: Tally) -> Series:
    """Days an application waits: chips pending over mean grants of 13 weeks (Little 1961); none without grants."""
    pending = tally.record.state["licences_pending"].T.astype(np.float64)
    granted = tally.record.state["licences_granted"].T.astype(np.float64)
    run = np.cumsum(np.pad(granted, ((0, 0), (_DECIDED_WEEKS, 0))), axis=1)
    pace = (run[:, _DECIDED_WEEKS:] - run[:, :-_DECIDED_WEEKS]) / _DECIDED_WEEKS
    days = np.where(pace > 0, 7.0 * pending / np.where(pace > 0, pace, 1.0), np.nan)
    return Series(list(zip(tally.chip_vendor, tally.names["chip"], strict=True)), days)


@metric(unit="chips", over_time="sum", dims=("actor", "country", "vendor", "chip"), standard=("country",), headline=())
def seized_chips(tally: Tally) -> Series:
    """Chips taken in the week, by the distributor they were taken from and its seat."""
    cells, values = tally.state("seized_chips")
    chips = tally.names["chip"]
    return Series([(*_shop(tally, shop), tally.chip_vendor[chip], chips[chip]) for shop, chip in cells], values)


@metric(unit="USD", over_time="sum", dims=("actor", "country"), standard=("country",), headline=())
def seized_usd(tally: Tally) -> Series:
    """Value at list of what is taken in the week."""
    return _by_shop(tally, "seized_usd")


@metric(unit="USD", over_time="sum", dims=("actor", "country"), standard=("country",), headline=())
def case_usd(tally: Tally) -> Series:
    """Worth of a case: what the networks shut in the week had passed in about a year, at the price paid, taken or not."""
    return _by_shop(tally, "case_usd")


@metric(unit="cases", over_time="sum", dims=("actor", "country"), standard=("country",), headline=())
def cases(tally: Tally) -> Series:
    """Diversion networks shut in the week."""
    return _by_shop(tally, "busts")


@metric(unit="networks", over_time="last", dims=("actor", "country"), standard=("country",), headline=())
def active_networks(tally: Tally) -> Series:
    """Diversion networks at work, end of week."""
    return _by_shop(tally, "networks_active")


@metric(unit="per network-year", over_time="mean", dims=("actor", "country"), standard=())
def detection_rate(tally: Tally) -> Series:
    """Networks shut over networks at work, a year; over a window the ratio of sums."""
    active = tally.record.state["networks_active"].T.astype(np.float64)
    shut = tally.record.state["busts"].T * WEEKS_PER_YEAR
    rate = np.where(active > 0, shut / np.where(active > 0, active, 1.0), np.nan)
    return Series([_shop(tally, shop) for shop in range(len(active))], rate, active)


@metric(unit="probability", over_time="mean", dims=("vendor", "chip", "region"),
        standard=("vendor", "chip", "region=CN"))
def belief(tally: Tally) -> Series:
    """Buyers' belief that the chip is barred to them within a year."""
    cells, values = tally.state("belief")
    regions, chips = tally.names["region"], tally.names["chip"]
    return Series([(tally.chip_vendor[chip], chips[chip], regions[region]) for region, chip in cells], values)


def _by_shop(tally: Tally, state: str) -> Series:
    cells, values = tally.state(state)
    return Series([_shop(tally, shop) for (shop,) in cells], values)


def _shop(tally: Tally, shop: int) -> Key:
    return tally.names["distributor"][shop], tally.names["country"][tally.of["distributor_country"][shop]]
