"""Distributor: server makers, resellers, offshore clouds and brokers; sells only what it held at the start of the week.

Diversion pays when street price - cost - concealment > detection x penalty + reputation; a grey seller's reservation ask is
max(marginal cost of a network, premium of the closest substitute) x list, so the street price stays the market's dual.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sim.agents.base import AGENTS, Actor
from sim.frame import CLOUD

if TYPE_CHECKING:
    from sim.view import View

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EXPOSURE_WEEKS = 13
"""Weeks of a network's goods that a find puts at risk."""


@AGENTS.register("distributor")
class Distributor(Actor):
    """One distributor or class of distributors."""

    kind: ClassVar[str] = "distributor"

    @property
    def held_chips(self) -> Ints:
        """Chips in stock by part, (chips,); a copy."""
        return np.array(self.model.ledger.held[self.own_row])

    @property
    def networks(self) -> int:
        """Diversion networks at work here."""
        return int(self.model.networks.active[self.own_row])

    @staticmethod
    def decide_all(view: View) -> Ints:
        """Cards ordered from makers this week by distributor and part, (distributors, chips)."""
        return np.asarray(grey_orders(view) + cloud_orders(view))


def pays(street: Floats, cost: Floats, concealment: float, detection_per_week: Floats, penalty: float, value: Floats,
         appetite: Floats) -> NDArray[np.bool_]:
    """Whether diverting one chip pays, (distributors, chips): margin above the expected penalty of one chip's share of a network.

    street, cost, value (distributors, chips) USD; detection_per_week, appetite (distributors,): a keener actor counts less risk.
    """
    risk = detection_per_week[:, None] * EXPOSURE_WEEKS * penalty * value * (1.0 - appetite[:, None])
    return np.asarray(street - cost - concealment * value > risk)


def grey_orders(view: View) -> Ints:
    """Cards that networks ask for to have six weeks of throughput beyond the wait, split by worth per dollar over barred
    parts; no more in all than hubs can divert of what the world outside China gets."""
    throughput = view.networks * view.network_chips_per_week * (1.0 - view.scare)
    wanted = throughput * (6.0 + view.grey_wait_weeks)
    have = (view.held + view.moving + view.distributor_queue)[:, :][:, view.grey_parts].sum(axis=1)
    short = np.clip(wanted - have, 0.0, 2.0 * throughput)
    orders = np.floor(short[:, None] * view.grey_mix[None, :] + view.fraction_grey).astype(np.int64)
    orders[~view.diverts] = 0
    total = int(orders.sum())
    if total > view.grey_room_chips:
        orders = np.floor(orders * (view.grey_room_chips / total)).astype(np.int64)
    return np.asarray(orders)


def cloud_orders(view: View) -> Ints:
    """Cards offshore clouds add: last week's unmet wish of tenants, no faster than their growth limit."""
    clouds = view.distributor_kind == CLOUD
    orders = np.floor(view.cloud_wish[:, None] * view.cloud_mix).astype(np.int64)
    orders[~clouds] = 0
    return np.asarray(orders)


def asks_usd(view: View) -> Floats:
    """Reservation ask of each distributor's card on the spot market, (distributors, chips) USD, nan where it does not sell."""
    lawful = view.list_usd * (1.0 + view.resale_markup_share)
    grey = view.list_usd * np.maximum(view.grey_network_multiple, view.substitute_premium)
    ask: Any = np.where(view.diverts[:, None] & view.grey_parts[None, :], grey[None, :], lawful[None, :])
    ask = np.where(view.distributor_kind[:, None] == CLOUD, np.nan, ask)
    return np.asarray(ask)
