"""Chips that labs own move from week to week by journalled flows alone: what arrived, less what failed or was sold on."""

from __future__ import annotations

import numpy as np

import sim
from sim.units import WEEKS_PER_YEAR


def test_owned_stock_moves_by_what_arrived_less_what_the_journal_lost() -> None:
    world = sim.build(sim.load("teaching/rush"), 1)
    ledger = world.ledger
    moved = 0
    for _ in range(int(WEEKS_PER_YEAR) + 24):
        week = world.tick
        before = ledger.stock.sum(axis=(0, 2))
        arriving = np.zeros_like(before)
        for _, chip, _, chips in ledger.transit[week % len(ledger.transit)]:
            np.add.at(arriving, chip, chips)
        seen = len(ledger.movements)
        world.step()
        lost = np.zeros_like(before)
        for _, kind, chips in ledger.movements[seen:]:
            if kind == "scrapped":
                lost += chips
        assert (ledger.stock.sum(axis=(0, 2)) - before == arriving - lost).all()
        recorded = world.record.state["stock_chips"][week]
        assert (recorded[:, :, : ledger.stock.shape[2]].sum(axis=(0, 2)) == ledger.stock.sum(axis=(0, 2))).all()
        moved += int(arriving.sum())
    assert moved > 0
