"""Prices: list, street, paid, grey and rent."""

from __future__ import annotations

import numpy as np

from sim.metrics.base import Floats, Key, Rows, Series, Tally, metric
from sim.units import CENTS_PER_USD


@metric(unit="USD", over_time="mean", dims=("vendor", "chip"), standard=("vendor", "chip"))
def list_price_usd(tally: Tally) -> Series:
    """A vendor's list price of one chip."""
    cells, values = tally.state("list_price_usd")
    return Series([(tally.chip_vendor[chip], tally.names["chip"][chip]) for (chip,) in cells], values)


@metric(unit="USD", over_time="mean", dims=("vendor", "chip", "region"), standard=("vendor", "chip", "region=CN|US"))
def market_price_usd(tally: Tally) -> Series:
    """Price of one chip delivered in the region: the dual of the spot market; none in a week without trade."""
    return _by_region(tally, "street_price_usd")


@metric(unit="USD per hour", over_time="mean", dims=("vendor", "chip", "region"),
        standard=("vendor", "chip", "region=CN|US"))
def rent_usd_per_hour(tally: Tally) -> Series:
    """Rent of one chip for an hour; none in a week without a lease."""
    return _by_region(tally, "rent_usd_per_hour")


@metric(unit="USD", over_time="mean", dims=("vendor", "chip", "to", "region", "channel"),
        standard=("vendor", "chip", "region=CN|US"))
def price_paid_usd(tally: Tally) -> Series:
    """Money for one chip that arrives with a lab, freight and duty in it; over a window money over chips."""
    bought = tally.arrivals
    axes = [tally.labels("chip", "chip", bought), tally.labels("country", "ship_to", bought),
            tally.labels("channel", "channel", bought)]
    keys, (chips, cents) = tally.count(bought, axes, tally.trades["chips"][bought], tally.trades["paid_cents"][bought])
    return Series([(tally.vendor_of[chip], chip, to, tally.country_region[to], channel) for chip, to, channel in keys],
                  _ratio(cents / CENTS_PER_USD, chips), chips)


@metric(unit="USD", over_time="mean", dims=("vendor", "chip", "to", "region"), standard=("vendor", "chip", "region"))
def grey_price_usd(tally: Tally) -> Series:
    """Money for one chip that arrives by the grey channel; over a window money over chips."""
    keys, chips, paid, _ = _grey(tally, tally.smuggled)
    return Series(keys, _ratio(paid, chips), chips)


@metric(unit="x list", over_time="mean", dims=("vendor", "chip", "to", "region"), standard=("vendor", "chip", "region"),
        headline=("region=CN",))
def grey_premium(tally: Tally) -> Series:
    """Grey price over the maker's list price (1: no premium); over a window money over the same chips at list."""
    keys, _, paid, listed = _grey(tally, tally.smuggled)
    return Series(keys, _ratio(paid, listed), listed)


def _by_region(tally: Tally, state: str) -> Series:
    cells, values = tally.state(state)
    regions, chips = tally.names["region"], tally.names["chip"]
    return Series([(tally.chip_vendor[chip], chips[chip], regions[region]) for region, chip in cells], values)


def _grey(tally: Tally, trades: Rows) -> tuple[list[Key], Floats, Floats, Floats]:
    """Grey arrivals by vendor, chip and destination: keys, chips, USD paid, USD at list."""
    axes = [tally.labels("chip", "chip", trades), tally.labels("country", "ship_to", trades)]
    columns = tally.trades
    listed = columns["chips"][trades] * np.nan_to_num(
        tally.record.state["list_price_usd"][columns["tick"][trades], columns["chip"][trades]])
    sold, cents = columns["chips"][trades], columns["paid_cents"][trades]
    keys, (chips, paid, at_list) = tally.count(trades, axes, sold, cents / CENTS_PER_USD, listed)
    named: list[Key] = [(tally.vendor_of[chip], chip, to, tally.country_region[to]) for chip, to in keys]
    return named, chips, paid, at_list


def _ratio(part: Floats, whole: Floats) -> Floats:
    """part / whole, NaN where there is no whole."""
    return np.asarray(np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), np.nan))
