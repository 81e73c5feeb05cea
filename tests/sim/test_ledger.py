"""The ledger is the only writer of chips and money, and its proof can fail."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.errors import InvariantError
from sim.ledger import Ledger


def small() -> Ledger:
    ledger = Ledger(n_actors=4, n_labs=2, n_distributors=1, n_chips=3)
    stock = np.zeros((2, 3, 4), dtype=np.int64)
    stock[0, 0, 0] = 10
    ledger.open_with(stock, np.zeros((1, 3), dtype=np.int64), np.array([0, 5, 0]))
    return ledger


def test_a_chip_made_passes_title_ships_and_arrives() -> None:
    ledger = small()
    ledger.make(np.array([0, 0, 7]), title_weeks=2)
    for week in range(3):
        ledger.tick = week
        ledger.receive()
        ledger.check()
    assert ledger.ready.tolist() == [0, 5, 7]
    ledger.take_ready(np.array([0, 0, 4]))
    ledger.ship_to_labs(np.array([1]), np.array([2]), np.array([0]), np.array([4]), np.array([1]))
    ledger.check()
    ledger.tick = 3
    ledger.receive()
    assert ledger.stock[1, 2, 0] == 4
    ledger.check()


def test_money_only_moves() -> None:
    ledger = small()
    ledger.pay("purchase", np.array([0, 1]), 2, np.array([100, 50]))
    assert ledger.cash_cents[:3].tolist() == [-100, -50, 150]
    assert (ledger.resummed_cash() == ledger.cash_cents).all()
    ledger.check()


@pytest.mark.parametrize("broken", ["transit", "stock", "held", "finished", "ready", "cash", "below zero"])
def test_the_proof_can_fail(broken: str) -> None:
    ledger = small()
    if broken == "cash":
        ledger.cash_cents[0] += 1
    elif broken == "below zero":
        ledger.stock[0, 0, 0] -= 11
        ledger.ready[0] += 11
    elif broken == "transit":
        ledger.stock[0, 0, 0] -= 1
        ledger.ship_to_labs(np.array([1]), np.array([0]), np.array([0]), np.array([1]), np.array([2]))
        ledger.transit[2][0][3][0] -= 1
    else:
        getattr(ledger, broken).flat[0] += 1
    with pytest.raises(InvariantError):
        ledger.check()


def test_a_relabelled_card_is_the_same_card() -> None:
    ledger = small()
    assert ledger.relabel(1, 2) == 5
    assert ledger.ready.tolist() == [0, 0, 5]
    ledger.check()


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 10**12)), max_size=40))
@settings(max_examples=50, deadline=None)
def test_the_journal_alone_gives_the_accounts(payments: list[tuple[int, int, int]]) -> None:
    ledger = small()
    for payer, payee, cents in payments:
        ledger.pay("purchase", payer, payee, np.array([cents]))
    assert (ledger.resummed_cash() == ledger.cash_cents).all()
    assert ledger.cash_cents.sum() == 0
