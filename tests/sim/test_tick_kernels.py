"""Kernels of the week give, bit for bit, what their Python gives, and what the columns they replace would."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sim import tick_decide, tick_record, tick_rent, tick_settle, tick_trade

RNG = np.random.default_rng(7)
LABS, CHIPS, MAKERS, TENANTS, DEALERS, TRADES = 9, 7, 3, 5, 2, 40
MAKER = RNG.integers(0, MAKERS, CHIPS)
SKILL, WORTH = RNG.random((LABS, MAKERS)), RNG.random((2, CHIPS))
REGION, STOCK = RNG.integers(0, 3, LABS), RNG.integers(0, 400, (LABS, CHIPS, 4))
OWNER, CHIP = np.repeat(np.arange(LABS + DEALERS), CHIPS), np.tile(np.arange(CHIPS), LABS + DEALERS)
WHO, WHAT, MOVED = RNG.integers(0, LABS + DEALERS, TRADES), RNG.integers(0, CHIPS, TRADES), RNG.integers(1, 90, TRADES)


def cells(high: int = 50) -> NDArray[np.int64]:
    return RNG.integers(0, high, (LABS, CHIPS))


def flags(*shape: int) -> NDArray[np.bool_]:
    return RNG.random(shape) < 0.5


CALLS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "open cells": (tick_decide._open_cells, (flags(LABS, CHIPS), flags(LABS, CHIPS), RNG.random((LABS, CHIPS)), 0.25, flags(CHIPS),
                                             flags(CHIPS), flags(CHIPS), REGION)),
    "cost": (tick_decide._all_in, (RNG.random(CHIPS), 0.1, RNG.random(LABS), RNG.random((LABS, CHIPS)), RNG.random(LABS))),
    "worth": (tick_decide._worth_to, (WORTH, SKILL, RNG.random((3, MAKERS)), REGION, MAKER, flags(CHIPS), RNG.random(LABS),
                                      RNG.random(LABS))),
    "caps": (tick_trade._caps, (flags(LABS, CHIPS), RNG.integers(0, 8, (LABS, CHIPS)) / 7.0, cells(), cells())),
    "allowance": (tick_trade._use_allowance, (flags(LABS, CHIPS), cells(5), cells(99))),
    "prices": (tick_trade.mean_prices, (WHO % 3, WHAT, RNG.random(TRADES), MOVED, np.full((3, CHIPS), np.nan))),
    "reference": (tick_trade._reference, (np.array([1, 4, 8]), RNG.random((LABS, CHIPS)), 0.3, RNG.random((2, LABS, CHIPS)),
                                          flags(LABS, CHIPS), RNG.random((3, CHIPS)), REGION)),
    "tranches": (tick_trade._tranches, (RNG.random(8) * 1e9, np.array([1.0, 2.5, np.inf, 0.0, 3.0, 1e-12, 4.0, 5.0]),
                                        np.array([0.9, 2.0, 1.0, 1.0, np.inf, 0.01, 0.5, 6.0]), np.full(8, 1.5),
                                        tick_trade.STEP_VALUE, tick_trade.STEP_MONEY)),
    "idle": (tick_rent._idle_chips, (OWNER, CHIP, STOCK, RNG.integers(0, 900, (DEALERS, CHIPS)), flags(LABS), RNG.random(LABS),
                                     np.array([True, False]), 0.7, flags(CHIPS))),
    "tenants": (tick_rent._tenant_weight, (WORTH, SKILL, MAKER, np.linspace(40.0, 140.0, CHIPS), 64.0, np.arange(TENANTS))),
    "leases": (tick_rent._lease, (WHO % TENANTS, WHO, WHAT, WHO % 3, MOVED, np.zeros((LABS, CHIPS, 3), np.int64),
                                  np.zeros((LABS, CHIPS), np.int64), np.zeros((DEALERS, CHIPS), np.int64))),
    "failed": (tick_settle._failed, (STOCK, RNG.random((LABS, CHIPS)), RNG.random(STOCK.shape))),
    "lent": (tick_settle._lent, (np.array([0, 2, 5]), RNG.integers(0, 9, (LABS, CHIPS, 3)), cells(4), RNG.random((LABS, 3)), SKILL,
                                 MAKER, WORTH)),
    "duties": (tick_record._duties, (RNG.integers(0, 4, TRADES), MOVED, 1, 2)),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_kernel_and_its_python_agree_to_the_bit(name: str) -> None:
    kernel, given = CALLS[name]
    inputs = [tuple(part.copy() if isinstance(part, np.ndarray) else part for part in given) for _ in range(2)]
    said = kernel(*inputs[0]), getattr(kernel, "py_func", kernel)(*inputs[1])
    for left, right in zip(_arrays(said[0], inputs[0]), _arrays(said[1], inputs[1]), strict=True):
        np.testing.assert_array_equal(left, right)


def _arrays(said: Any, given: tuple[Any, ...]) -> list[Any]:
    answer = [] if said is None else list(said) if isinstance(said, tuple) else [said]
    return [*answer, *(part for part in given if isinstance(part, np.ndarray))]


def test_failed_cards_are_those_of_the_whole_table() -> None:
    _, (stock, rate, fraction) = CALLS["failed"]
    whole, left = np.zeros_like(stock), fraction + stock * rate[:, :, None]
    lab, chip, channel, lost = tick_settle._failed(stock, rate, fraction.copy())
    whole[lab, chip, channel] = lost
    np.testing.assert_array_equal(whole, np.where(stock > 0, np.minimum(np.floor(left), stock), 0).astype(np.int64))
    assert lost.min() > 0 and len(lost) == np.count_nonzero(whole) > 0


def test_many_failures_outgrow_the_first_room() -> None:
    stock = np.full((40, CHIPS, 4), 10)
    lab, chip, channel, lost = tick_settle._failed(stock, np.ones((40, CHIPS)), np.zeros(stock.shape))
    assert len(lost) == stock.size and (lost == 10).all()
    assert len(set(zip(lab.tolist(), chip.tolist(), channel.tolist(), strict=True))) == stock.size


def test_rows_asked_for_alone_have_the_reference_they_have_among_all() -> None:
    _, (rows, *rest) = CALLS["reference"]
    whole = tick_trade._reference(np.arange(LABS), *rest)
    np.testing.assert_array_equal(tick_trade._reference(rows, *rest), whole[rows])


def test_a_mean_price_is_money_over_chips_in_row_order() -> None:
    region, chip, price, chips = np.array([0, 0, 2]), np.array([1, 1, 0]), np.array([3.0, 5.0, 7.0]), np.array([1, 3, 2])
    out = np.full((3, 2), np.nan)
    tick_trade.mean_prices(region, chip, price, chips, out)
    np.testing.assert_array_equal(out, np.array([[np.nan, 4.5], [np.nan, np.nan], [7.0, np.nan]]))
