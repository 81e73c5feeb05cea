"""Government: adaptive ones weigh what they saw; each term moves the choice the way its objective says."""

from __future__ import annotations

from dataclasses import replace

import sim
from sim.agents.government import Sight, ladder, restrain, rung_of, washington
from sim.levers.base import Rule

CALM = Sight(shipped=40_000, leakage=0.02, exposure=0.2, best_tpp=2368, flagship_tpp=4992, ready=0.2, advantage=2.0,
             incident=0, dependence=0.8)
BEHAVIOUR = sim.load("history", ["behaviour.adaptive_train_cap_h100e=100000"]).behaviour
BOUGHT = sim.load("history", ["behaviour.adaptive_train_cap_h100e=100000", "behaviour.lobby_weight=20"]).behaviour


def test_washington_does_nothing_without_a_reason() -> None:
    assert washington(CALM, BEHAVIOUR) == ""


def test_washington_tightens_when_more_ships_than_its_cap_unless_vendors_weigh_more() -> None:
    much = replace(CALM, shipped=500_000)
    assert washington(much, BEHAVIOUR) == "tighten"
    assert washington(much, BOUGHT) == ""


def test_washington_pays_officers_where_leakage_is_the_trouble() -> None:
    assert washington(replace(CALM, leakage=0.3), BEHAVIOUR) == "enforce"


def test_washington_loosens_when_little_ships_and_vendors_lost_the_market() -> None:
    assert washington(replace(CALM, exposure=0.01), BEHAVIOUR) == "loosen"


def test_beijing_restrains_more_when_ready_and_less_when_the_foreign_part_is_far_ahead() -> None:
    calm = restrain(CALM, BEHAVIOUR)
    assert restrain(replace(CALM, ready=0.6), BEHAVIOUR) > calm > restrain(replace(CALM, advantage=3.0), BEHAVIOUR)
    assert restrain(replace(CALM, incident=1), BEHAVIOUR) > calm
    assert rung_of(0.1, BEHAVIOUR) == 0 and rung_of(0.99, BEHAVIOUR) == 3


def test_every_rung_is_law_and_higher_rungs_hold_back_more() -> None:
    for rung in range(4):
        Rule.model_validate({"by": "CN", "kind": "purchase_guidance", "announced": "2025-06-30", "since": "2025-07-07",
                             "effects": ladder(rung, 0.5, BEHAVIOUR)})
    assert [len(ladder(rung, 0.5, BEHAVIOUR)) for rung in range(4)] == [1, 2, 3, 4]


def test_an_adaptive_beijing_signs_and_its_decree_binds_a_week_later() -> None:
    world = sim.build(sim.load("teaching/two-governments", ["governments.gov_cn=adaptive"]), 1)
    for _ in range(world.frame.clock.n_ticks):
        world.step()
    signed = [event for event in world.record.events if event.rule == "CN_ADAPTIVE" and event.kind == "decree_announced"]
    assert signed
    rule = world.rulebook.rules["CN_ADAPTIVE"]
    assert rule.since == world.frame.clock.date_of(signed[-1].tick + 1)
