"""The supply graph runs one way, tier by tier, and everybody who buys can be reached from the toolmakers."""

from __future__ import annotations

import networkx as nx

import sim
from sim.supply import TIERS, supply_graph, tier_of


def graph_of(name: str = "history") -> nx.DiGraph:
    world = sim.load(name).world
    return supply_graph(world.actors, world.chips, world.lanes)


def test_goods_flow_downstream_only() -> None:
    graph = graph_of()
    assert nx.is_directed_acyclic_graph(graph)
    assert all(tier_of(graph, source) < tier_of(graph, target) for source, target in graph.edges)


def test_every_lab_is_reached_from_the_tools() -> None:
    graph = graph_of()
    reached = set().union(*(nx.descendants(graph, name) for name in graph if tier_of(graph, name) == 0))
    labs = {name for name in graph if graph.nodes[name]["tier"] == TIERS[-1]}
    assert labs and labs <= reached


def test_captive_parts_go_to_the_parent_alone() -> None:
    assert set(graph_of().successors("google_tpu")) == {"google"}


def test_grey_ways_lead_into_china() -> None:
    graph = graph_of()
    grey = [(source, target) for source, target, data in graph.edges(data=True) if data["grey"]]
    assert grey and all(graph.nodes[target]["seat"] == "CN" for _, target in grey)
