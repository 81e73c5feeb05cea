"""Welfare: who gains and who pays, week by week; transfers add up."""

from __future__ import annotations

from sim.metrics.base import Series, Tally, metric


@metric(unit="USD", over_time="sum", dims=("party",), standard=("party",), headline=("party",))
def welfare_usd(tally: Tally) -> Series:
    """Surplus, rent, tax or cost of the week, by party."""
    cells, values = tally.state("welfare_usd")
    return Series([(tally.names["party"][party],) for (party,) in cells], values)
