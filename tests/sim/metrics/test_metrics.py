"""What every observable keeps to, on a made-up record; and each family's sums against the plainest way to add them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from sim.metrics import DIMS, METRICS, Level, Metric, Tally, metrics
from sim.metrics.base import metric
from sim.panel import Panel
from sim.record import Record
from tests.fake_record import BAN, fake_record

SECTION_9 = [
    "units_delivered",
    "units_ordered",
    "revenue_usd",
    "writedown_usd",
    "lost_sales_usd",
    "queue_chips",
    "wait_months",
    "inventory_usd",
    "commitments_usd",
    "list_price_usd",
    "market_value_usd",
    "announcement_return",
    "orders_usd",
    "market_price_usd",
    "price_paid_usd",
    "grey_price_usd",
    "grey_premium",
    "rent_usd_per_hour",
    "licensed_h100e_cumulative",
    "stock_chips",
    "stock_h100e",
    "smuggled_chips",
    "smuggled_h100e",
    "seized_chips",
    "seized_usd",
    "case_usd",
    "cases",
    "active_networks",
    "detection_rate",
    "hub_flow_usd",
    "cards_share",
    "fab_output_chips",
    "yield",
    "die_bank",
    "hbm_stock",
    "bottleneck",
    "redesigns",
    "training_compute",
    "efficiency",
    "capability",
    "lag_months",
    "compute_share",
    "runway_weeks",
    "military_access_weeks",
    "military_price_multiple",
    "military_compute_h100e",
    "independence_index",
    "licences",
    "licences_pending",
    "licence_days",
    "belief",
    "welfare_usd",
]
"""The observables of the model description, section 9."""


@pytest.fixture(scope="module")
def record() -> Record:
    return fake_record()


@pytest.fixture(scope="module")
def panels(record: Record) -> dict[str, Panel]:
    tally = Tally(record)
    return {found.name: found.panel(tally) for found in metrics()}


def test_every_observable_is_there() -> None:
    assert set(SECTION_9) <= set(METRICS.names)


@pytest.mark.parametrize("found", metrics(), ids=lambda found: found.name)
def test_says_what_it_is(found: Metric) -> None:
    assert found.text.endswith(".") and found.unit
    assert set(found.dims) <= set(DIMS)


@pytest.mark.parametrize("found", metrics(), ids=lambda found: found.name)
def test_panel_is_well_formed(found: Metric, record: Record, panels: dict[str, Panel]) -> None:
    panel = panels[found.name]
    assert panel.values.shape == (len(panel.keys), record.clock.n_ticks)
    assert list(panel.keys) == sorted(set(panel.keys))
    assert all(len(key) == len(found.dims) for key in panel.keys)
    assert all(np.any(np.nan_to_num(row) != 0) for row in panel.values)
    assert panel.base is None or (panel.over_time == "mean" and panel.base.shape == panel.values.shape)


@pytest.mark.parametrize("level", ["headline", "standard", "full"])
def test_a_level_keeps_the_whole(level: str, panels: dict[str, Panel]) -> None:
    """Flows and stocks add up to the same whole at every level that leaves no label out."""
    for found in metrics():
        said = found.kept(level)  # type: ignore[arg-type]
        if said is None or found.over_time == "mean" or any("=" in entry for entry in said):
            continue
        kept = found.at(level, panels[found.name])  # type: ignore[arg-type]
        np.testing.assert_allclose(kept.total(), panels[found.name].total(), rtol=1e-12, err_msg=found.name)


@pytest.mark.parametrize("level", ["headline", "standard"])
def test_not_telling_buyers_apart_changes_no_number(level: str, record: Record, panels: dict[str, Panel]) -> None:
    plain = Tally(record, buyers=False)
    for found in metrics():
        kept = found.kept(level)  # type: ignore[arg-type]
        if kept is None or "actor" in kept:
            continue
        one, other = (found.at(level, panel) for panel in (panels[found.name], found.panel(plain)))  # type: ignore[arg-type]
        assert one.keys == other.keys, found.name
        np.testing.assert_allclose(one.values, other.values, rtol=1e-12, err_msg=found.name)


def test_levels_are_nested_in_size(panels: dict[str, Panel]) -> None:
    def n_series(level: Level) -> int:
        return sum(len(found.at(level, panels[found.name]).keys) for found in metrics() if found.kept(level) is not None)

    assert n_series("headline") < 100 < n_series("standard") < n_series("full")


def test_deliveries_are_the_makers_own_sales(record: Record, panels: dict[str, Panel]) -> None:
    trades, of = record.trades, record.of
    expected = 0
    for row in range(len(trades["tick"])):
        chip = trades["chip"][row]
        if trades["book"][row] <= 1 and trades["seller"][row] == of["maker_actor"][of["chip_maker"][chip]]:
            expected += int(trades["chips"][row])
    for basis in ("bill_to", "ship_to", "customer_hq", "end_user_hq"):
        assert panels["units_delivered"].select(basis=basis).values.sum() == expected


def test_billing_and_headquarters_tell_different_stories(panels: dict[str, Panel]) -> None:
    china = panels["revenue_usd"].select(to="CN", segment="datacentre")
    billed, based = (china.select(basis=basis).total().sum() for basis in ("bill_to", "customer_hq"))
    assert 0 < billed < based


def test_other_revenue_is_on_every_basis(record: Record, panels: dict[str, Panel]) -> None:
    other = panels["revenue_usd"].select(segment="other")
    expected = record.state["other_revenue_usd"].sum()
    for basis in ("bill_to", "ship_to", "customer_hq", "end_user_hq"):
        assert other.select(basis=basis).values.sum() == pytest.approx(expected)
    assert panels["revenue_usd"].select(to="XX").keys


def test_orders_are_worth_their_list_price(record: Record, panels: dict[str, Panel]) -> None:
    expected = (record.state["ordered_chips"] * record.state["list_price_usd"][:, None, :]).sum()
    assert panels["orders_usd"].values.sum() == pytest.approx(expected)


def test_cards_share_over_a_window_is_the_ratio_of_sums(record: Record, panels: dict[str, Panel]) -> None:
    weights = record.clock.window("2023Q3")
    trades, of = record.trades, record.of
    domestic = whole = 0.0
    for row in range(len(trades["tick"])):
        chip = trades["chip"][row]
        own = trades["seller"][row] == of["maker_actor"][of["chip_maker"][chip]]
        if own and of["chip_datacentre"][chip] and trades["ship_to"][row] == 0:
            cards = trades["chips"][row] * weights[trades["tick"][row]]
            whole += cards
            domestic += cards * (of["maker_hq"][of["chip_maker"][chip]] == 0)
    share = panels["cards_share"].select(to="CN", origin="domestic", by="units").over(weights)
    assert 0 < domestic < whole
    assert share == pytest.approx(domestic / whole)


def test_grey_premium_is_what_was_paid_over_list(panels: dict[str, Panel]) -> None:
    premium = panels["grey_premium"].total()
    assert np.isnan(premium[:BAN]).all()
    assert premium[BAN:] == pytest.approx(1.4)


def test_smuggling_is_told_by_route(panels: dict[str, Panel]) -> None:
    routes = panels["smuggled_chips"].by("route")
    assert routes.keys == (("grey MY-CN",), ("grey SG-CN",))
    assert panels["smuggled_chips"].values.sum() == panels["smuggled_h100e"].values.sum()


def test_stock_in_h100e_and_leases(record: Record, panels: dict[str, Panel]) -> None:
    weight = record.of["chip_tpp"] / 15824
    owned = (record.state["stock_chips"].sum(axis=(1, 3)) * weight).sum(axis=1)
    held = panels["stock_h100e"]
    rented = held.select(channel="rented").total()
    assert held.total() - rented == pytest.approx(owned)
    assert rented == pytest.approx(500 * 4992 / 15824)
    assert held.select(channel="rented").by("owner", "place").keys == (("bytedance", "US"),)


def test_shares_of_compute_add_up(panels: dict[str, Panel]) -> None:
    assert panels["compute_share"].total() == pytest.approx(1.0)


def test_independence_is_home_made_compute_at_home(record: Record, panels: dict[str, Panel]) -> None:
    index = panels["independence_index"]
    assert index.keys == (("CN",),)
    late = record.clock.window("2023")
    assert 0 < index.over(late)[0] < 1
    assert index.values[0, 0] == 0


def test_redesigns_are_dated(record: Record, panels: dict[str, Panel]) -> None:
    first = {
        key[2]: int(np.argmax(row > 0))
        for key, row in zip(panels["redesigns"].keys, panels["redesigns"].values, strict=True)
        if key[1] == "A800"
    }
    assert first == {"announced": 44, "volume": 50}
    assert np.isnan(panels["redesign_specs"].values[:, 43]).all()


def test_licence_days_follow_littles_law(panels: dict[str, Panel]) -> None:
    assert panels["licence_days"].values[0, -1] == pytest.approx(7 * 200 / 20)


def test_detection_is_a_rate_a_year(record: Record, panels: dict[str, Panel]) -> None:
    whole = np.ones(record.clock.n_ticks)
    expected = record.state["busts"].sum() / record.state["networks_active"].sum() * 365.25 / 7
    assert panels["detection_rate"].by().over(whole)[0] == pytest.approx(expected)


def test_military_compute_is_what_listed_labs_hold(panels: dict[str, Panel]) -> None:
    assert {key[0] for key in panels["military_compute_h100e"].keys} == {"nudt"}
    held = panels["stock_h100e"].select(owner="nudt")
    assert panels["military_compute_h100e"].total() == pytest.approx(held.total())


def test_an_idle_lab_and_an_idle_chip_change_nothing(record: Record, panels: dict[str, Panel]) -> None:
    wider = _with_idle(record)
    tally = Tally(wider)
    for found in metrics():
        idle = found.panel(tally)
        before = panels[found.name]
        if found.name == "units_ordered" or "idle" not in str(idle.keys):
            assert idle.keys == before.keys, found.name
            np.testing.assert_array_equal(idle.values, before.values, err_msg=found.name)


def test_an_unknown_dimension_is_refused() -> None:
    with pytest.raises(ValueError, match="colour"):
        metric(unit="chips", over_time="sum", dims=("colour",))(lambda tally: None)  # type: ignore[arg-type,return-value]


def test_the_standard_level_is_quick() -> None:
    """All metrics of a history-sized record within 150 ms of the machine on which two million turns of a plain loop take
    50: processor time against that loop, so that a slow or busy machine judges alike."""
    record = fake_record(260, "history")

    def measure() -> None:
        tally = Tally(record, buyers=False)
        for found in metrics():
            if found.kept("standard") is not None:
                found.at("standard", found.panel(tally))

    def turn() -> None:
        total = 0
        for number in range(2_000_000):
            total += number

    assert _fastest(measure) < 3 * _fastest(turn)


def _fastest(work: Callable[[], None]) -> float:
    took = []
    for _ in range(3):
        begun = time.process_time()
        work()
        took.append(time.process_time() - begun)
    return min(took)


def _with_idle(record: Record) -> Record:
    """The same run with one lab and one chip more that nothing happens to."""
    names = {
        **record.names,
        "actor": (*record.names["actor"], "zz_idle"),
        "lab": (*record.names["lab"], "zz_idle"),
        "chip": (*record.names["chip"], "zz_idle_part"),
    }
    of = {
        name: np.append(values, values[-1]) if name.startswith(("lab_", "chip_")) else values for name, values in record.of.items()
    }
    of["lab_actor"][-1] = len(record.names["actor"])
    of["chip_cut_from"][-1] = -1
    from sim.record import STATE

    state = {}
    for name, values in record.state.items():
        axes = STATE[name][0]
        grown = [(0, int(axis in ("lab", "chip"))) for axis in axes]
        state[name] = np.pad(values, [(0, 0), *grown])
    return replace(record, names=names, of=of, state=state)
