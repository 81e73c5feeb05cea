"""The exact clearing against oracles, by hand, and under every change that must not matter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.random import Generator, default_rng
from scipy.optimize import linprog

from experiments.bench_clearing import ortools_surplus
from sim.clearing import network
from sim.clearing.base import Book, BookError, Lanes, Quotas, Trades
from sim.clearing.network import clear
from sim.errors import InvariantError
from tests.sim.books import TRANCHES, book_of, keys, shuffled, simple, week_after

TENTH = range(30)
WHOLE = range(30, 330)


def seeds() -> list[object]:
    return [pytest.param(TENTH, id="tenth"), pytest.param(WHOLE, id="whole", marks=pytest.mark.slow)]


def same(left: Trades, right: Trades) -> bool:
    return (left.surplus == right.surplus and np.array_equal(left.lane_flow, right.lane_flow)
            and np.array_equal(left.offer_price, right.offer_price, equal_nan=True)
            and np.array_equal(left.buyer_price, right.buyer_price, equal_nan=True))


def linear_programme(book: Book, lanes: Lanes, quotas: Quotas | None = None) -> float:
    """The optimum by HiGHS."""
    e, t, n, m = len(lanes.lane_cap), len(book.tranche_cap), len(book.offer_ask), len(book.buyer_key)
    lane, tranche = np.arange(e), np.arange(t)
    rows = [sp.hstack([sp.csr_matrix((np.ones(e), (lanes.lane_offer, lane)), shape=(n, e)), sp.csr_matrix((n, t))])]
    bound = [book.offer_cap]
    if quotas is not None:
        under = np.flatnonzero(quotas.lane_quota >= 0)
        counted = sp.csr_matrix((np.ones(len(under)), (quotas.lane_quota[under], under)), shape=(len(quotas.cap), e))
        rows.append(sp.hstack([counted, sp.csr_matrix((len(quotas.cap), t))]))
        bound.append(quotas.cap)
    balance = sp.hstack([sp.csr_matrix((-np.ones(e), (lanes.lane_buyer, lane)), shape=(m, e)),
                         sp.csr_matrix((np.ones(t), (book.tranche_buyer, tranche)), shape=(m, t))])
    cost = np.concatenate([book.offer_ask[lanes.lane_offer] + lanes.lane_cost, -book.tranche_value])
    upper = np.concatenate([lanes.lane_cap, book.tranche_cap])
    solved = linprog(cost.astype(float), A_ub=sp.vstack(rows).tocsr(), b_ub=np.concatenate(bound), A_eq=balance.tocsr(),
                     b_eq=np.zeros(m), bounds=np.column_stack([np.zeros(e + t), upper]), method="highs")
    return -float(solved.fun)


def surplus_of(book: Book, lanes: Lanes, flow: np.ndarray) -> int:
    """Re-added from the flows alone, in Python integers."""
    total = -sum(int(x) * int(book.offer_ask[i] + cost) for x, i, cost in
                 zip(flow, lanes.lane_offer, lanes.lane_cost, strict=True))
    left = np.bincount(lanes.lane_buyer, flow, len(book.buyer_key)).astype(int)
    for j, value, cap in zip(book.tranche_buyer, book.tranche_value, book.tranche_cap, strict=True):
        used = min(int(left[j]), int(cap))
        left[j] -= used
        total += used * int(value)
    assert not left.any(), "a chip went to a buyer with no tranche for it"
    return total


def feasible(book: Book, lanes: Lanes, trades: Trades) -> bool:
    flow = trades.lane_flow
    sold = np.bincount(lanes.lane_offer, flow, len(book.offer_ask))
    return bool((flow >= 0).all() and (flow <= lanes.lane_cap).all() and (sold <= book.offer_cap).all())


@pytest.mark.parametrize("numbers", seeds())
def test_surplus_is_the_optimum_and_the_trades_add_up_to_it(numbers: range) -> None:
    for seed in numbers:
        book, lanes = book_of(default_rng(seed))
        trades, _ = clear(book, lanes, 0, 1)
        assert trades.surplus == trades.dual == ortools_surplus(book, lanes)
        assert feasible(book, lanes, trades)
        assert surplus_of(book, lanes, trades.lane_flow) == trades.surplus
        assert (np.isnan(trades.offer_price) == (np.bincount(lanes.lane_offer, trades.lane_flow,
                                                             len(book.offer_ask)) == 0)).all()


def test_surplus_is_that_of_an_independent_linear_programme() -> None:
    for seed in range(12):
        book, lanes = book_of(default_rng(seed))
        assert clear(book, lanes, 0, 1)[0].surplus == pytest.approx(linear_programme(book, lanes), rel=1e-6, abs=1e-3)


@pytest.mark.parametrize("numbers", seeds())
def test_prices_explain_every_trade(numbers: range) -> None:
    """Complementary slackness at the published midpoint, between offers and buyers that trade."""
    for seed in numbers:
        book, lanes = book_of(default_rng(seed))
        trades, _ = clear(book, lanes, 0, 1)
        gain = trades.buyer_price[lanes.lane_buyer] - trades.offer_price[lanes.lane_offer] - lanes.lane_cost
        flow, known = trades.lane_flow, ~np.isnan(gain)
        assert (gain[known & (flow > 0)] >= 0).all()
        assert (gain[known & (flow < lanes.lane_cap)] <= 0).all()
        sold = np.bincount(lanes.lane_offer, flow, len(book.offer_ask))
        assert (trades.offer_price[sold > 0] >= book.offer_ask[sold > 0]).all()
        part = (sold > 0) & (sold < book.offer_cap)
        assert (trades.offer_price[part] == book.offer_ask[part]).all()


@pytest.mark.parametrize("numbers", seeds())
def test_the_dual_of_the_proof_is_exact_on_every_lane_offer_and_tranche(numbers: range) -> None:
    """Re-added in Python integers; complementary slackness where nothing trades too. A lane of an offer without chips
    or to a buyer without wants is closed; a delivered price is below nought only by what a lane pays."""
    for seed in numbers:
        book, lanes = book_of(default_rng(seed))
        trades, basis = clear(book, lanes, 0, 1)
        _, _, face, *_ = basis.laid()
        price, mu, flow = face.price, face.mu, trades.lane_flow
        demand = np.bincount(book.tranche_buyer, book.tranche_cap, len(mu))
        most = np.minimum(book.offer_cap[lanes.lane_offer], demand[lanes.lane_buyer])
        lane_cap = np.where(most > 0, lanes.lane_cap, 0)
        rent, gain = price - book.offer_ask, mu[lanes.lane_buyer] - price[lanes.lane_offer] - lanes.lane_cost
        left = book.tranche_value - mu[book.tranche_buyer]
        assert (rent >= 0).all() and (mu >= lanes.lane_cost.min(initial=0)).all()
        assert sum(int(a) * int(b) for part, cap in ((rent, book.offer_cap), (gain.clip(0), lane_cap),
                                                     (left.clip(0), book.tranche_cap))
                   for a, b in zip(part, cap, strict=True)) == trades.dual == trades.surplus
        assert (gain[flow > 0] >= 0).all() and (gain[flow < lane_cap] <= 0).all()
        sold = np.bincount(lanes.lane_offer, flow, len(book.offer_ask))
        assert (rent[sold < book.offer_cap] == 0).all()
        bought = np.bincount(lanes.lane_buyer, flow, len(book.buyer_key))
        wanted = [np.bincount(book.tranche_buyer[rows], book.tranche_cap[rows], len(book.buyer_key))
                  for rows in (left > 0, left >= 0)]
        assert (wanted[0] <= bought).all() and (bought <= wanted[1]).all()


@pytest.mark.parametrize("numbers", seeds())
def test_the_order_of_rows_changes_nothing(numbers: range) -> None:
    for seed in numbers:
        draws = default_rng(seed)
        book, lanes = book_of(draws)
        plain, _ = clear(book, lanes, 3, 1)
        again, _ = clear(book, lanes, 3, 1)
        moved_book, moved_lanes, offer, buyer, lane = shuffled(draws, book, lanes)
        moved, _ = clear(moved_book, moved_lanes, 3, 1)
        assert same(plain, again)
        assert same(moved, replace(plain, lane_flow=plain.lane_flow[lane], offer_price=plain.offer_price[offer],
                                   buyer_price=plain.buyer_price[buyer]))


@pytest.mark.parametrize("ticks", [50, pytest.param(500, marks=pytest.mark.slow)])
def test_warm_equals_cold_at_each_tick(ticks: int) -> None:
    draws = default_rng(7)
    book, lanes = book_of(draws, 20, 60, 400, 50)
    basis, warmed = None, 0
    for tick in range(ticks):
        warm, basis = clear(book, lanes, tick // 13, 1, basis)
        warmed += basis.pivots
        cold, fresh = clear(book, lanes, tick // 13, 1)
        warmed -= fresh.pivots
        assert same(warm, cold)
        book, lanes = week_after(draws, book, lanes)
    assert warmed < 0, "a warm start should save pivots"


@pytest.mark.parametrize("seed", range(12))
def test_many_offers_alike_clear_as_any_others(seed: int) -> None:
    """Four kinds of offer, some without chips or with a lane of their own: found alike, the optimum, whatever the order of rows and
    whether a tree was kept."""
    draws = default_rng(seed)
    n, m = 90, 12
    kind, wants = draws.integers(0, 4, n), np.arange(m).repeat(3)
    ask, cost = draws.integers(100, 130, 4), draws.integers(0, 60, (4, m))
    reached = draws.random((4, m)) < 0.7
    offer, buyer = np.nonzero(reached[kind])
    cap = np.where(draws.random(len(offer)) < 0.01, 1, 10**6)
    values = -np.sort(-draws.integers(100, 260, (m, 3)), axis=1)
    book = Book(ask[kind], np.maximum(draws.integers(-2, 9, n), 0), np.arange(1, n + 1, dtype=np.uint64), wants, values.ravel(),
                draws.integers(0, 30, 3 * m), np.arange(1, m + 1, dtype=np.uint64))
    lanes = Lanes(offer, buyer, cost[kind[offer], buyer], cap)
    trades, basis = clear(book, lanes, 0, 1)
    net, tree, _, kept_arc, kept_step, _ = basis.laid()
    used, _, _ = network._start_from_groups(net, kept_arc.copy(), kept_step.copy(), tree.state.copy(), book.tranche_buyer,
                                            book.tranche_value, book.tranche_cap)
    assert used
    assert trades.surplus == surplus_of(book, lanes, trades.lane_flow)
    assert trades.surplus == pytest.approx(linear_programme(book, lanes), abs=1e-3)
    assert feasible(book, lanes, trades)
    assert same(clear(book, lanes, 0, 1, basis)[0], trades)
    moved_book, moved_lanes, offers, buyers, lane = shuffled(draws, book, lanes)
    assert same(clear(moved_book, moved_lanes, 0, 1)[0], replace(
        trades, lane_flow=trades.lane_flow[lane], offer_price=trades.offer_price[offers], buyer_price=trades.buyer_price[buyers]))


def test_a_basis_of_other_lanes_is_left_aside() -> None:
    draws = default_rng(1)
    book, lanes = book_of(draws, 5, 9, 30)
    other_book, other_lanes = book_of(draws, 5, 9, 25)
    _, basis = clear(other_book, other_lanes, 0, 1)
    assert same(clear(book, lanes, 0, 1, basis)[0], clear(book, lanes, 0, 1)[0])


def test_the_columns_of_a_basis_fill_its_arrays() -> None:
    """A column cut beyond the end of an array would be short, and kernels check no index."""
    for book, lanes in (book_of(default_rng(1), 3, 5, 7), simple([], [], [[(5, 1)]], []), *DEGENERATE.values()):
        _, basis = clear(book, lanes, 0, 1)
        net, tree, face, kept_arc, kept_step, order = basis.laid()
        n, m, n_lanes = basis.n, basis.m, basis.n_lanes
        assert {name: len(getattr(part, name)) for part in (net, tree, face) for name in part._fields} == {
            "ptr": m + 1, "tptr": m + 1, "off": n_lanes, "to": n_lanes, "cost": n_lanes, "cap": n_lanes, "ask": n, "supply": n,
            "demand": m, "tval": len(basis.tranches) // 2, "tcap": len(basis.tranches) // 2, "node": n + m + 1,
            "parent_arc": n + m + 1, "price": n, "slack": n, "bought": m, "low": m, "high": m, "value": m, "step": m,
            "flow": n_lanes, "state": n_lanes, "mu": m, "base": m, "width": m, "hash": n_lanes, "lanes": n_lanes + n + m,
            "lane_state": n_lanes, "buyers": m, "offers": n, "marked": m, "tight_above": n + m + 1, "tight_below": n + m + 1,
            "above": n_lanes, "below": n_lanes, "top": n + m + 1, "bottom": n + m + 1, "walk": n + m + 1, "zero": n, "mark": m,
            "twin": m, "table": 1 << (2 * m + 1).bit_length()}
        assert (len(kept_arc), len(kept_step), len(order)) == (n + m + 1, m, n_lanes)


def test_a_changed_basis_a_false_dual_and_a_false_flow_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    book, lanes = simple([10], [5], [[(20, 3)], [(15, 4)]], [(0, 0, 1, 9), (0, 1, 1, 9)])
    _, basis = clear(book, lanes, 0, 1)
    _, _, _, kept_arc, _, _ = basis.laid()
    kept_arc[0] += 1
    with pytest.raises(InvariantError, match="basis"):
        clear(book, lanes, 0, 1, basis)
    honest = network._run

    def overstated(*arguments: object) -> tuple[int, int, int, int, int]:
        code, surplus, dual, pivots, priced = honest(*arguments)
        return code, surplus, dual + 1, pivots, priced

    monkeypatch.setattr(network, "_run", overstated)
    with pytest.raises(InvariantError, match="no proof"):
        clear(book, lanes, 0, 1)
    monkeypatch.undo()
    _, basis = clear(book, lanes, 0, 1)
    net, tree, face, _, _, order = basis.laid()
    for wrong in (-1, 1, 10):
        tree.flow[0] += wrong
        room = np.empty(2, np.int64), np.empty(1), np.empty(2)
        fits, surplus = network._report(net, tree, face, order, *room)
        tree.flow[0] -= wrong
        assert not fits or surplus != 5 * 0 + 3 * 9 + 2 * 4


def test_one_seller_two_buyers_by_hand() -> None:
    book, lanes = simple([10], [5], [[(20, 3)], [(15, 4)]], [(0, 0, 1, 9), (0, 1, 1, 9)])
    trades, _ = clear(book, lanes, 0, 1)
    assert trades.lane_flow.tolist() == [3, 2] and trades.surplus == 3 * 9 + 2 * 4
    assert trades.offer_price[0] == 14 and trades.buyer_price.tolist() == [15, 15]


def test_two_regions_differ_by_freight_when_they_trade() -> None:
    lanes = [(0, 0, 0, 99), (1, 1, 0, 99), (0, 1, 7, 99)]
    book, ways = simple([10, 30], [10, 10], [[(40, 4)], [(50, 9)]], lanes)
    trades, _ = clear(book, ways, 0, 1)
    assert trades.lane_flow.tolist() == [4, 3, 6]
    assert trades.buyer_price[1] - trades.offer_price[0] == 7 and trades.buyer_price[1] == 30
    book, ways = simple([10, 12], [10, 10], [[(40, 4)], [(50, 9)]], lanes)
    apart, _ = clear(book, ways, 0, 1)
    assert apart.lane_flow.tolist() == [4, 9, 0] and apart.offer_price.tolist() == [10, 12]


def test_a_price_interval_is_published_by_its_midpoint() -> None:
    """Two chips, two buyers, a third outbid: any price between 15 and 20 clears."""
    book, lanes = simple([10], [2], [[(30, 1)], [(20, 1)], [(15, 1)]], [(0, j, 0, 9) for j in range(3)])
    trades, _ = clear(book, lanes, 0, 1)
    assert trades.lane_flow.tolist() == [1, 1, 0] and trades.offer_price[0] == 17.5
    assert np.isnan(trades.buyer_price[2])


DEGENERATE = {
    "all tied": simple([10] * 4, [3] * 4, [[(20, 2)]] * 9, [(i, j, 5, 9) for i in range(4) for j in range(9)]),
    "all barred": simple([10, 11], [3, 3], [[(20, 2)]] * 3, [(i, j, 5, 0) for i in range(2) for j in range(3)]),
    "no supply": simple([10, 11], [0, 0], [[(20, 2)]] * 3, [(i, j, 5, 9) for i in range(2) for j in range(3)]),
    "no demand": simple([10, 11], [3, 3], [[(20, 0)]] * 3, [(i, j, 5, 9) for i in range(2) for j in range(3)]),
    "no tranche": simple([10, 11], [3, 3], [[], [(20, 1)]], [(i, j, 5, 9) for i in range(2) for j in range(2)]),
    "no lane": simple([10, 11], [3, 3], [[(20, 2)]], []),
    "no buyer": simple([10, 11], [3, 3], [], []),
    "no offer": simple([], [], [[(20, 2)]], []),
    "one offer": simple([10], [7], [[(20 + j, 2)] for j in range(9)], [(0, j, 5, 9) for j in range(9)]),
    "more offers than buyers": simple([10 + i for i in range(30)], [1] * 30, [[(60, 9), (25, 9)]] * 2,
                                      [(i, j, i % 3, 9) for i in range(30) for j in range(2)]),
    "long chain": simple([10] * 40, [2] * 40, [[(50 + j % 3, 2)] for j in range(41)],
                         [(i, i + d, 1 + (i + d) % 2, 9) for i in range(40) for d in (0, 1)]),
    "parallel lanes": simple([10], [9], [[(20, 9)]], [(0, 0, 3, 2), (0, 0, 1, 4), (0, 0, 2, 2)]),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_books_clear(name: str) -> None:
    book, lanes = DEGENERATE[name]
    trades, basis = clear(book, lanes, 0, 1)
    assert feasible(book, lanes, trades) and surplus_of(book, lanes, trades.lane_flow) == trades.surplus == trades.dual
    if len(lanes.lane_cap):
        assert trades.surplus == ortools_surplus(book, lanes)
    assert same(clear(book, lanes, 0, 1, basis)[0], trades)


@pytest.mark.parametrize("numbers", seeds())
def test_what_hurts_never_raises_surplus(numbers: range) -> None:
    for seed in numbers:
        draws = default_rng(seed)
        book, lanes = book_of(draws)
        best = clear(book, lanes, 0, 1)[0].surplus
        for worse in _hurt(draws, book, lanes):
            assert clear(*worse, 0, 1)[0].surplus <= best


def _hurt(draws: Generator, book: Book, lanes: Lanes) -> list[tuple[Book, Lanes]]:
    closed = np.where(draws.random(len(lanes.lane_cap)) < 0.3, 0, lanes.lane_cap)
    lower = np.minimum.accumulate((book.tranche_value - 100).clip(0).reshape(-1, TRANCHES), axis=1).ravel()
    return [(book, replace(lanes, lane_cap=closed)), (book, replace(lanes, lane_cost=lanes.lane_cost + 50)),
            (book, replace(lanes, lane_cap=lanes.lane_cap // 2)), (replace(book, offer_cap=book.offer_cap // 2), lanes),
            (replace(book, offer_ask=book.offer_ask + 50), lanes), (replace(book, tranche_value=lower), lanes)]


def test_less_of_one_offer_never_cheapens_another() -> None:
    """Gross substitutes, at the midpoint, where both trade before and after and no lane binds."""
    for seed in range(20):
        book, lanes = book_of(default_rng(seed))
        lanes = replace(lanes, lane_cap=np.where(lanes.lane_cap > 0, 10**6, 0))
        before = clear(book, lanes, 0, 1)[0].offer_price
        cap = book.offer_cap.copy()
        cap[0] //= 2
        after = clear(replace(book, offer_cap=cap), lanes, 0, 1)[0].offer_price
        both = ~np.isnan(before) & ~np.isnan(after)
        assert (after[both] >= before[both]).all()


def highest(book: Book, lanes: Lanes) -> np.ndarray:
    """Sellers' best equilibrium prices, (n,) cents."""
    _, _, face, *_ = clear(book, lanes, 0, 1)[1].laid()
    return face.top[:len(book.offer_ask)]


@pytest.mark.parametrize("numbers", seeds())
def test_an_offer_withdrawn_never_lowers_the_highest_price_of_another(numbers: range) -> None:
    """Gross substitutes at the sellers' best prices, lanes capped or not."""
    for seed in numbers:
        book, lanes = book_of(default_rng(seed))
        before = highest(book, lanes).copy()
        for gone in range(len(book.offer_ask)):
            cap = book.offer_cap.copy()
            cap[gone] = 0
            after = highest(replace(book, offer_cap=cap), lanes)
            others = (np.arange(len(cap)) != gone) & (cap > 0)
            assert (after[others] >= before[others]).all()


def test_blocks_apart_clear_as_the_sum_of_their_parts_and_units_scale() -> None:
    for seed in range(15):
        draws = default_rng(seed)
        (one, one_lanes), (two, two_lanes) = book_of(draws), book_of(draws)
        n, m = len(one.offer_ask), len(one.buyer_key)
        joined = Book(*(np.concatenate([getattr(one, name), getattr(two, name) + (m if name == "tranche_buyer" else 0)])
                        for name in Book.__dataclass_fields__))
        lanes = Lanes(*(np.concatenate([getattr(one_lanes, name), getattr(two_lanes, name) + shift]) for name, shift in
                        (("lane_offer", n), ("lane_buyer", m), ("lane_cost", 0), ("lane_cap", 0))))
        parts = [clear(one, one_lanes, 0, 1)[0], clear(two, two_lanes, 0, 1)[0]]
        both = clear(joined, lanes, 0, 1)[0]
        assert both.surplus == parts[0].surplus + parts[1].surplus
        assert np.array_equal(both.lane_flow, np.concatenate([part.lane_flow for part in parts]))
        dear = clear(replace(one, offer_ask=7 * one.offer_ask, tranche_value=7 * one.tranche_value),
                     replace(one_lanes, lane_cost=7 * one_lanes.lane_cost), 0, 1)[0]
        assert dear.surplus == 7 * parts[0].surplus and np.array_equal(dear.lane_flow, parts[0].lane_flow)
        large = clear(replace(one, offer_cap=7 * one.offer_cap, tranche_cap=7 * one.tranche_cap),
                      replace(one_lanes, lane_cap=7 * one_lanes.lane_cap), 0, 1)[0]
        assert large.surplus == 7 * parts[0].surplus


@pytest.mark.parametrize(("buyers", "chips", "wanted"), [(2, 1, 1), (2, 7, 20), (3, 1, 1), (3, 50, 20), (5, 1, 4), (5, 7, 20),
                                                         (10, 1, 1), (10, 3, 2), (10, 50, 20)])
def test_equal_buyers_get_alike_over_400_epochs(buyers: int, chips: int, wanted: int) -> None:
    draws = default_rng(buyers)
    book = Book(np.array([100]), np.array([chips]), keys(draws, 1), np.arange(buyers), np.full(buyers, 500),
                np.full(buyers, wanted), keys(draws, buyers))
    lanes = Lanes(np.zeros(buyers, np.int64), np.arange(buyers), np.zeros(buyers, np.int64), np.full(buyers, 10**6))
    got, basis = np.zeros(buyers), None
    for epoch in range(400):
        trades, basis = clear(book, lanes, epoch, 1, basis)
        got += trades.lane_flow
    assert got.max() - got.min() <= 0.05 * got.mean()


def test_ties_are_drawn_anew_each_epoch_and_by_seed() -> None:
    book, lanes = DEGENERATE["all tied"]
    drawn = {clear(book, lanes, epoch, seed)[0].lane_flow.tobytes() for epoch in range(4) for seed in (1, 2)}
    assert len(drawn) == 8


@pytest.mark.parametrize("seed", range(15))
def test_quotas_are_exact(seed: int) -> None:
    """One quota over one offer's lanes, costs and caps of every kind; one over many offers with separable costs."""
    draws = default_rng(seed)
    n, m = int(draws.integers(2, 7)), int(draws.integers(2, 9))
    book, _ = book_of(draws, n, m, 5)
    by_offer, by_buyer = draws.integers(0, 900, n), draws.integers(-200, 900, m)
    rows = []
    for i in range(n):
        for j in range(m):
            if i == 0 and j < m // 2:
                rows.append((i, j, draws.integers(0, 900), draws.integers(0, 15), 0))
            elif i > 0 and j >= m // 2:
                rows.append((i, j, by_offer[i] + by_buyer[j], 10**6, 1))
            elif draws.random() < 0.5:
                rows.append((i, j, draws.integers(0, 900), draws.integers(0, 15), -1))
    offer, buyer, cost, cap, quota = np.array(rows, np.int64).T.copy()
    lanes, quotas = Lanes(offer, buyer, cost, cap), Quotas(quota, draws.integers(0, 30, 2))
    trades, _ = clear(book, lanes, 0, 1, quotas=quotas)
    assert trades.surplus == trades.dual == surplus_of(book, lanes, trades.lane_flow)
    assert trades.surplus == pytest.approx(linear_programme(book, lanes, quotas), abs=1e-3)
    assert feasible(book, lanes, trades)
    assert all(trades.lane_flow[quota == g].sum() <= quotas.cap[g] for g in (0, 1))


def test_a_quota_that_is_no_node_is_refused() -> None:
    book, lanes = simple([10, 12], [5, 5], [[(50, 4)], [(60, 4)]],
                         [(0, 0, 1, 99), (0, 1, 2, 99), (1, 0, 5, 99), (1, 1, 1, 99)])
    with pytest.raises(BookError, match="quota 0"):
        clear(book, lanes, 0, 1, quotas=Quotas(np.zeros(4, np.int64), np.array([3])))


BAD = {
    "offer_ask": ("offer_ask", 1, -1), "offer_cap": ("offer_cap", 0, -5), "value rises": ("tranche_value", 1, 99),
    "negative value": ("tranche_value", 2, -3), "tranche_cap": ("tranche_cap", 0, -1), "buyer": ("tranche_buyer", 2, 7),
    "lane_cap": ("lane_cap", 2, -1), "dangling offer": ("lane_offer", 1, 2), "dangling buyer": ("lane_buyer", 3, -1),
    "huge ask": ("offer_ask", 0, 2**60), "huge cost": ("lane_cost", 0, 2**60), "huge supply": ("offer_cap", 1, 2**62),
    "lowest integer": ("lane_cost", 2, -(2**63)), "nan": ("tranche_value", 0, np.nan), "fraction": ("lane_cap", 1, 0.5),
    "infinite": ("offer_cap", 1, np.inf),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_book_is_refused_with_the_row_named(name: str) -> None:
    book, lanes = simple([10, 12], [5, 5], [[(50, 4), (40, 2)], [(60, 4)]],
                         [(0, 0, 1, 99), (0, 1, 2, 99), (1, 0, 5, 99), (1, 1, 1, 99)])
    column, row, value = BAD[name]
    part: Book | Lanes = lanes if column.startswith("lane") else book
    spoiled = getattr(part, column).astype(float if isinstance(value, float) else np.int64)
    spoiled[row] = value
    worse = replace(part, **{column: spoiled})
    with pytest.raises(BookError, match=rf"{column}\[{row}\]"):
        clear(*((book, worse) if isinstance(worse, Lanes) else (worse, lanes)), 0, 1)


def test_an_empty_book_and_columns_of_two_lengths_are_refused() -> None:
    book, lanes = simple([], [], [], [])
    with pytest.raises(BookError, match="empty"):
        clear(book, lanes, 0, 1)
    book, lanes = DEGENERATE["one offer"]
    with pytest.raises(BookError, match="lane_cost"):
        clear(book, replace(lanes, lane_cost=lanes.lane_cost[:-1]), 0, 1)
