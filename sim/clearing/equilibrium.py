"""Equilibrium: a maker's stock of the week is sold at the price at which nobody is left waiting.

A structural alternative to the queue at list. Labs divide their money among parts by worth per dollar at last week's prices
(`sim.agents.lab`), so the demand for a part is unit-elastic within the week: d(p) = money / p. The maker's reservation is its
list price, so p / list = max(1, money at list / ready); what is not sold at list stays in stock for next week. Prices move
what is wanted next week, and makers plan by what would be wanted at list: a tatonnement of one step a week (Walras 1874;
Arrow & Hurwicz 1958, doi:10.2307/1907515).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

MOST_MULTIPLE = 1000.0
"""Price over list at most: nobody's plan buys a chip beyond it, so a search for a price that does not settle ends there."""


def price_multiples(wanted: Ints, last: Floats, ready: Ints) -> Floats:
    """Price over list that clears each part, (chips,), at least 1 and at most MOST_MULTIPLE.

    wanted (chips,) chips the week's money buys at last week's price; last (chips,) that price over list; ready (chips,).
    Where nothing is ready there is no trade and the last price stands.
    """
    at_list = wanted * last
    return np.asarray(np.where(ready > 0, np.clip(at_list / np.maximum(ready, 1), 1.0, MOST_MULTIPLE), last))


def affordable(wanted: Ints, last: Floats, now: Floats) -> Ints:
    """Chips each buyer's money buys at the new price, (buyers, chips): wanted at the last one, scaled by the two."""
    return np.asarray(np.floor(wanted * (last / now)[None, :])).astype(np.int64)
