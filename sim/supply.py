"""Supply: who feeds whom, as a directed graph from toolmakers to labs; for analysis and drawing.

Tiers run tools -> foundries -> memory and packaging -> makers -> distributors -> labs. The graph is a template: goods move by the
columns of the frame; what a run adds (flows, bars) is in its record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeAlias

import networkx as nx

Graph: TypeAlias = nx.DiGraph

TIERS = ("tools", "foundry", "inputs", "maker", "distributor", "lab")
"""Tiers of the graph from up- to downstream; `inputs` are memory and packaging."""

SUPPLIER_TIER = {"tools": 0, "foundry": 1, "foundry_packaging": 1, "memory": 2, "memory_foundry": 2, "packaging": 2}
KIND_TIER = {"chipmaker": 3, "distributor": 4, "lab": 5}


class ActorRow(Protocol):
    """What the graph reads of an actor."""

    @property
    def kind(self) -> str: ...
    @property
    def subkind(self) -> str: ...
    @property
    def seat(self) -> str: ...
    @property
    def hq(self) -> str: ...
    @property
    def parent(self) -> str | None: ...


class ChipRow(Protocol):
    """What the graph reads of a part."""

    @property
    def vendor(self) -> str: ...
    @property
    def fab_jurisdiction(self) -> str: ...
    @property
    def market(self) -> str: ...


class LaneRow(Protocol):
    """What the graph reads of a lane."""

    @property
    def origin(self) -> str: ...
    @property
    def destination(self) -> str: ...
    @property
    def kind(self) -> str: ...


def supply_graph(actors: Mapping[str, ActorRow], chips: Mapping[str, ChipRow], lanes: Mapping[str, LaneRow]) -> Graph:
    """The supply graph. Nodes are ids of actors with `tier`, `kind`, `subkind`, `seat`, `hq`; edges have `carries` (tools, dies,
    inputs, cards, hours) and `grey` true where the way evades a rule. Governments stand outside it."""
    graph = nx.DiGraph()
    for name, row in sorted(actors.items()):
        tier = SUPPLIER_TIER.get(row.subkind) if row.kind == "supplier" else KIND_TIER.get(row.kind)
        if tier is not None:
            graph.add_node(name, tier=TIERS[tier], kind=row.kind, subkind=row.subkind, seat=row.seat, hq=row.hq)
    _upstream(graph, actors, chips)
    _downstream(graph, actors, chips, lanes)
    return graph


def tier_of(graph: nx.DiGraph, name: str) -> int:
    """Place of an actor's tier in TIERS."""
    return TIERS.index(graph.nodes[name]["tier"])


def _in(graph: nx.DiGraph, tier: str) -> list[str]:
    return [name for name, data in graph.nodes(data=True) if data["tier"] == tier]


def _link(graph: nx.DiGraph, sources: Iterable[str], target: str, carries: str, grey: bool = False) -> None:
    for source in sources:
        graph.add_edge(source, target, carries=carries, grey=grey)


def _upstream(graph: nx.DiGraph, actors: Mapping[str, ActorRow], chips: Mapping[str, ChipRow]) -> None:
    """Tools to every foundry; foundries to the makers whose parts they fabricate; memory and packaging to makers."""
    for foundry in _in(graph, "foundry"):
        _link(graph, _in(graph, "tools"), foundry, "tools")
    for supplier in _in(graph, "inputs"):
        _link(graph, _in(graph, "foundry"), supplier, "dies")
    for maker in _in(graph, "maker"):
        fabs = {chip.fab_jurisdiction for chip in chips.values() if chip.vendor == maker}
        _link(graph, [name for name in _in(graph, "foundry") if actors[name].seat in fabs], maker, "dies")
        home = actors[maker].hq == "CN"
        _link(graph, [name for name in _in(graph, "inputs") if home or actors[name].seat != "CN"], maker, "inputs")


def _downstream(graph: nx.DiGraph, actors: Mapping[str, ActorRow], chips: Mapping[str, ChipRow],
                lanes: Mapping[str, LaneRow]) -> None:
    """Merchants to distributors, captive parts to the parent; distributors to labs of their country, by lane elsewhere."""
    grey_to = {(lane.origin, lane.destination) for lane in lanes.values() if lane.kind == "grey"}
    cloud_to = {(lane.origin, lane.destination) for lane in lanes.values() if lane.kind == "cloud"}
    merchants = [maker for maker in _in(graph, "maker")
                 if any(chip.vendor == maker and chip.market != "captive" for chip in chips.values())]
    for maker in _in(graph, "maker"):
        if maker not in merchants and (parent := actors[maker].parent) in graph:
            graph.add_edge(maker, parent, carries="cards", grey=False)
    for distributor in _in(graph, "distributor"):
        row = actors[distributor]
        _link(graph, [maker for maker in merchants if actors[maker].hq != "CN" or row.seat == "CN"], distributor, "cards")
        for lab in _in(graph, "lab"):
            way = (row.seat, actors[lab].seat)
            if row.subkind == "server_maker" and (row.seat == "CN") == (actors[lab].seat == "CN"):
                graph.add_edge(distributor, lab, carries="cards", grey=False)
            elif row.subkind == "offshore_cloud" and way in cloud_to:
                graph.add_edge(distributor, lab, carries="hours", grey=False)
            elif row.subkind in ("reseller", "broker") and (way[0] == way[1] or way in grey_to):
                graph.add_edge(distributor, lab, carries="cards", grey=way in grey_to)
