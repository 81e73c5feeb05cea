"""Redesign: the best part a maker can still sell when a rule closes a market to its flagship.

A cut of a base part is a choice of cores, links, memory stacks and die area. Of the cuts that stay legal at a safety
distance from every line, a maker takes the one with the best expected margin per dollar that buyers have to spend,
    margin = max over price P of  sum over uses u of  split_u x share_u(P) x (1 - cost / P),
    share_u(P) = pull_u(P) / (pull_u(P) + pulls of what else buyers may have),
    pull_u(P) = (worth_u / (P + host cost))^exponent:
the logit by which labs divide their plans (`sim.agents.lab`), seen from the seller. What else they may have: domestic
parts with their wait, other makers' legal parts, and the base itself through the grey market. Fusing off cores or links
changes no board; another count of stacks or another die does, and takes other weeks. The law is asked through
`Rulebook.judge`, never guessed at.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.catalog import Catalog
from sim.frame import worths
from sim.scenario import Chip, Scenario

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SPARES = 6
"""Rows kept free in a world's catalog for each maker's own cuts."""

CORE_STEPS, LEAST_CORES = 128, 8
"""Cores are fused off in units of 1/128, down to a sixteenth."""

LINK_GBPS, LINK_GROUP = 50.0, 4
"""Both ways of one link, and how many are fused off together: a board spreads a part's links evenly over its switches, four
on a board of eight H100s (vendor's board description; taken for other parts too, an assumption)."""

RETICLE_MM2 = 858.0
"""Largest die one exposure makes; filler up to there lowers performance density."""

PRICE_STEPS = np.linspace(0.15, 1.25, 45)
"""Prices tried, over the base part's list price."""


@dataclass(frozen=True)
class Base:
    """A part to cut from. most_stacks: those of the largest package its maker has for this die, empty sites counted only
    where a part of its own fills them; soft: software maturity, training and inference."""

    fp16_dense_tflops: float
    tpp: float
    io_gbps: float
    membw_gbps: float
    memory_gb: float
    die_area_mm2: float
    stacks: int
    most_stacks: int
    dies: int
    list_usd: float
    unit_cost_usd: float
    soft: tuple[float, float]


@dataclass(frozen=True)
class Cuts:
    """Cuts as columns, (n,) each; spec holds the catalog's columns, worth is (2, n); fused: no other board or die."""

    fp16_dense_tflops: Floats
    spec: dict[str, Floats]
    stacks: NDArray[np.int64]
    unit_cost_usd: Floats
    worth: Floats
    fused: Bools


@dataclass(frozen=True)
class Demand:
    """What sellers know of buyers: split of their money between uses, (2,); pulls of what else they may have, (2,)."""

    split: Floats
    others: Floats
    host_usd: float
    exponent: float


def with_spares(scenario: Scenario) -> Scenario:
    """The scenario of a world whose makers design for themselves: recorded cuts are never offered, and each foreign
    maker of data-centre parts has SPARES free rows, named MAKER-cut-1 and so on."""
    chips = dict(scenario.world.chips)
    for name, chip in scenario.world.chips.items():
        if chip.designed_for and chip.design_jurisdiction != chip.designed_for:
            chips[name] = chip.model_copy(update={"announced": None, "volume_from": None})
    for maker in designers(scenario):
        like = next(chip for _, chip in sorted(scenario.world.chips.items()) if chip.vendor == maker and drawable(chip))
        for number in range(1, SPARES + 1):
            name = f"{maker}-cut-{number}"
            chips[name] = like.model_copy(
                update={
                    "name": name,
                    "aliases": (),
                    "announced": None,
                    "volume_from": None,
                    "designed_for": "CN",
                    "cut_from": None,
                    "recut": None,
                    "successor_of": None,
                    "unknown_specs": (),
                    "legality": {},
                    "source": "found by the model",
                }
            )
    return scenario.model_copy(update={"world": scenario.world.model_copy(update={"chips": chips})})


def drawable(chip: Chip) -> bool:
    """Whether a part is a flagship's kind: data centre, sold to the whole world, with stacked memory."""
    return (
        chip.market == "datacentre"
        and not chip.designed_for
        and chip.volume_from is not None
        and chip.hbm_stacks.value >= 1
    )


def designers(scenario: Scenario) -> list[str]:
    """Makers outside China that sell to others and have a part to cut from, by id."""
    actors = scenario.world.actors
    return sorted(
        {
            chip.vendor
            for chip in scenario.world.chips.values()
            if drawable(chip)
            and chip.vendor in actors
            and actors[chip.vendor].hq != "CN"
            and actors[chip.vendor].subkind == "merchant"
        }
    )


def cuts_of(base: Base, stack_usd: float) -> Cuts:
    """Every cut of a base part on the grid of cores, links, stacks and die area."""
    cores = np.arange(LEAST_CORES, CORE_STEPS + 1) / CORE_STEPS
    links = link_shares(base.io_gbps)
    stacks = np.arange(1, base.most_stacks + 1)
    areas = np.unique([base.die_area_mm2, max(base.die_area_mm2, RETICLE_MM2 * base.dies)])
    core, link, stack, area = (axis.ravel() for axis in np.meshgrid(cores, links, stacks, areas, indexing="ij"))
    per_stack = stack / base.stacks
    fp16 = base.fp16_dense_tflops * core
    spec = {
        "tpp": base.tpp * core,
        "pd": base.tpp * core / area,
        "io_gbps": base.io_gbps * link,
        "membw_gbps": base.membw_gbps * per_stack,
        "memory_gb": base.memory_gb * per_stack,
        "die_area_mm2": area,
    }
    silicon = max(base.unit_cost_usd - base.stacks * stack_usd, 0.0)
    cost = silicon * area / base.die_area_mm2 + stack * stack_usd
    worth = worths({**spec, "fp16_dense_tflops": fp16}, *(np.full(len(core), soft) for soft in base.soft))
    fused = (stack == base.stacks) & (area == base.die_area_mm2)
    return Cuts(fp16, spec, stack.astype(np.int64), cost, worth, fused)


def link_shares(io_gbps: float) -> Floats:
    """What may be left of a part's links, as shares of them all: groups of links, and all of them."""
    group = LINK_GBPS * LINK_GROUP
    return np.unique(np.append(np.arange(group, io_gbps, group) / io_gbps, 1.0))


def at_distance(cuts: Cuts, safety_share: float, vendor: str, design: str, fab: str) -> Catalog:
    """The cuts as the law would see them were each a safety distance stronger than drawn."""
    stronger = {
        name: column * (1.0 if name == "die_area_mm2" else 1.0 + safety_share) for name, column in cuts.spec.items()
    }
    return Catalog.of_columns(stronger, vendor, design, fab, "CN")


def expected_margin(worth: Floats, unit_cost_usd: Floats, price_usd: Floats, demand: Demand) -> Floats:
    """Margin per dollar buyers have, (n,): worth (2, n), costs and prices (n,) USD."""
    pull = (worth / (price_usd + demand.host_usd)[None, :]) ** demand.exponent
    share = pull / (pull + demand.others[:, None])
    sold = demand.split[0] * share[0] + demand.split[1] * share[1]
    return np.asarray(sold * (1.0 - unit_cost_usd / price_usd))


def best_cut(cuts: Cuts, legal: Bools, list_usd: float, demand: Demand) -> tuple[int, float, float]:
    """Row of the best legal cut, its price and its margin; row -1 where none is legal or none pays."""
    rows = np.flatnonzero(legal)
    best = (-1, 0.0, 0.0)
    for price in PRICE_STEPS * list_usd if len(rows) else ():
        margin = expected_margin(cuts.worth[:, rows], cuts.unit_cost_usd[rows], np.full(len(rows), price), demand)
        at = int(margin.argmax())
        if margin[at] > best[2]:
            best = (int(rows[at]), float(price), float(margin[at]))
    return best
