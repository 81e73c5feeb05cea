"""A drawn tail: its labs hang on the seed and their names alone, trade like any lab, and are told by cohort."""

from __future__ import annotations

import numpy as np
import pytest

import sim
from experiments.commands.new import world_text
from sim.errors import ScenarioError
from sim.scenario import Scenario
from sim.scenario_io import loads
from sim.tail import drawn
from sim.world import World


def with_tail(labs: int, *overrides: str) -> Scenario:
    return loads(world_text("tail", labs), overrides)


def after(labs: int, weeks: int) -> World:
    world = sim.build(with_tail(labs), 1)
    for _ in range(weeks):
        world.step()
    return world


def test_a_scenario_without_a_generator_has_no_tail() -> None:
    frame = sim.build(sim.load("teaching/grey-market"), 1).frame
    assert not frame.labs.drawn.any() and frame.names.told_lab == frame.names.lab
    assert frame.told_actor.tolist() == list(range(len(frame.names.actor)))


def test_a_larger_tail_holds_the_smaller_one() -> None:
    small, large = drawn(with_tail(50)), drawn(with_tail(500))
    rows = [large.names.index(name) for name in small.names]
    assert (large.spend_usd[rows] == small.spend_usd).all() and [large.country[row] for row in rows] == list(small.country)
    assert (drawn(with_tail(50, "world.generator.seed=2")).spend_usd != small.spend_usd).all()


def test_the_tail_has_the_shares_and_sizes_asked_for() -> None:
    tail = drawn(with_tail(20_000))
    share = np.mean([name == "CN" for name in tail.country])
    assert abs(share - 0.25) < 0.01 and abs(tail.listed.mean() - 0.01) < 0.003 and abs(tail.state.mean() - 0.05) < 0.006
    assert abs(np.log(np.median(tail.spend_usd) / 400_000)) < 0.05 and abs(np.std(np.log(tail.spend_usd)) - 1.6) < 0.05


def test_an_actor_may_not_bear_a_drawn_name() -> None:
    with pytest.raises(ScenarioError, match="drawn lab or cohort"):
        drawn(with_tail(5, "world.actors.tail-US={kind: lab, subkind: tail, seat: US, hq: US}"))


def test_two_hundred_drawn_labs_trade_and_are_told_by_cohort() -> None:
    world = after(200, 8)
    frame, ledger, record = world.frame, world.ledger, world.record
    assert frame.labs.drawn.sum() == 200 and len(frame.names.told_lab) < 80
    assert ledger.stock[frame.labs.drawn].sum() > 0
    assert (record.state["stock_chips"][7].sum(axis=0)[:, :4] == ledger.stock.sum(axis=0)).all()
    for cohort in (row for row, name in enumerate(frame.names.told_lab) if name.startswith("tail-")):
        own = frame.told_lab == cohort
        assert (record.state["stock_chips"][7, cohort, :, :4] == ledger.stock[own].sum(axis=0)).all()
        assert len(set(frame.labs.country[own])) == 1 and record.of["lab_country"][cohort] == frame.labs.country[own][0]
    assert (ledger.resummed_cash() == ledger.cash_cents).all()
    trades = world.trades.joined()
    assert trades["buyer"].max() < len(frame.names.told_actor)
    kinds = [agent.kind for agent in world.agents]
    assert kinds.count("cohort") == len([name for name in frame.names.told_lab if name.startswith("tail-")])


def test_a_listed_drawn_lab_is_barred_where_its_unlisted_like_is_not() -> None:
    world = after(2000, 1)
    labs, listed = world.frame.labs, world.standing.listed[: len(world.frame.names.lab)]
    china = np.flatnonzero(labs.drawn & (labs.hq == world.frame.names.country.index("CN")) & ~labs.state)
    barred = [world.standing.permitted[row].sum() for row in china if listed[row]]
    free = [world.standing.permitted[row].sum() for row in china if not listed[row]]
    assert barred and max(barred) < min(free)


def test_the_same_seed_gives_the_same_world_with_a_tail() -> None:
    scenario = with_tail(200, "time.end=2022-02-28")
    result = sim.run(scenario, 1)
    again = sim.run(scenario, 1)
    assert result.hash == again.hash
    assert result.read("units_delivered", basis="customer_hq") > 0


@pytest.mark.slow
def test_ten_thousand_drawn_labs_hold_for_half_a_year() -> None:
    world = after(10_000, 26)
    world.ledger.check()
    assert (world.ledger.resummed_cash() == world.ledger.cash_cents).all()
