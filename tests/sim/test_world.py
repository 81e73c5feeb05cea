"""The world, week by week: everything is conserved, everything that happens has a cause, absurd worlds end with a reason."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

import sim
from sim.errors import ChokepointError, InvariantError
from sim.world import TICK, World

SMALL = "teaching/grey-market"


def world_of(name: str = SMALL, *overrides: str, weeks: int | None = None) -> World:
    world = sim.build(sim.load(name, overrides), 1)
    for _ in range(world.frame.clock.n_ticks if weeks is None else weeks):
        world.step()
    return world


def test_the_week_is_a_table_of_parts() -> None:
    assert [name for name, _ in TICK][:2] == ["receive", "obey"]
    assert TICK[-1][0] == "record"


def test_the_journal_re_summed_agrees_with_the_accounts() -> None:
    world = world_of()
    assert (world.ledger.resummed_cash() == world.ledger.cash_cents).all()
    assert world.ledger.cash_cents.sum() == 0


def test_chips_made_less_lost_are_all_somewhere() -> None:
    world = world_of()
    ledger = world.ledger
    made = sum((chips for _, kind, chips in ledger.movements if kind in ("made", "relabelled")), np.zeros_like(ledger.created))
    lost = sum((chips for _, kind, chips in ledger.movements if kind in ("scrapped", "seized")), np.zeros_like(ledger.created))
    held = (ledger.ready + ledger.finished.sum(axis=0) + ledger.on_the_way() + ledger.moving.sum(axis=(0, 1))
            + ledger.stock.sum(axis=(0, 2)) + ledger.held.sum(axis=0))
    start = sim.build(sim.load(SMALL), 1).ledger.created
    assert (held == start + made - lost).all()


def test_what_an_announced_bar_leaves_no_time_to_deliver_is_booked_no_more() -> None:
    """Half a year of grace for the H20, as in P3's contrast: its lines stop, a delivery's time before the bar, from one week to
    the next; they used to run down by a fortieth a week, and grace stranded as much as none."""
    world = world_of("history", "rules.LETTER_H20_2025.since=2025-10-08", weeks=180)
    part, booked = world.frame.row("chip", "H20"), []
    while world.frame.clock.date_of(world.tick) < date(2025, 9, 1):
        world.step()
        booked.append(int(world.lines.last[part]))
    stop = booked.index(0)
    assert stop > 0 and min(booked[:stop]) > 1_000 and not any(booked[stop:])


@pytest.mark.parametrize("column", ["stock", "held", "ready", "cash_cents"])
def test_a_chip_or_a_cent_that_appears_stops_the_run(column: str) -> None:
    world = world_of(weeks=5)
    getattr(world.ledger, column).flat[0] += 1
    with pytest.raises(InvariantError, match="tick 5"):
        world.step()


def test_a_false_flow_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    from sim.clearing import network

    true = network._prove

    def false(*args: object) -> tuple[int, ...]:
        said = list(true(*args))
        said[0] += 1
        return tuple(said)

    monkeypatch.setattr(network, "_prove", false)
    monkeypatch.setattr(network, "_run", getattr(network._run, "py_func", network._run))
    with pytest.raises(InvariantError, match="no proof"):
        world_of(weeks=104)


def test_every_cause_lies_before_its_effect() -> None:
    events = world_of().record.events
    assert events
    for place, event in enumerate(events):
        assert -1 <= event.cause < place
        if event.cause >= 0:
            assert events[event.cause].tick <= event.tick


def test_no_lawful_sale_crosses_a_bar() -> None:
    world = sim.build(sim.load("history"), 1)
    for _ in range(60):
        before = len(world.trades.batches)
        world.step()
        for batch in world.trades.batches[before:]:
            if batch.column("book") != 0:
                continue
            buyers = np.array([int(np.flatnonzero(world.frame.buyer_actor == row)[0]) for row in batch.column("buyer")])
            chip = batch.column("chip")
            open_to = world.standing.permitted[buyers, chip] | world.standing.licensable[buyers, chip]
            assert open_to.all()


@pytest.mark.parametrize("overrides", [
    ["behaviour.china_capacity_share=0", "behaviour.handover_share=0"],
    ["behaviour.diversion=off", "behaviour.rental=off", "behaviour.offshore=off"],
    ["behaviour.stockpiling=off", "behaviour.belief=off", "behaviour.impatience=off", "behaviour.thrift=off",
     "behaviour.rebound=off", "behaviour.learning=off", "behaviour.substitution=off", "behaviour.commitments=off",
     "behaviour.redesign=off", "behaviour.enforcement=off", "behaviour.memory_limit=off"],
])
def test_a_world_without_a_mechanism_runs_to_its_end(overrides: list[str]) -> None:
    world = world_of(SMALL, *overrides)
    assert world.record.ticks_run == world.frame.clock.n_ticks


def without(scenario: sim.Result, **world: object) -> object:
    return scenario.model_copy(update={"world": scenario.world.model_copy(update=world)})  # type: ignore[attr-defined]


@pytest.mark.parametrize("absent", ["budgets", "lanes", "initial_stock", "capacity", "buyers", "all but one"])
def test_absurd_worlds_run_to_the_end_or_refuse_with_a_reason(absent: str) -> None:
    scenario = sim.load(SMALL)
    actors = scenario.world.actors
    if absent == "buyers":
        others = {name: row for name, row in actors.items() if row.kind != "lab"}
        scenario = without(scenario, actors=others, budgets={}, initial_stock={})
    elif absent == "all but one":
        name, row = next((name, row) for name, row in actors.items() if row.kind == "lab")
        scenario = without(scenario, actors={name: row}, budgets={}, initial_stock={})
    else:
        scenario = without(scenario, **{absent: {}})
    try:
        result = sim.run(scenario, 1)
    except ChokepointError as error:
        assert str(error)
    else:
        assert result.record.ticks_run == result.record.clock.n_ticks
