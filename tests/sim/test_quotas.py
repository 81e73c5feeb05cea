"""Quotas: each unit, each tally and each named rule of sharing; and that they hold in a running world."""

from __future__ import annotations

import numpy as np
import pytest

import sim
from sim.quotas import Limit, QuotaBook, limits
from sim.terms import Quota

COUNTRY = np.array([0, 0, 1])
TPP = np.array([10.0, 4.0])
KEYS = np.array([3, 1, 2], dtype=np.uint64)
EVERYWHERE = np.ones((3, 2), dtype=bool)


def limit(cap: float, unit: str = "chips", per: str = "all", allocation: str = "first_come", period: int | None = None,
          cells: np.ndarray = EVERYWHERE) -> Limit:
    quota = Quota(0, cells, unit, cap, per, "US", period, 0, allocation)
    return limits((quota,), [cells], COUNTRY, TPP)[0]


def capped(it: Limit, queue: list[list[int]], waited: list[list[float]] | None = None, book: QuotaBook | None = None,
           worth: list[list[float]] | None = None, tick: int = 0) -> list[list[int]]:
    chips = np.array(queue)
    book = book or QuotaBook(3, 2, 2)
    return book.cap(it, book.room(it, tick, 0), np.full((3, 2), 1_000_000), chips, np.array(waited or np.zeros((3, 2))),
                    np.array(worth or np.zeros((3, 2))), KEYS).tolist()


QUEUE = [[60, 0], [60, 0], [60, 0]]


def test_first_come_serves_who_waited_longest() -> None:
    assert capped(limit(100.0), QUEUE, [[1.0, 0], [5.0, 0], [3.0, 0]]) == [[0, 0], [60, 0], [40, 0]]


def test_pro_rata_gives_each_a_like_part_and_no_chip_too_many() -> None:
    assert capped(limit(90.0, allocation="pro_rata"), [[60, 0], [60, 60], [0, 0]]) == [[30, 0], [30, 30], [0, 0]]
    given = np.array(capped(limit(100.0, allocation="pro_rata"), QUEUE))
    assert given.sum() == 100 and given[:, 0].max() - given[:, 0].min() <= 1


def test_an_auction_goes_by_worth_for_what_it_takes_of_the_quota() -> None:
    it = limit(600.0, unit="tpp", allocation="auction")
    worth = [[50.0, 40.0], [90.0, 0.0], [10.0, 0.0]]  # per tpp: 5, 10; 9; 1
    assert capped(it, [[60, 50], [60, 0], [60, 0]], worth=worth) == [[0, 50], [40, 0], [0, 0]]


@pytest.mark.parametrize(("per", "given"), [
    ("all", [[0, 0], [50, 0], [0, 0]]),
    ("model", [[0, 0], [50, 0], [0, 10]]),
    ("country", [[0, 0], [50, 0], [50, 0]]),
    ("customer", [[50, 0], [50, 0], [50, 0]]),
])
def test_a_cap_is_for_each_part_country_customer_or_all(per: str, given: list[list[int]]) -> None:
    waited = [[0.0, 0.0], [2.0, 0.0], [1.0, 0.0]]
    assert capped(limit(50.0, per=per), [[60, 0], [60, 0], [60, 10]], waited) == given


def test_a_cap_in_tpp_counts_cards_by_their_tpp_and_leaves_other_cells_alone() -> None:
    cells = np.array([[True, True], [True, True], [False, False]])
    it = limit(100.0, unit="tpp", cells=cells)
    assert capped(it, [[5, 100], [0, 0], [7, 7]], [[2.0, 1.0], [0, 0], [0, 0]]) == [[5, 12], [0, 0], [1_000_000, 1_000_000]]


def test_what_is_shipped_is_spent_until_the_period_ends() -> None:
    book, it = QuotaBook(3, 2, 2), limit(100.0, period=13)
    capped(it, QUEUE, book=book)
    book.remember((it,), np.array([[60, 0], [10, 0], [0, 0]]), COUNTRY)
    assert np.array(capped(it, QUEUE, book=book, tick=12)).sum() == 30
    assert np.array(capped(it, QUEUE, book=book, tick=13)).sum() == 100


def test_a_share_of_home_sales_grows_with_them() -> None:
    book, it = QuotaBook(3, 2, 2), limit(0.5, unit="home_share", per="model", cells=np.array([[False] * 2] * 2 + [[True] * 2]))
    book.remember((it,), np.array([[80, 10], [20, 0], [0, 0]]), COUNTRY)
    assert capped(it, [[0, 0], [0, 0], [60, 60]], book=book)[2] == [50, 5]


CAP = ("rules.CAP={by: US, kind: quota, announced: 2024-01-01, since: 2024-01-01, effects: [{lever: quota, chips: {named: [H20]}, "
       "where: [{destination: [CN]}], ")


@pytest.mark.slow
@pytest.mark.parametrize(("said", "per"), [("chips_cap: 1000, per: customer", "buyer"), ("chips_cap: 40000, per: all", "all"),
                                           ("chips_cap: 5000, every: 13, per: all", "quarter")])
def test_a_running_world_keeps_within_a_quota(said: str, per: str) -> None:
    result = sim.run(sim.load("history", (CAP + said + "}]}", "time.end=2025-03-31")), 1)
    trades, names = result.record.trades, result.record.names
    h20, china = names["chip"].index("H20"), names["country"].index("CN")
    own = (trades["book"] == 0) & (trades["chip"] == h20) & (trades["ship_to"] == china)
    since = result.clock.tick_of(result.scenario.rules["CAP"].since)
    own &= trades["tick"] >= since
    chips, buyer, tick = trades["chips"][own], trades["buyer"][own], trades["tick"][own]
    by = {"buyer": buyer, "all": np.zeros_like(buyer), "quarter": (tick - since) // 13}[per]
    most = np.bincount(by, weights=chips).max()
    cap = {"buyer": 1000, "all": 40_000, "quarter": 5000}[per]
    assert 0.5 * cap <= most <= cap
