"""The real world as data: every value has unit and source, nothing of the record is lost, derived figures hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import get_args

import pytest
from pydantic import BaseModel

from sim.parameters import Behaviour
from sim.quantity import Quantity
from sim.scenario import Row, Scenario, Spec
from sim.scenario_io import load


@pytest.fixture(scope="module")
def history() -> Scenario:
    return load("history")


def values(node: object, path: str = "", source: str = "") -> Iterator[tuple[str, Quantity, str]]:
    """Every quantity below a node with its path and the source that stands for it."""
    if isinstance(node, Quantity):
        yield path, node, node.source or source
    elif isinstance(node, BaseModel):
        own = node.source if isinstance(node, Row) else source
        for name in type(node).model_fields:
            yield from values(getattr(node, name), f"{path}.{name}", own)
    elif isinstance(node, dict):
        for key, part in node.items():
            yield from values(part, f"{path}.{key}", source)


def test_every_value_has_unit_and_source_or_is_an_assumption_with_a_range(history: Scenario) -> None:
    seen = 0
    for path, quantity, source in values(history.world, "world"):
        seen += 1
        assert quantity.unit, path
        assert source and source != "this scenario", path
        if source.startswith("assumption"):
            assert quantity.low < quantity.high, path
    assert seen > 1000
    for path, quantity, source in values(history.behaviour, "behaviour"):
        assert quantity.unit and source, path
        assert quantity.low < quantity.high or source != "assumption", path


def test_every_entry_names_its_source(history: Scenario) -> None:
    world = history.world
    for kind in ("chips", "actors", "countries", "lanes", "capacity", "budgets", "routing", "adoption", "evidence"):
        for name, row in getattr(world, kind).items():
            assert row.source and row.source != "this scenario", f"{kind}.{name}"


def test_nothing_of_the_record_is_lost(history: Scenario) -> None:
    world = history.world
    counts = {kind: len(getattr(world, kind)) for kind in ("chips", "actors", "countries", "lanes", "budgets")}
    assert counts == {"chips": 47, "actors": 120, "countries": 43, "lanes": 29, "budgets": 56}
    kinds = [actor.kind for actor in world.actors.values()]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == \
        {"government": 9, "chipmaker": 13, "lab": 56, "distributor": 26, "supplier": 16}
    figures = [name for name, row in world.evidence.items() if row.of != "cross-check"]
    assert len([name for name in figures if "-2022-01-03" not in name and "nvidia" not in name]) == 163
    assert sum(len(parts) for parts in world.initial_stock.values()) == 58


def test_evidence_is_used_by_what_exists(history: Scenario) -> None:
    for name, row in history.world.evidence.items():
        if row.used_by is None:
            continue
        section, _, rest = row.used_by.partition(".")
        if section == "behaviour":
            assert rest in Behaviour.model_fields, name
        elif section == "world":
            here: object = history.world
            for word in rest.split("."):
                here = here[word] if isinstance(here, dict) else getattr(here, word)
        else:
            assert section == "rules", name


def test_outcomes_that_the_model_must_earn_stay_out(history: Scenario) -> None:
    for name, row in history.world.capacity.items():
        if row.metric in ("units_sold", "gross_margin"):
            assert row.inert, name
    for quantity in (history.world.valuation["nvidia"].market_value, history.world.valuation["nvidia"].forward_pe):
        assert quantity.path[-1].since < date(2025, 5, 1)
    books = history.world.vendor_start["nvidia"]
    assert books.inventory.value == 2.61
    for name, row in history.world.evidence.items():
        if row.used_by == "world.vendor_start.nvidia":
            assert "2022-01-30" in name


def test_chip_arithmetic(history: Scenario) -> None:
    for name, chip in history.world.chips.items():
        if "tpp" in chip.unknown_specs or "die_area_mm2" in chip.unknown_specs:
            continue
        assert chip.pd.value == pytest.approx(chip.tpp.value / chip.die_area_mm2.value, rel=0.01), name
        assert chip.tpp.value >= chip.fp16_dense_tflops.value * 16 * 0.99 or name in ("TPU-v5p",), name


def test_imputed_specifications_are_named_and_have_ranges(history: Scenario) -> None:
    for name, chip in history.world.chips.items():
        for spec in get_args(Spec):
            quantity = getattr(chip, spec)
            assert (quantity.source == "assumption") == (spec in chip.unknown_specs), f"{name}.{spec}"
            assert (quantity.low < quantity.high) == (spec in chip.unknown_specs), f"{name}.{spec}"
    unknown = history.world.chips["MI308"].unknown_specs
    assert set(unknown) >= {"tpp", "pd", "membw_gbps", "io_gbps"}


def test_redesigns_carry_both_dates(history: Scenario) -> None:
    days = {name: (str(chip.announced), str(chip.volume_from)) for name, chip in history.world.chips.items()}
    assert days["A800"] == ("2022-11-07", "2023-01-30")
    assert days["H800"] == ("2023-03-21", "2023-03-27")
    assert days["H20"] == ("2023-11-09", "2024-02-12")
    assert days["B30A"][1] == days["Ascend-910D"][1] == "None"
    for chip in history.world.chips.values():
        assert chip.volume_from is None or chip.volume_from.weekday() == 0


def test_budgets_cover_every_year_and_start_at_zero_where_nothing_was(history: Scenario) -> None:
    for name, budget in history.world.budgets.items():
        assert [point.since.year for point in budget.spend.path] == list(range(2021, 2027)), name
        assert history.world.actors[name].kind == "lab"
    assert history.world.budgets["xai"].spend.at(date(2022, 6, 1)) == 0


def test_central_sums_of_spend_by_region(history: Scenario) -> None:
    """The sums the facts' readme states, USD bn; those who rent add no chips."""
    sums: dict[str, float] = {}
    for name, budget in history.world.budgets.items():
        hq = history.world.actors[name].hq
        region = hq if hq in ("US", "CN") else "rest"
        if not budget.basis.startswith("rents"):
            sums[region] = sums.get(region, 0) + budget.spend.at(date(2024, 6, 1))
    assert sums == pytest.approx({"US": 92, "CN": 22, "rest": 13}, abs=1.0)


def test_fiscal_calendars(history: Scenario) -> None:
    nvidia = history.world.fiscal["nvidia"]
    assert (str(nvidia["FY22Q1"]), str(nvidia["FY26Q1"]), str(nvidia["FY27Q4"])) == \
        ("2021-05-02", "2025-04-27", "2027-01-31")
    for label, end in nvidia.items():
        assert end.weekday() == 6, label
        if label.endswith("Q4"):
            assert (end + timedelta(days=7)).month == 2 and end.month == 1
    assert history.clock.span("nvidia:FY25Q1") == (date(2024, 1, 29), date(2024, 4, 29))
    assert history.clock.span("amd:FY24Q2") == (date(2024, 4, 1), date(2024, 7, 1))
    assert history.clock.n_ticks == 260


def test_other_revenue_is_total_less_data_centre(history: Scenario) -> None:
    revenue = history.world.non_datacentre_revenue["nvidia"]
    assert revenue.quarters["FY23Q1"].value == pytest.approx(8.29 - 3.75)
    assert revenue.quarters["FY26Q1"].value == pytest.approx(44.06 - 39.1)
    assert {revenue.quarters[f"FY27Q{i}"].value for i in (1, 2, 3, 4)} == {revenue.quarters["FY26Q1"].value}
    assert (revenue.china_share.low, revenue.china_share.value, revenue.china_share.high) == (0.25, 0.33, 0.4)


def test_billing_shares_of_a_customer_add_to_one_at_most(history: Scenario) -> None:
    sums: dict[tuple[str, str], float] = {}
    for row in history.world.routing.values():
        key = (row.vendor, row.customer_hq)
        sums[key] = sums.get(key, 0) + max([point.value for point in row.share.path] or [row.share.value])
    assert all(total <= 1 + 1e-9 for total in sums.values())
    assert sums["nvidia", "CN"] == pytest.approx(1)
