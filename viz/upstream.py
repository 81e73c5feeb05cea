"""Upstream: which foundry made a week's chips, as trades for the picture where the record logs none.

Memory and packaging are left out of the picture: the record does not say whose went into which chip.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from sim.record import TRADE_COLUMNS, Record

INPUT = 3
"""Book of goods that makers take in."""


def with_inputs(scenario: Any, record: Record) -> Record:
    """The record with one trade for each foundry, maker, chip and week of completed chips; the same record where it logs
    inputs itself. A chip's foundry is the first of its fabrication country."""
    if (record.trades["book"] == INPUT).any() or "produced_chips" not in record.state:
        return record
    row_of = {name: row for row, name in enumerate(record.names["actor"])}
    chips, actors = scenario.world.chips, scenario.world.actors
    foundry = {
        actor.hq: row_of[name]
        for name, actor in sorted(actors.items(), reverse=True)
        if actor.kind == "supplier" and "foundry" in actor.subkind and name in row_of
    }
    made = record.state["produced_chips"].astype(np.int64)
    parts = []
    for column, name in enumerate(record.names["chip"]):
        seller = foundry.get(chips[name].fab_jurisdiction) if name in chips else None
        ticks = np.flatnonzero(made[:, column] > 0)
        if seller is not None and len(ticks):
            parts.append((ticks, seller, int(record.of["maker_actor"][record.of["chip_maker"][column]]), column))
    if not parts:
        return record
    rows = {name: [record.trades[name]] for name in TRADE_COLUMNS}
    for ticks, seller, buyer, column in parts:
        said = {
            "tick": ticks,
            "book": INPUT,
            "seller": seller,
            "buyer": buyer,
            "chip": column,
            "chips": made[ticks, column],
            "use": -1,
            "lane": -1,
            "arrives": ticks,
        }
        for name, kind in TRADE_COLUMNS.items():
            rows[name].append(np.broadcast_to(np.asarray(said.get(name, 0)), ticks.shape).astype(kind))
    return replace(record, trades={name: np.concatenate(some) for name, some in rows.items()})
