"""View: what actors may see this week: own books, public prices, rules announced, leaks reported up to last week. Read-only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass
class View:
    """Columns for the many; rows as in the frame. USD floats here are beliefs and prices, not accounts.

    Labs: plan_usd (labs,), forward_growth_per_week (labs,), queue_usd (labs, chips), cash_usd (labs,),
    cost_usd (labs, chips), worth (uses, labs, chips), use_share (labs, uses), orderable (labs, chips),
    low_end_cards (labs,) a week, region (labs,), wait_weeks, belief, cover_weeks (regions, chips), behaviour_row see
    agents.lab.order_value.
    Distributors: networks, scare (distributors,), held, moving, distributor_queue (distributors, chips), diverts (distributors,),
    grey_parts (chips,) barred for China and wanted there, grey_mix (chips,) their split, grey_wait_weeks (chips,) what traders'
    orders take, grey_room_chips the most that hubs can divert in a week, fraction_grey (distributors, chips) keyed
    draws that round orders, grey_risk_share (distributors,) x list that risk adds to a network's cost of 2024,
    cloud_wish (distributors,) cards, cloud_mix (distributors, chips), substitute_premium (chips,) x list.
    """

    tick: int
    plan_usd: Floats
    forward_growth_per_week: Floats
    queue_usd: Floats
    cash_usd: Floats
    cost_usd: Floats
    worth: Floats
    use_share: Floats
    low_end_cards: Floats
    orderable: Bools
    region: Ints
    wait_weeks: Floats
    belief: Floats
    cover_weeks: Floats
    behaviour_row: Floats
    list_usd: Floats
    networks: Ints
    scare: Floats
    held: Ints
    moving: Ints
    distributor_queue: Ints
    distributor_kind: Ints
    diverts: Bools
    grey_parts: Bools
    grey_mix: Floats
    grey_wait_weeks: Floats
    grey_room_chips: float
    fraction_grey: Floats
    cloud_wish: Floats
    cloud_mix: Floats
    substitute_premium: Floats
    grey_risk_share: Floats
    network_chips_per_week: float
    network_cover_weeks: float
    grey_network_multiple: float
    resale_markup_share: float
