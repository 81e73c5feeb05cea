"""Rules of behaviour, each alone: belief, cover, orders, bookings, charges."""

from __future__ import annotations

import numpy as np
import pytest

from sim.agents.chipmaker import revised_list, wanted_booking
from sim.agents.distributor import pays, risk_share
from sim.agents.lab import belief_of, cover_weeks, order_value, whole_chips, written_off
from sim.enforcement import Networks
from sim.finance import Stages, announcement_return, charge, lost_sales_usd, networking_usd
from sim.progress import NO_ACCESS_WEEKS, Minds, lag_months
from sim.tick_reach import Source, price_multiple, weeks_to
from sim.tick_trade import for_sale, wants_of
from sim.upstream import DomesticSupply, Lines, bookings


def test_belief_grows_with_months_since_the_last_closure() -> None:
    months = np.array([0.0, 6.0, 12.0, 18.0, 24.0])
    belief = belief_of(months, 0.5, 1.5, 52.1786, 0.05)
    assert (np.diff(belief) > 0).all()
    assert belief[0] == pytest.approx(1 - np.exp(-0.5 / 2.5), abs=1e-9)  # integral of 0.5 x^1.5 over the first year


def test_before_any_closure_belief_is_the_prior() -> None:
    assert belief_of(np.array([np.nan]), 0.5, 1.5, 52.0, 0.05)[0] == 0.05


def test_nobody_stockpiles_on_a_faint_fear_and_cover_has_a_limit() -> None:
    cover = cover_weeks(np.array([[0.05, 0.5, 0.8, 0.95, 1.0]]), 52.0, 0.02, 38.0)[0]
    assert cover[0] == cover[1] == 0.0
    assert 0 < cover[2] < cover[3] <= cover[4] == 38.0


def orders(belief: float, cover: float, queue: float = 0.0, cash: float = 0.0, wait: float = 0.0, growth: float = 0.0) -> float:
    row = np.array([0.0, 3.0, 10_000.0, 6.0, 2.0, 3.0, 0.5, 52.0, 52.0])
    value = order_value(np.array([1e6]), np.full(1, growth), np.array([[queue]]), np.array([cash]), np.full((1, 1), 30_000.0),
                        np.ones((2, 1, 1)), np.array([[0.6, 0.4]]), np.ones((1, 1), dtype=bool), np.full((1, 1), wait),
                        np.zeros(1, dtype=np.int64),
                        np.array([[belief]]), np.array([[cover]]), row)
    return float(value[0, 0])


def test_fear_of_a_ban_raises_orders_up_to_the_credit_limit() -> None:
    assert orders(0.05, 0.0) == pytest.approx(1e6)
    assert orders(0.9, 30.0) == pytest.approx(3e6)


def test_orders_ahead_are_paid_back() -> None:
    assert orders(0.05, 0.0, queue=3e6) == pytest.approx(0.5e6)
    assert orders(0.05, 0.0, queue=1e9) == 0.0


def test_what_was_bought_ahead_counts_against_cover_and_is_paid_back_over_quarters() -> None:
    assert orders(0.9, 10.0, cash=-10e6) == pytest.approx(1e6, rel=1e-4)  # holds its cover already
    assert orders(0.9, 10.0, cash=-4e6) == pytest.approx(2e6, rel=1e-4)  # six weeks short of it, made up in six
    assert orders(0.05, 0.0, cash=-13e6) == pytest.approx(0.75e6, rel=1e-4)


def test_a_growing_lab_orders_what_it_will_spend_while_it_waits() -> None:
    growth, wait = np.log(2.0) / 26, 26.0
    assert orders(0.05, 0.0, wait=wait, growth=growth, queue=1e6 / growth - 3e6) == pytest.approx(1.5e6, rel=1e-6)
    assert orders(0.9, 38.0, wait=wait, growth=growth) == pytest.approx(6e6)  # credit is in terms of the plan at delivery


def test_fear_for_one_part_is_financed_by_the_whole_plan() -> None:
    row = np.array([0.0, 3.0, 10_000.0, 6.0, 2.0, 3.0, 0.5, 52.0, 52.0])
    value = order_value(np.array([1e6]), np.zeros(1), np.zeros((1, 2)), np.zeros(1), np.full((1, 2), 30_000.0), np.ones((2, 1, 2)),
                        np.array([[0.6, 0.4]]), np.ones((1, 2), dtype=bool), np.zeros((1, 2)), np.zeros(1, dtype=np.int64),
                        np.array([[0.9, 0.05]]), np.array([[38.0, 0.0]]), row)[0]
    assert value[0] == pytest.approx(2.5e6) and value[1] == pytest.approx(0.5e6)


def test_investors_write_off_less_than_the_chance_of_a_bar() -> None:
    for months in (3.0, 17.5, 30.0):
        q = belief_of(np.array([months]), 0.5, 1.5, 52.0, 0.05)[0]
        lost = written_off(np.array([months]), 0.5, 1.5, 52.0, 0.05)[0]
        assert 0 < lost < q
        days = np.array([belief_of(np.array([months]), 0.5, 1.5, week, 0.05)[0] for week in np.arange(0.0, 52.1, 0.5)])
        assert lost == pytest.approx(float(((days[1:] + days[:-1]) / 2).mean()), abs=1e-3)
    assert written_off(np.array([np.nan]), 0.5, 1.5, 52.0, 0.05)[0] == pytest.approx(0.025, abs=1e-3)


def test_parts_of_a_card_are_carried_to_the_next_week() -> None:
    fraction = np.zeros((1, 1))
    bought = [int(whole_chips(np.array([[10_000.0]]), np.array([[30_000.0]]), fraction)[0, 0]) for _ in range(6)]
    assert sum(bought) in (1, 2) and sum(bought) + fraction[0, 0] == pytest.approx(2.0)


def booked(wanted: list[float], wafers: float = 10.0, china: list[bool] | None = None) -> list[float]:
    n = len(wanted)
    part = np.where(china or [False] * n, np.inf, 0.0)
    return bookings(np.array(wanted), np.full(n, 1e6), np.zeros(n), 0.14, 1.0, np.zeros(n, dtype=np.int64), np.full(n, 10.0),
                    part, np.zeros(n, dtype=bool), np.array([wafers]), 0.2, np.zeros(1)).tolist()


def test_bookings_stop_at_the_packaging_lines() -> None:
    assert sum(booked([80.0, 120.0])) == pytest.approx(100.0)


def test_parts_for_china_share_their_part_of_the_lines() -> None:
    other, china = booked([50.0, 500.0], china=[False, True])
    assert china == pytest.approx(20.0) and other == pytest.approx(50.0)


def test_chinas_part_of_the_lines_is_kept_while_the_new_generation_asks_for_all() -> None:
    other, china = booked([5000.0, 15.0], china=[False, True])
    assert china == pytest.approx(15.0) and other == pytest.approx(85.0)


def test_dies_to_be_fused_for_china_are_kept_when_the_global_part_gives_way() -> None:
    wanted, succeeded = np.array([60.0, 500.0]), np.array([True, False])
    chosen = bookings(wanted, np.full(2, 1e6), np.zeros(2), 0.14, 1.0, np.zeros(2, dtype=np.int64), np.full(2, 10.0),
                      np.array([12.0, 0.0]), succeeded, np.array([10.0]), 0.2, np.zeros(1))
    assert chosen[0] == pytest.approx(12.0) and chosen[1] == pytest.approx(88.0)


def test_a_new_part_ramps_no_faster_than_its_growth_limit() -> None:
    last = np.array([10.0])
    chosen = bookings(np.array([1000.0]), last, np.array([5.0]), 0.14, 0.05, np.zeros(1, dtype=np.int64), np.zeros(1),
                      np.zeros(1), np.zeros(1, dtype=bool), np.array([1.0]), 0.2, np.zeros(1))
    assert chosen[0] == pytest.approx(11.4)


def test_a_queue_asks_for_lines_and_stock_does_not() -> None:
    assert wanted_booking(10.0, 90.0, 150.0, 15.0, 9.0) == pytest.approx(20.0)
    assert wanted_booking(10.0, 0.0, 1000.0, 15.0, 9.0) == 0.0


def test_a_bar_writes_down_stage_by_stage_and_guidance_converts_nothing() -> None:
    said = charge(Stages(generic=100, specific=50, finished=20), 1000.0, 0.3, 0.3, 0.6, 0.2, 1.0)
    assert said.booked_usd == pytest.approx(100 * 300 * 0.4 + 50 * 600 * 0.8 + 20 * 1000)
    assert said.guided_usd == pytest.approx(100 * 300 + 50 * 600 + 20 * 1000)


def test_lost_sales_are_what_could_have_shipped() -> None:
    assert lost_sales_usd(100, 40, 10.0) == 400.0


def test_links_are_a_share_of_all_data_centre_sales() -> None:
    beside = networking_usd(8.0, 1.0, 0.25)
    assert beside - 1.0 == pytest.approx(0.25 * (8.0 + beside))


def test_investors_who_expected_the_bar_answer_less() -> None:
    surprised = announcement_return(0.16, 0.0, 0.0, 4.5e9, 0.13, 2.7e12)
    expecting = announcement_return(0.16, 0.0, 0.58, 4.5e9, 0.13, 2.7e12)
    assert surprised < expecting < 0
    assert expecting == pytest.approx(-0.42 * 0.16 - 4.5e9 * 0.87 / 2.7e12)


def test_diversion_pays_until_detection_does() -> None:
    street, cost, value = np.array([[40_000.0]]), np.array([[31_000.0]]), np.array([[30_000.0]])
    rare, likely = (risk_share(np.array([week]), 26.0, 4.0, np.zeros(1)) for week in (0.002, 0.02))
    assert pays(street, cost, 0.03, rare, value).all()
    assert not pays(street, cost, 0.03, likely, value).any()
    assert pays(street, cost, 0.03, risk_share(np.array([0.02]), 26.0, 4.0, np.full(1, 0.95)), value).all()


def shops(*active: int) -> Networks:
    networks = Networks(tuple(f"hub {row}" for row in range(len(active))))
    networks.active[:] = active
    return networks


def grown(networks: Networks, profit: float, weeks: int = 520) -> np.ndarray:
    native = np.full(len(networks.active), 1.0 / len(networks.active))
    for tick in range(weeks):
        networks.enter(1, tick, np.full(len(networks.active), profit), 2.0, 100.0, 0.5, native, 0.4)
    return networks.active


def test_networks_enter_where_trade_pays_up_to_their_room_and_close_where_it_loses() -> None:
    assert 80 <= grown(shops(5, 5), 0.2).sum() <= 101
    assert grown(shops(20, 20), -0.2).sum() <= 1
    assert (grown(shops(5, 0), 0.2) > 0).all()


def test_after_a_bust_new_networks_open_elsewhere() -> None:
    calm, scared = shops(10, 10), shops(10, 10)
    for tick in range(26):
        for networks in (calm, scared):
            networks.scare[0] = 0.9 if networks is scared else 0.0
            networks.enter(3, tick, np.full(2, 0.3), 4.0, 200.0, 0.5, np.full(2, 0.5), 0.4)
    assert scared.active[0] < calm.active[0] and scared.active[0] / scared.active.sum() < 0.5


def test_a_case_is_what_a_network_had_passed_in_about_a_year() -> None:
    networks = shops(2)
    for _ in range(520):
        networks.remember(np.array([1e6]))
    assert networks.moved_usd[0] == pytest.approx(52.1786e6, rel=1e-3)


def test_networks_sell_no_more_than_they_can_pass() -> None:
    held = np.array([[300, 100], [40, 0]])
    sold = for_sale(held, np.array([[True, False], [True, True]]), np.array([60, 60]))
    assert sold.tolist() == [[60, 100], [40, 0]]


def test_a_bar_makes_compute_dearer_to_a_lab_and_leaves_how_much_it_wants() -> None:
    money, card = np.array([[1e9, 0.0]]), np.full((1, 2), 30_000.0)
    keys = np.zeros(2, dtype=np.uint64)
    free, barred = (wants_of(money, np.full((1, 2), value), card, card, keys) for value in (30_000.0, 90_000.0))
    assert (free.units == barred.units).all() and barred.value[0] == 3 * free.value[0]
    assert free.units.sum() == pytest.approx(1e7 / 30_000.0) and free.budget.tolist() == [10**9, 0]


def test_list_prices_move_with_the_queue_within_bounds() -> None:
    first = np.array([30_000.0, 30_000.0])
    moved = revised_list(first, first, np.array([24.0, 1.0]), 6.0, 0.05)
    assert moved[0] > 30_000 > moved[1]


def test_output_is_the_least_of_its_inputs() -> None:
    supply = DomesticSupply(1)
    supply.dies[0], supply.bank[0], supply.stacks[0] = 100, 9, 60
    assert supply.assemble(0, wanted=40, store=supply.dies, dies_each=2, stacks_each=4, packaging_left=30) == 15
    assert supply.bound_by[0] == 3
    assert (supply.dies[0], supply.stacks[0]) == (70, 0)
    assert supply.assemble(0, wanted=40, store=supply.bank, dies_each=1, stacks_each=0, packaging_left=30) == 9
    assert (supply.dies[0], supply.bank[0], int(supply.bound_by[0])) == (70, 0, 1)


def test_a_line_learns_from_its_own_dies_only() -> None:
    supply = DomesticSupply(2)
    supply.add_dies(0, own=500_000.0, bought=0.0)
    supply.add_dies(1, own=0.0, bought=500_000.0)
    own, fronts = supply.yield_share(0.18, 0.37, 1e6, learns=True)
    assert own > 0.3 and fronts == 0.18
    assert (supply.yield_share(0.18, 0.37, 1e6, learns=False) == 0.18).all()


def test_what_is_booked_completes_after_its_lead() -> None:
    lines = Lines(1, 4)
    lines.book(0, np.array([7]))
    done = []
    for tick in range(1, 6):
        done.append(int(lines.complete(tick)[0]))
        lines.book(tick, np.array([0]))
    assert done == [0, 0, 0, 7, 0]


def test_lag_is_how_long_ago_the_frontier_stood_there() -> None:
    months, levels = np.array([-24.0, -12.0]), np.array([22.0, 23.0])
    frontier = 24.0 + np.arange(53) / 52.1786
    assert lag_months(24.5, frontier, months, levels, 52) == pytest.approx(6.0, abs=0.2)
    assert lag_months(23.0, frontier, months, levels, 52) == pytest.approx(24.0, abs=0.2)


def minds(n_labs: int = 2) -> Minds:
    return Minds(n_labs, 1, 3, release_weeks=4)


def test_training_takes_up_a_stock_over_its_planning_time_and_not_faster_than_planned_growth() -> None:
    mind = minds(3)
    mind.employ(np.array([1000.0, 1000.0, 0.0]), 0.3, 100.0, 52.1786)
    assert mind.in_training.tolist() == [300.0, 300.0, 0.0]
    for _ in range(52):
        mind.employ(np.array([1000.0, 3000.0, 500.0]), 0.3, 2.0, 52.1786)
    gap = np.log(1000.0 / 300.0) * (1.0 - 1.0 / 52.1786) ** 52
    assert mind.in_training[0] < 300.0 * 2.0
    assert mind.in_training[1] == pytest.approx(300.0 * 2.0 ** (52 / 52.1786))
    assert 1000.0 * np.exp(-gap) > mind.in_training[0], "planned growth holds it back at first"
    assert mind.in_training[2] > 150.0, "an entrant starts when it has chips"
    mind.employ(np.array([10.0, 10.0, 10.0]), 0.3, 2.0, 52.1786)
    assert mind.in_training.tolist() == [10.0, 10.0, 10.0]


def test_a_stock_bought_ahead_carries_training_and_lengthens_the_runway() -> None:
    early, even = minds(1), minds(1)
    for week in range(104):
        early.employ(np.array([1000.0 if week < 26 else 2000.0]), 0.3, 2.5, 65.0)
        even.employ(np.array([1000.0]), 0.3, 2.5, 65.0)
    assert early.in_training[0] > 1.2 * even.in_training[0]
    stock = np.array([2000.0])
    growth = np.array([2.5])
    runway = early.runway_weeks(stock, growth, 0.05)
    assert runway[0] == pytest.approx(52.1786 * np.log(2000.0 / early.in_training[0]) / (np.log(2.5) + 0.05))
    assert even.runway_weeks(stock, growth, 0.05)[0] > runway[0] > early.runway_weeks(stock / 1.5, growth, 0.05)[0]


def test_a_lab_plans_to_grow_as_its_own_stock_grew_within_bounds() -> None:
    mind = minds(3)
    mind.planned[:] = np.log(2.5)
    for week in range(520):
        mind.plan(1000.0 * np.array([3.0, 1.0, 20.0]) ** (week / 52.1786), 65.0)
    assert mind.growth(2.0, 4.5) == pytest.approx([3.0, 2.0, 4.5], abs=0.01)
    mind = minds(1)
    mind.planned[:] = np.log(2.5)
    mind.plan(np.array([0.0]), 65.0)
    mind.plan(np.array([5000.0]), 65.0)
    assert mind.growth(2.0, 4.5)[0] == pytest.approx(2.5), "a first stock is no growth"


def test_runs_before_the_first_week_were_smaller_and_what_is_in_press_comes_out_in_turn() -> None:
    mind = minds(1)
    mind.employ(np.array([1000.0]), 0.5, 2.0, 65.0)
    run = float(np.log10(mind.train(-1, 0.1, 0.4, 8.0)[0]))
    mind.open_press(2.0, 3.0)
    assert mind.largest_run[0] == pytest.approx(run - 4 / 52.1786 * np.log10(2.0))
    assert mind.capability[0] == pytest.approx(run - 4 / 52.1786 * np.log10(6.0))
    for week in range(4):
        mind.train(week, 0.1, 0.4, 8.0)
        assert mind.largest_run[0] == pytest.approx(run - (3 - week) / 52.1786 * np.log10(2.0))
    mind.train(4, 0.1, 0.4, 8.0)
    assert mind.largest_run[0] == pytest.approx(run)


def test_being_short_speeds_thrift_up_to_its_bound() -> None:
    mind = minds(3)
    mind.think(np.array([1e6, 1e5, 1.0]), 1e6, 0, 3.0, 0.2, 0.6, 1.5)
    week = np.log(3.0) / 52.1786
    assert mind.efficiency == pytest.approx(week * np.array([1.0, 1.0 + 0.2 * np.log(10.0), 1.6]))


def test_reach_adds_up_its_ways_each_from_its_own_week() -> None:
    assert weeks_to(5000, 6000, []) == 1.0
    assert weeks_to(5000, 1000, [Source(400, 0, 1)]) == pytest.approx(10.0)
    assert weeks_to(5000, 0, []) == weeks_to(5000, 0, [Source(0, 0, 1)]) == NO_ACCESS_WEEKS
    ways = [Source(100, 10, 3.0), Source(100, 0, 1.0)]
    assert weeks_to(3000, 0, ways) == pytest.approx(20.0)
    assert price_multiple(20.0, ways) == pytest.approx((2000 * 1.0 + 1000 * 3.0) / 3000)
    assert weeks_to(500, 0, ways) == pytest.approx(5.0) and price_multiple(5.0, ways) == 1.0
