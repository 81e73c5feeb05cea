"""Sign: adaptive governments review what was published and sign decrees, which bind from the next week at the earliest."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.agents.government import Sight, ladder, restrain, rung_of, washington
from sim.frame import CN, NEVER
from sim.levers.base import Rule
from sim.ordered_sum import weighted_sum
from sim.record import CHANNELS

if TYPE_CHECKING:
    from sim.world import World

Floats = NDArray[np.float64]

QUARTER_WEEKS = 13
YEAR_QUARTERS = 4
GREY = CHANNELS.index("grey")

class Published(NamedTuple):
    """At the end of a quarter: chips shipped to China and smuggled there so far, by part; sales by region, USD a quarter."""

    shipped: Floats
    smuggled: Floats
    sales_usd: Floats


class Cabinets:
    """Who decides for itself, what was published quarter by quarter, and what each has signed."""

    def __init__(self, world: World) -> None:
        stances = world.scenario.governments
        self.adaptive = tuple(name for name in ("gov_us", "gov_cn") if stances.get(name) == "adaptive")
        self.published: list[Published] = []
        self.signed = 0
        self.rung = -1
        """Rung of Beijing's ladder, climbed one step a review; -1 before its first decree."""


def sign(world: World) -> None:
    """Publish the quarter; hold the reviews that are due."""
    cabinets, tick = world.cabinets, world.tick
    if not cabinets.adaptive or tick == 0 or tick % QUARTER_WEEKS:
        return
    every = world.behaviour.review_weeks.at(world.frame.clock.date_of(tick))
    if every > 0 and tick % (QUARTER_WEEKS * max(1, round(every / QUARTER_WEEKS))) == 0 and len(cabinets.published) > 1:
        sight = _sight(world)
        if "gov_us" in cabinets.adaptive:
            _washington(world, sight)
        if "gov_cn" in cabinets.adaptive:
            _beijing(world, sight)
    cabinets.published.append(_quarter(world))


def _quarter(world: World) -> Published:
    china = world.frame.labs.region == CN
    grey = world.ledger.stock[china][:, :, GREY].sum(axis=0).astype(np.float64)
    return Published(world.law.shipped_china.copy(), grey, world.market.quarter_sales_usd.copy())


def _sight(world: World) -> Sight:
    """What the last publications show, over their last year; a quarter old, as data are."""
    frame, published, behaviour = world.frame, world.cabinets.published, world.behaviour
    chips, last = frame.chips, published[-1]
    first = published[max(0, len(published) - 1 - YEAR_QUARTERS)]
    years = max(1, min(YEAR_QUARTERS, len(published) - 1)) / YEAR_QUARTERS
    shipped, grey = (last.shipped - first.shipped) / years, np.maximum(last.smuggled - first.smuggled, 0.0) / years
    foreign = (~chips.domestic).astype(np.float64)
    train = shipped * foreign * chips.worth[0]
    lawful, passed = _total(train), _total(grey * chips.worth[0])
    infer = shipped * chips.worth[1]
    sales = last.sales_usd * foreign[None, :]
    served = _total(infer * (1.0 - foreign))
    before = published[-2]
    growth = _growth(
        _total((last.shipped - before.shipped) * chips.worth[1] * (1.0 - foreign)),
        served * years / max(1, len(published) - 1 if years < 1 else YEAR_QUARTERS),
    )
    waiting = _total(world.primary.queue[frame.buyer_region == CN].sum(axis=0) * chips.worth[1])
    wants = _total(infer) + waiting
    open_to = world.standing.permitted[world.law.buyer] if world.law.buyer >= 0 else np.zeros(len(foreign), dtype=bool)
    legal = open_to & ~chips.domestic & (train > 0)
    old = ~chips.domestic & (chips.succeeded_tick <= world.tick) & ~chips.for_china & (chips.market == 0)
    recent = world.law.last_closure < NEVER and world.tick - world.law.last_closure <= 2 * QUARTER_WEEKS
    return Sight(
        shipped=lawful,
        leakage=passed / (lawful + passed) if passed > 0 else 0.0,
        exposure=_total(sales[CN]) / max(_total(sales.cumsum(axis=0)[-1]), 1.0),
        best_tpp=float(chips.tpp[np.where(legal, train, -1.0).argmax()]) if legal.any() else 0.0,
        flagship_tpp=float(np.where(old, chips.tpp, 0.0).max(initial=0.0)),
        ready=min(1.0, served * growth / wants) if wants > 0 else 0.0,
        advantage=_advantage(world, behaviour.train_share.value),
        incident=float(recent),
        dependence=1.0 - served / max(_total(infer), 1.0),
    )


def _total(column: Floats) -> float:
    return float(weighted_sum(np.ascontiguousarray(column, dtype=np.float64), np.ones(len(column))))


def _growth(last_quarter: float, mean_quarter: float) -> float:
    """Growth of domestic output expected over a year: the last quarter over the year's mean, squared, one- to fourfold."""
    return min(4.0, max(1.0, (last_quarter / mean_quarter) ** 2)) if mean_quarter > 0 else 1.0


def _advantage(world: World, train_share: float) -> float:
    """Worth per dollar of the best foreign part on offer to China over that of the best domestic one, by use mix; 0 while
    none is on offer, which leaves Beijing nothing to restrain."""
    chips, view, buyer = world.frame.chips, world.view, world.law.buyer
    offered = view.orderable[buyer] if buyer >= 0 else np.zeros(len(chips.tpp), dtype=bool)
    per_dollar = (train_share * chips.worth[0] + (1.0 - train_share) * chips.worth[1]) / (
        world.list_usd + world.behaviour.host_cost_usd.value
    )
    abroad = float(np.where(offered & ~chips.domestic, per_dollar, 0.0).max(initial=0.0))
    at_home = float(np.where(offered & chips.domestic, per_dollar, 0.0).max(initial=0.0))
    return min(10.0, abroad / at_home) if at_home > 0 else 10.0


def _washington(world: World, sight: Sight) -> None:
    behaviour = world.behaviour
    choice = washington(sight, behaviour)
    scope: list[dict[str, Any]] = [{"destination": ["D5"]}, {"buyer_hq": ["D5"]}]
    if choice == "tighten":
        line = {"tpp_at_least": sight.best_tpp, "market_except": ["consumer"]}
        _decree(
            world,
            "US",
            "control_rule",
            f"No part of {sight.best_tpp:.0f} TPP or more",
            [{"lever": "threshold", "clause": "line", "chips": line, "where": scope, "policy": "denial"}],
        )
    elif choice == "enforce":
        more = behaviour.officers_step_multiple.value
        _decree(world, "US", "enforcement", "More officers", [{"lever": "enforcement", "staff": more}])
    elif choice == "loosen":
        lines = [
            name
            for name, rule in sorted(world.rulebook.rules.items())
            if "US" in rule.by and not rule.inert and any(effect.lever == "threshold" for effect in rule.effects)
        ]
        passing = {"tpp_below": sight.flagship_tpp * 1.01, "market": ["datacentre"]}
        _decree(
            world,
            "US",
            "licence_policy",
            f"Parts up to {sight.flagship_tpp:.0f} TPP case by case, for a share",
            [
                {
                    "lever": "licence_policy",
                    "of": lines,
                    "chips": passing,
                    "policy": "case_by_case",
                    "grant": behaviour.reopened_grant_share.value,
                    "delay": round(behaviour.reopened_delay_weeks.value),
                },
                {
                    "lever": "revenue_share",
                    "chips": passing,
                    "where": [{"destination": ["CN"]}],
                    "rate": behaviour.reopened_revenue_share.value,
                },
            ],
        )


def _beijing(world: World, sight: Sight) -> None:
    behaviour, cabinets = world.behaviour, world.cabinets
    restraint = restrain(sight, behaviour)
    aim, now = rung_of(restraint, behaviour), max(cabinets.rung, 0)
    rung = now + (aim > now) - (aim < now)
    if rung == cabinets.rung or sight.advantage == 0.0:
        return
    cabinets.rung = rung
    words = (
        "Buyers are free",
        "Buyers are told to hold back",
        "Customs inspect",
        "State centres buy domestic parts only",
    )
    _decree(
        world,
        "CN",
        "purchase_guidance",
        f"{words[rung]} (restraint {restraint:.2f}: ready {sight.ready:.2f}, advantage {sight.advantage:.2f})",
        ladder(rung, sight.dependence, behaviour),
        name="CN_ADAPTIVE",
    )


def _decree(world: World, by: str, kind: str, clause: str, effects: list[dict[str, Any]], name: str = "") -> None:
    """Sign a rule; what follows from it names the decree as its cause."""
    cabinets, today = world.cabinets, world.frame.clock.date_of(world.tick)
    cabinets.signed += 1
    name = name or f"{by}_ADAPTIVE_{cabinets.signed}"
    rule = _rule(by, kind, clause, effects, today)
    world.rulebook.sign(name, rule, world.tick)
    world.law.cause[name] = world.tell("decree_announced", actor=f"gov_{by.lower()}", rule=name, text=clause)


def _rule(by: str, kind: str, clause: str, effects: list[dict[str, Any]], today: date) -> Rule:
    return Rule.model_validate(
        {
            "by": by,
            "kind": kind,
            "announced": today.isoformat(),
            "since": today.isoformat(),
            "clause": clause,
            "source": "decided by the model",
            "effects": effects,
        }
    )
