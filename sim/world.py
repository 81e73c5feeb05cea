"""World: the Mesa model. `step` is one week, told by the tick table; each part of it lives in a `tick_*` module."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim import (
    tick_assemble,
    tick_decide,
    tick_design,
    tick_invest,
    tick_law,
    tick_make,
    tick_record,
    tick_rent,
    tick_settle,
    tick_sign,
    tick_trade,
)
from sim.agents.base import AGENTS
from sim.agents.cohort import Cohort
from sim.enforcement import Networks
from sim.frame import Frame
from sim.keyed_random import keys_of
from sim.layout import frame_of, grey_lanes, opening
from sim.ledger import Ledger
from sim.mesa_core import Model
from sim.primary import PrimaryBook
from sim.progress import Minds, usable
from sim.quotas import QuotaBook
from sim.record import REGIONS, Event, Record
from sim.redesign import with_spares
from sim.registry import discover
from sim.rulebook import Rulebook
from sim.scenario import Scenario
from sim.standing import Standing
from sim.trade_log import TradeLog
from sim.upstream import DomesticSupply, Lines
from sim.view import View

if TYPE_CHECKING:
    from sim.supply import Graph

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

TICK = (
    ("receive", tick_make.receive),
    ("obey", tick_law.obey),
    ("invest", tick_invest.invest),
    ("perceive", tick_decide.perceive),
    ("decide", tick_decide.decide),
    ("design", tick_design.design),
    ("sign", tick_sign.sign),
    ("license", tick_law.license_goods),
    ("serve", tick_trade.serve),
    ("spot", tick_trade.clear_spot),
    ("rental", tick_rent.clear_rental),
    ("settle", tick_settle.settle),
    ("progress", tick_settle.progress),
    ("record", tick_record.note),
)
"""The parts of a week in order: goods arrive; rules due bind; actors look and decide, sealed; makers draw parts and governments
sign; licences and quotas become caps; the primary queue, the spot market and the rental market clear; enforcement and
settlement; learning; the record."""

PRIVATE_ROW = ("impatience_share_per_month", "choice_exponent", "host_cost_usd", "order_gap_weeks", "order_surge_multiple",
               "credit_multiple", "credit_belief_share", "wait_horizon_weeks", "credit_repay_weeks")


class World(Model):  # type: ignore[misc]
    """One world under one scenario and seed; its state is columns of the frame's rows."""

    def __init__(self, scenario: Scenario, seed: int = 1) -> None:
        super().__init__(seed=seed)
        discover("sim.agents", "chokepoint.agents", AGENTS)
        scenario = with_spares(scenario) if scenario.redesign == "endogenous" else scenario
        self.scenario, self.behaviour, self.seed_number = scenario, scenario.behaviour, seed
        self.frame: Frame = frame_of(scenario, seed)
        self.ledger: Ledger = opening(scenario, self.frame)
        self.rulebook = Rulebook.for_scenario(scenario)
        self.standing = Standing(self.frame, self.rulebook)
        names, behaviour = self.frame.names, scenario.behaviour
        self.tick = 0
        committed = behaviour.on("commitments")
        self.lead_weeks = max(1, round(behaviour.lead_weeks.value)) if committed else 1
        self.title_weeks = max(1, round(behaviour.title_weeks.value)) if committed else 1
        self.materials_weeks = max(0.0, behaviour.materials_weeks.value - self.lead_weeks) if committed else 0.0
        self.primary = PrimaryBook(len(names.buyer), len(names.chip), len(REGIONS))
        self.quotas = QuotaBook(len(names.buyer), len(names.chip), len(names.country))
        self.lines = Lines(len(names.chip), self.lead_weeks)
        self.domestic = DomesticSupply(len(names.maker))
        self.networks = Networks(names.distributor)
        self.minds = Minds(len(names.lab), len(names.maker), len(REGIONS), round(behaviour.release_weeks_after_run.value))
        self.trades = TradeLog(self.frame.told_actor if self.frame.labs.drawn.any() else None)
        self.record: Record = tick_record.empty(self)
        self.view: View
        self.list_usd = self.frame.chips.list_usd.copy()
        self.law = tick_law.Law(len(names.buyer), len(names.chip))
        self.market = tick_trade.Market(len(names.chip), len(names.lab))
        self.tenants = np.flatnonzero(~self.frame.labs.drawn)  # drawn labs own what they use
        self.hours = tick_rent.Hours(len(names.lab), len(self.tenants), len(names.distributor), len(names.chip))
        self.fraction = np.zeros((len(names.lab), len(names.chip)))
        self.orders: Ints = np.zeros((len(names.buyer), len(names.chip)), dtype=np.int64)
        self.scrap_fraction = np.zeros(self.ledger.stock.shape)
        self.market.size(len(names.distributor))
        self.market_keys = tick_trade.market_keys(names.lab)
        self.rental_keys = tick_rent.rental_keys(tuple(names.lab[row] for row in self.tenants))
        self.chip_keys = keys_of("part", names.chip)
        self.owner_keys = np.concatenate([self.frame.labs.keys, self.frame.distributors.keys])
        self.grey_lane = grey_lanes(scenario, self.frame)
        self.low_end_fraction = np.zeros(len(names.lab))
        self.grey_street = 0.0
        self.produced: Ints = np.zeros(len(names.chip), dtype=np.int64)
        self.yields: Floats = np.full(len(names.maker), np.nan)
        self.capacity_factor: Floats = np.ones(len(names.maker))
        self.studios = tick_design.Studios(self)
        self.cabinets = tick_sign.Cabinets(self)
        for row, name in enumerate(names.actor):
            if name in scenario.world.actors:
                self._enter(name, row)
        for row in sorted(set(self.frame.told_lab[self.frame.labs.drawn].tolist())):
            own = np.flatnonzero(self.frame.told_lab == row)
            Cohort(self, names.told_lab[row], own, self.frame.labs.actor[own])
        tick_settle.open_minds(self)
        self.alike = tick_decide.stand_ins(self)
        self.banked = tick_assemble.banked(self)
        self.standing.read(0)
        tick_decide.perceive(self)
        tick_make.open_lines(self, tick_decide.sealed_orders(self))
        self.fraction[:] = 0.0

    def _enter(self, name: str, row: int) -> None:
        kind = self.scenario.world.actors[name].kind
        if kind in AGENTS:
            axis = {"government": "actor", "chipmaker": "maker"}.get(kind, kind)
            AGENTS[kind](self, name, row, self.frame.row(axis, name))

    def step(self) -> None:
        """One week, in the order of TICK; a decree decided now binds next week at the earliest."""
        for _, part in TICK:
            part(self)
        self.tick += 1

    @cached_property
    def graph(self) -> Graph:
        """Who feeds whom, see `sim.supply`; no part of a week reads it, so that it is drawn when first asked for."""
        from sim.supply import supply_graph

        world = self.scenario.world
        return supply_graph(world.actors, world.chips, world.lanes)

    @cached_property
    def behaviour_row(self) -> Floats:
        """Numbers that labs' order rule reads, see `agents.lab.order_value`."""
        values = [getattr(self.behaviour, name).value for name in PRIVATE_ROW]
        monthly = values[0] if self.behaviour.on("impatience") else 0.0
        values[0] = float(np.log1p(monthly)) * 12.0 / 52.1786
        return np.array(values)

    def tell(self, kind: str, actor: str = "", chip: str = "", other: str = "", rule: str = "", quantity: float = 0.0,
             unit: str = "", cause: int = -1, text: str = "") -> int:
        """Write an event to the log; returns its place, to be given as the cause of what follows from it."""
        self.record.events.append(Event(self.tick, kind, actor, chip, other, rule, float(quantity), unit, cause, text))
        return len(self.record.events) - 1

    def last_smuggled(self, distributor: str) -> int:
        """Place in the log of the latest smuggling by a distributor, -1 for none."""
        events = self.record.events
        return next((i for i in range(len(events) - 1, -1, -1)
                     if events[i].kind == "smuggled" and events[i].actor == distributor), -1)

    def usable_worth(self, owned: Ints) -> Floats:
        """Worth of owned chips (labs, chips) by use and lab in H100 weights, (2, labs), skill and software counted."""
        labs, chips = self.frame.labs, self.frame.chips
        software = self.minds.software[labs.region]
        return np.asarray(usable(owned, chips.worth, self.minds.skill, chips.maker, software))


