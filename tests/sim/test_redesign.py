"""Redesign: the search finds the cuts of the record from the law alone, and never one that the law bars."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

import sim
from sim.redesign import Base, Cuts, Demand, at_distance, best_cut, cuts_of, expected_margin, with_spares
from sim.rulebook import Rulebook
from sim.scope import LegalClass

HISTORY = sim.load("history")
SAFETY_SHARE = 0.015


def base(name: str) -> Base:
    """A shipped part as something to cut from, at board cost."""
    chip = HISTORY.world.chips[name]
    return Base(chip.fp16_dense_tflops.value, chip.tpp.value, chip.io_gbps.value, chip.membw_gbps.value, chip.memory_gb.value,
                chip.die_area_mm2.value, round(chip.hbm_stacks.value), round(chip.dies.value), chip.list_price_usd.value,
                1.78 * chip.unit_cost_usd.value, (1.0, 1.0))


def lawful(cuts: Cuts, day: date, known_by: date) -> np.ndarray:
    """Cuts that may go to China without asking, a safety distance from every line."""
    law = Rulebook.for_scenario(HISTORY)
    terms = law.judge(at_distance(cuts, SAFETY_SHARE, "nvidia", "US", "TW"), [LegalClass("sale", "US", "CN", "CN")], day, known_by)
    return np.asarray(terms.permitted[0] & ~terms.notify[0])


def buyers(train: float, flagship: Base) -> Demand:
    """Buyers who might have a domestic part, or the flagship through the grey market."""
    rival = (np.array([0.24 * 0.55, 0.30 * 0.55]) / (15500 + 9000)) ** 3
    grey = np.full(2, (1.0 / (1.4 * flagship.list_usd + 9000)) ** 3)
    return Demand(np.array([train, 1 - train]), rival + grey, 9000, 3)


@pytest.mark.parametrize("train", np.linspace(0.4, 0.8, 5))
def test_after_the_rule_of_2022_links_are_cut_and_computing_is_kept(train: float) -> None:
    flagship = base("A100")
    cuts = cuts_of(flagship, 380)
    row, price, margin = best_cut(cuts, lawful(cuts, date(2023, 2, 1), date(2022, 10, 10)), flagship.list_usd,
                                  buyers(train, flagship))
    assert margin > 0 and price > cuts.unit_cost_usd[row]
    assert cuts.spec["io_gbps"][row] < 600 <= flagship.io_gbps
    assert cuts.spec["tpp"][row] == flagship.tpp


@pytest.mark.parametrize("train", np.linspace(0.4, 0.8, 5))
def test_after_the_rule_of_2023_computing_is_cut_and_memory_kept(train: float) -> None:
    flagship = base("H100")
    cuts = cuts_of(flagship, 380)
    row, _, margin = best_cut(cuts, lawful(cuts, date(2024, 2, 12), date(2023, 10, 22)), flagship.list_usd, buyers(train, flagship))
    assert margin > 0
    assert cuts.spec["tpp"][row] < 2400 and cuts.spec["pd"][row] < 3.2
    assert cuts.spec["membw_gbps"][row] >= flagship.membw_gbps
    assert cuts.spec["io_gbps"][row] == flagship.io_gbps


def test_without_a_control_the_flagship_itself_is_a_legal_cut() -> None:
    flagship = base("H100")
    cuts = cuts_of(flagship, 380)
    assert lawful(cuts, date(2022, 6, 1), date(2022, 6, 1)).all()


def test_no_legal_cut_means_none() -> None:
    flagship = base("H100")
    cuts = cuts_of(flagship, 380)
    assert best_cut(cuts, np.zeros(len(cuts.fused), bool), flagship.list_usd, buyers(0.6, flagship))[0] == -1


def test_margin_falls_with_cost_and_with_what_else_there_is() -> None:
    worth, price = np.array([[0.5], [0.8]]), np.array([12000.0])
    dear = expected_margin(worth, np.array([9000.0]), price, buyers(0.6, base("H100")))
    cheap = expected_margin(worth, np.array([3000.0]), price, buyers(0.6, base("H100")))
    crowded = expected_margin(worth, np.array([3000.0]), price, Demand(np.array([0.6, 0.4]), np.full(2, 1e-10), 9000, 3))
    assert dear[0] < cheap[0] and crowded[0] < cheap[0]


def test_a_world_that_designs_for_itself_knows_none_of_the_recorded_cuts() -> None:
    world = with_spares(HISTORY).world
    assert all(world.chips[name].volume_from is None for name in ("A800", "H800", "H20"))
    assert world.chips["nvidia-cut-1"].volume_from is None and world.chips["nvidia-cut-1"].designed_for == "CN"
    assert with_spares(HISTORY).world.chips["H100"] == HISTORY.world.chips["H100"]
