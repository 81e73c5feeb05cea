"""Trades are kept as they were booked, and told at the end in the order they were made."""

from __future__ import annotations

import numpy as np

from sim.record import TRADE_COLUMNS
from sim.trade_log import TradeLog


def test_a_figure_for_all_stands_in_every_row_and_what_is_left_out_says_so() -> None:
    log = TradeLog()
    log.add(2, tick=3, seller=np.array([5, 4]), chips=np.array([10, 20]))
    log.add(0, tick=4)
    log.add(1, tick=4, seller=6, chips=7, paid_cents=np.array([2**40]))
    told = log.joined()
    assert {name: told[name].dtype for name in told} == {name: np.dtype(kind) for name, kind in TRADE_COLUMNS.items()}
    assert told["tick"].tolist() == [3, 3, 4] and told["seller"].tolist() == [5, 4, 6] and told["chips"].tolist() == [10, 20, 7]
    assert told["paid_cents"].tolist() == [0, 0, 2**40] and told["lane"].tolist() == [-1, -1, -1]


def test_trades_that_are_alike_when_told_are_one_row() -> None:
    log = TradeLog(told_actor=np.array([0, 1, 1]))
    log.add(3, tick=1, seller=0, buyer=np.array([1, 2, 0]), chips=np.array([10, 20, 5]), paid_cents=np.array([1, 2, 4]))
    told = log.joined()
    rows = sorted(zip(told["buyer"].tolist(), told["chips"].tolist(), told["paid_cents"].tolist(), strict=True))
    assert rows == [(0, 5, 4), (1, 30, 3)]


def test_an_empty_log_has_every_column() -> None:
    assert {name: len(column) for name, column in TradeLog().joined().items()} == dict.fromkeys(TRADE_COLUMNS, 0)
