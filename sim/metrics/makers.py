"""Makers: output, stores, what binds, redesigns, and a vendor's accounts."""

from __future__ import annotations

import numpy as np

from sim.metrics.base import Key, Series, Tally, metric
from sim.record import NEVER

BINDS = ("demand", "dies", "packaging", "memory", "booked capacity")
"""What the codes of the state `bottleneck` mean."""

SPECS = ("tpp", "io_gbps", "membw_gbps", "memory_gb")


@metric(unit="chips", over_time="sum", dims=("vendor", "chip"), standard=("vendor",))
def fab_output_chips(tally: Tally) -> Series:
    """Chips completed in the week."""
    return _by_chip(tally, "produced_chips")


@metric(unit="share", over_time="mean", dims=("vendor",), standard=("vendor",), name="yield")
def yield_share(tally: Tally) -> Series:
    """Good dies over gross, Chinese makers."""
    return _by_maker(tally, "yield_share")


@metric(unit="dies", over_time="last", dims=("vendor",), standard=("vendor",))
def die_bank(tally: Tally) -> Series:
    """Dies in store."""
    return _by_maker(tally, "die_bank_dies")


@metric(unit="stacks", over_time="last", dims=("vendor",), standard=("vendor",))
def hbm_stock(tally: Tally) -> Series:
    """Memory stacks in store, Chinese makers."""
    return _by_maker(tally, "hbm_stacks")


@metric(unit="share of weeks", over_time="mean", dims=("vendor", "input"), standard=("vendor", "input"))
def bottleneck(tally: Tally) -> Series:
    """1 in a week in which the input bound the maker's output, else 0: over a window, how often it did."""
    codes = tally.record.state["bottleneck"].T
    keys = [(vendor, bound) for vendor in tally.names["maker"] for bound in BINDS]
    return Series(keys, (codes[:, None, :] == np.arange(len(BINDS))[:, None]).reshape(len(keys), -1).astype(np.float64))


@metric(unit="parts", over_time="last", dims=("vendor", "chip", "stage"), standard=("vendor", "chip", "stage"))
def redesigns(tally: Tally) -> Series:
    """Parts cut from another: 1 from the week of announcement (stage announced) and of first volume (stage volume)."""
    keys: list[Key] = []
    values = []
    for chip in np.flatnonzero(tally.of["chip_cut_from"] >= 0):
        for stage in ("announced", "volume"):
            tick = int(tally.of[f"chip_{stage}_tick"][chip])
            keys.append((tally.chip_vendor[chip], tally.names["chip"][chip], stage))
            values.append(np.arange(tally.n_ticks) >= tick)
    return Series(keys, np.array(values, dtype=np.float64).reshape(-1, tally.n_ticks))


@metric(unit="as the spec says", over_time="last", dims=("vendor", "chip", "spec"), standard=None)
def redesign_specs(tally: Tally) -> Series:
    """Specifications of parts cut from another, from the week they are announced."""
    keys: list[Key] = []
    values = []
    cut = (tally.of["chip_cut_from"] >= 0) & (tally.of["chip_announced_tick"] < NEVER)
    for chip in np.flatnonzero(cut):
        known = np.arange(tally.n_ticks) >= tally.of["chip_announced_tick"][chip]
        for spec in SPECS:
            keys.append((tally.chip_vendor[chip], tally.names["chip"][chip], spec))
            values.append(np.where(known, float(tally.of[f"chip_{spec}"][chip]), np.nan))
    return Series(keys, np.array(values, dtype=np.float64).reshape(-1, tally.n_ticks))


@metric(unit="USD", over_time="sum", dims=("vendor", "chip"), standard=("vendor", "chip"), headline=("vendor",))
def writedown_usd(tally: Tally) -> Series:
    """Charge a vendor books on supply it cannot sell."""
    return _by_maker_chip(tally, "charge_usd")


@metric(unit="USD", over_time="sum", dims=("vendor", "chip"), standard=("vendor", "chip"))
def writedown_guided_usd(tally: Tally) -> Series:
    """Charge a vendor guides when a bar is announced, with nothing convertible."""
    return _by_maker_chip(tally, "charge_guided_usd")


@metric(unit="USD", over_time="sum", dims=("vendor", "chip"), standard=("vendor", "chip"), headline=("vendor",))
def lost_sales_usd(tally: Tally) -> Series:
    """Sales to quarter end that a bar prevents."""
    return _by_maker_chip(tally, "lost_sales_usd")


@metric(unit="USD", over_time="last", dims=("vendor",), standard=("vendor",))
def inventory_usd(tally: Tally) -> Series:
    """Finished chips and dies at cost."""
    return _by_maker(tally, "inventory_usd")


@metric(unit="USD", over_time="last", dims=("vendor",), standard=("vendor",))
def commitments_usd(tally: Tally) -> Series:
    """Supply booked and not yet delivered, at cost."""
    return _by_maker(tally, "commitments_usd")


@metric(unit="USD", over_time="last", dims=("vendor",), standard=("vendor",), headline=("vendor",))
def market_value_usd(tally: Tally) -> Series:
    """A vendor's market value."""
    return _by_maker(tally, "market_value_usd")


@metric(unit="share", over_time="sum", dims=("vendor",), standard=("vendor",), headline=("vendor",))
def announcement_return(tally: Tally) -> Series:
    """Price response to a rule announced in the week; 0 without one."""
    return _by_maker(tally, "announcement_return")


def _by_maker(tally: Tally, state: str) -> Series:
    cells, values = tally.state(state)
    return Series([(tally.names["maker"][maker],) for (maker,) in cells], values)


def _by_chip(tally: Tally, state: str) -> Series:
    cells, values = tally.state(state)
    return Series([(tally.chip_vendor[chip], tally.names["chip"][chip]) for (chip,) in cells], values)


def _by_maker_chip(tally: Tally, state: str) -> Series:
    cells, values = tally.state(state)
    return Series([(tally.names["maker"][maker], tally.names["chip"][chip]) for maker, chip in cells], values)
