"""Distributor: server makers, resellers, offshore clouds and brokers; sells only what it held at the start of the week.

Diversion pays when street price - cost - concealment > detection x penalty + reputation; a grey seller's reservation ask is
max(marginal cost of a network and its risk over that of 2024, premium of the closest substitute) x list; the street price stays
the market's dual.
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


def risk_share(detection_per_week: Floats, exposure_weeks: float, penalty: float, appetite: Floats) -> Floats:
    """Expected loss on a diverted chip over its value, (distributors,): weekly hazard x weeks of goods a find brings to light x
    penalty in values of the goods (fine, liberty and name); a keener actor counts less of it."""
    return np.asarray(detection_per_week * exposure_weeks * penalty * (1.0 - appetite))


def pays(street: Floats, cost: Floats, concealment: float, risk: Floats, value: Floats) -> NDArray[np.bool_]:
    """Whether diverting one chip pays, (distributors, chips): margin above the expected penalty of one chip's share of a network.

    street, cost, value (distributors, chips) USD; risk (distributors,) expected loss over value.
    """
    return np.asarray(street - cost - concealment * value > risk[:, None] * value)


def grey_orders(view: View) -> Ints:
    """Cards that networks ask for, so as to have network_cover_weeks of throughput beyond the wait in each barred part they deal
    in: a part that is hard to get does not keep them from another. In all no more than hubs can divert of what others than China
    get."""
    throughput = view.networks * view.network_chips_per_week * (1.0 - view.scare)
    wanted = throughput[:, None] * view.grey_mix[None, :] * (view.network_cover_weeks + view.grey_wait_weeks)[None, :]
    stock = np.where(view.grey_parts[None, :], view.held + view.moving, 0)
    short = np.maximum(wanted - stock - view.distributor_queue, 0.0)
    room = np.clip(wanted.cumsum(axis=1)[:, -1] - stock.sum(axis=1, dtype=np.int64), 0.0, 2.0 * throughput)
    short *= np.minimum(1.0, room / np.maximum(short.cumsum(axis=1)[:, -1], 1.0))[:, None]
    orders = np.where(short > 0.0, np.floor(short + view.fraction_grey), 0.0).astype(np.int64)
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
    network = view.grey_network_multiple + view.grey_risk_share
    grey = view.list_usd[None, :] * np.maximum(network[:, None], view.substitute_premium[None, :])
    ask: Any = np.where(view.diverts[:, None] & view.grey_parts[None, :], grey, lawful[None, :])
    ask = np.where(view.distributor_kind[:, None] == CLOUD, np.nan, ask)
    return np.asarray(ask)
