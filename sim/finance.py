"""Finance: what a bar does to a vendor's books: charge by stage, guidance, lost sales, and the announcement's price response.

Charge = sum over stages of cost x (1 - convertible) x P(no licence); guidance takes convertible = 0. A part fused from a global
part re-routes without a charge while other regions queue for it. Lost sales = min(queue, finished + completions to quarter end)
x list. Return r = -(1 - q_inv) s (1 - rho) - charge (1 - tax) / value: s the newly barred share of gross profit, rho the share
resold elsewhere within two quarters, q_inv what investors have written off of the next year's sales. They hear no leaks; by their
hazard a bar may come any week of the year and takes only the sales after it, so q_inv = 1 - mean over the year of P(no bar yet).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Money = TypeVar("Money", float, Floats)


@dataclass(frozen=True)
class Stages:
    """Chips of one part when a bar comes: on order, past die-out, finished."""

    generic: float
    specific: float
    finished: float


@dataclass(frozen=True)
class Charge:
    """What is written down, USD."""

    booked_usd: float
    guided_usd: float


def charge(stages: Stages, unit_cost_usd: float, cost_booking: float, cost_die: float, convertible_generic: float,
           convertible_specific: float, loss: float) -> Charge:
    """Write-down of one part at a bar; cost accrues at booking, at die-out and at completion."""
    generic = stages.generic * unit_cost_usd * cost_booking
    specific = stages.specific * unit_cost_usd * (cost_booking + cost_die)
    finished = stages.finished * unit_cost_usd
    booked = generic * (1 - convertible_generic) + specific * (1 - convertible_specific) + finished
    return Charge(booked * loss, (generic + specific + finished) * loss)


def lost_sales_usd(queue_chips: float, reachable_chips: float, list_usd: float) -> float:
    """Sales that would have been made by quarter end: reachable = finished + completions until then."""
    return min(queue_chips, reachable_chips) * list_usd


def networking_usd(sales_usd: Money, cards_usd: float, share: float) -> Money:
    """Data-centre sales beside accelerators sold abroad: small inference cards, and links and systems, a share of all."""
    return (sales_usd + cards_usd) * share / (1.0 - share) + cards_usd


def announcement_return(barred_share: float, resold_share: float, investor_belief: float, charge_usd: float, tax_share: float,
                        value_usd: float) -> float:
    """Price response of a vendor to an announced bar, as a share of its value (negative: a fall)."""
    once = charge_usd * (1 - tax_share) / value_usd if value_usd > 0 else 0.0
    return -(1 - investor_belief) * barred_share * (1 - resold_share) - once
