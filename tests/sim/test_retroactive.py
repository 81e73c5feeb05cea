"""A retroactive duty by place: each of its parts moves stock or compute in a running world, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

import sim
from sim.ledger import KINDS
from sim.tick_retroactive import card_values, unsupported
from sim.world import World

DUTY = ("rules.RETRO={by: US, kind: control_rule, announced: 2022-01-03, since: 2022-02-07, effects: [{lever: retroactive, "
        "chips: {named: [A100]}, reachable: [MY, US], notice: 4")


def world(*overrides: str, weeks: int = 12) -> World:
    made = sim.build(sim.load("history", overrides), 1)
    for _ in range(weeks):
        made.step()
    return made


def a100(of: World, lab: str) -> int:
    return int(of.ledger.owned()[of.frame.row("lab", lab), of.frame.row("chip", "A100")])


def kinds(of: World) -> set[str]:
    return {event.kind for event in of.record.events}


@pytest.fixture(scope="module")
def plain() -> World:
    return world("world.actors.kuaishou_meituan_ant.seat=MY")


@pytest.fixture(scope="module")
def bound() -> World:
    return world("world.actors.kuaishou_meituan_ant.seat=MY", DUTY + "}]}")


def test_stock_of_chinese_firms_in_a_hub_is_sold_at_the_end_of_the_notice(plain: World, bound: World) -> None:
    assert a100(plain, "kuaishou_meituan_ant") > 5000 and a100(bound, "kuaishou_meituan_ant") == 0
    (sale,) = (event for event in bound.record.events if event.kind == "forced_sale" and event.tick == 5 + 4)
    assert sale.quantity > 5000 and sale.rule == "RETRO" and bound.record.events[sale.cause].rule == "RETRO"
    clouds = [row for row, name in enumerate(bound.frame.names.distributor) if name.startswith("cloud_")]
    part = bound.frame.row("chip", "A100")
    there = (bound.ledger.held + bound.ledger.moving.sum(axis=0))[clouds, part].sum()
    before = (plain.ledger.held + plain.ledger.moving.sum(axis=0))[clouds, part].sum()
    assert there - before == pytest.approx(sale.quantity, rel=0.1)
    seller = bound.frame.labs.actor[bound.frame.row("lab", "kuaishou_meituan_ant")]
    paid, unpaid = (sum(int(cents[payees == seller].sum()) for tick, kind, _, payees, cents in of.ledger.postings
                        if tick == sale.tick and KINDS[kind] == "purchase") for of in (bound, plain))
    assert paid - unpaid == pytest.approx(sale.quantity * bound.list_usd[part] * 50, rel=1e-6)


def test_stock_inside_china_stays_and_fails_a_little_faster(plain: World, bound: World) -> None:
    for lab in ("alibaba", "baidu"):
        assert 0.97 * a100(plain, lab) < a100(bound, lab) < a100(plain, lab)
    extra = unsupported(bound)
    row, part = bound.frame.row("lab", "alibaba"), bound.frame.row("chip", "A100")
    assert extra[row, part] == 0.09 and extra[row].sum() == extra[row, part]
    assert extra[bound.frame.row("lab", "microsoft")].sum() == 0.0
    assert not unsupported(plain).any()


def test_software_ages_by_the_part_of_a_maker_s_cards_that_lose_support(plain: World, bound: World) -> None:
    nvidia = bound.frame.row("maker", "nvidia")
    assert 0.98 < bound.minds.software[0, nvidia] < 1.0 == plain.minds.software[0, nvidia]
    assert (bound.minds.software[1:] == 1.0).all()


@pytest.mark.parametrize(("price", "sold"), [(0.01, "none"), (0.95, "idle"), (20.0, "all")])
def test_a_buy_back_is_taken_by_owners_who_value_the_chip_less(price: float, sold: str) -> None:
    cheap = "behaviour.rent_floor_share=0.05"
    plain = world(cheap, weeks=6)
    value = price if price <= 1 else 1.0
    rich = ("world.chips.A100.list_price_usd=250000",) if price > 1 else ()
    bought = world(cheap, DUTY + f", buy_back: {value}" + "}]}", *rich, weeks=6)
    left = a100(bought, "alibaba") / a100(plain, "alibaba")
    own_use = bought.frame.labs.own_use_share[bought.frame.row("lab", "alibaba")]
    assert left == pytest.approx({"none": 1.0, "idle": own_use, "all": 0.0}[sold], abs=0.01)
    assert ("bought_back" in kinds(bought)) == (sold != "none")
    if not rich:
        assert a100(bought, "microsoft") == pytest.approx(a100(plain, "microsoft"), rel=0.02), "only the owners named"


def test_a_card_in_use_is_worth_more_than_an_idle_one(plain: World) -> None:
    used, idle = card_values(plain)
    row, part = plain.frame.row("lab", "alibaba"), plain.frame.row("chip", "A100")
    assert np.isfinite(used[row, part]) and used[row, part] > idle[row, part] > 0.0


def test_leases_of_chinese_tenants_abroad_end_and_others_do_not() -> None:
    free = world(weeks=1)
    barred = world(DUTY + "}]}", weeks=12)
    tenant, part = free.frame.row("lab", "bytedance"), free.frame.row("chip", "A100")
    assert free.standing.hosted[tenant, 2, part] and not barred.standing.hosted[tenant, 2, part]
    assert barred.standing.hosted[tenant, 2, barred.frame.row("chip", "H100")]
    assert barred.standing.hosted[barred.frame.row("lab", "openai"), 2, part]
