"""Map: who stands where in the picture; suppliers, makers, channel and buyers in columns, jurisdictions in bands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.record import Record

KINDS = ("supplier", "maker", "distributor", "lab")
"""Columns of the picture from left to right."""

BANDS = ("US", "ROW", "CN")
"""Bands of the picture from top to bottom."""

COLUMN_AT = {"supplier": 0.07, "maker": 0.31, "distributor": 0.56, "lab": 0.86}
WITHOUT_SUPPLIERS = {"maker": 0.12, "distributor": 0.46, "lab": 0.84}
MOST_PER_CELL = 14
"""Nodes of one kind in one band; the quieter rest is folded into one node, so that a large world stays readable."""

_SEAT = {"maker": "maker_hq", "distributor": "distributor_country", "lab": "lab_hq"}


@dataclass(frozen=True)
class Node:
    """A mark in the picture: one actor, or the quiet rest of its kind and band.

    actors  rows of Record.names["actor"] it stands for.
    x, y    place in the unit square, y downwards.
    """

    id: str
    label: str
    kind: str
    band: str
    country: str
    actors: tuple[int, ...]
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True)
class Plan:
    """The picture's fixed part: nodes in order, band edges, the node of every actor row (-1: not drawn), the rows' names."""

    nodes: tuple[Node, ...]
    edges: tuple[float, ...]
    node_of: NDArray[np.int64]
    names: tuple[str, ...]


def band_of(country: str) -> str:
    """Jurisdiction band of a country: China with Macau, the United States, and everyone between them."""
    return "CN" if country in ("CN", "MO") else "US" if country == "US" else "ROW"


def label_of(name: str) -> str:
    """An actor id as a reader sees it; short ids of firms stay capitals."""
    words = name.replace("-", " ").replace("_", " ").split()
    known = {
        "amd": "AMD",
        "tsmc": "TSMC",
        "smic": "SMIC",
        "cxmt": "CXMT",
        "asml": "ASML",
        "us": "US",
        "cn": "CN",
        "hbm": "HBM",
        "ai": "AI",
        "skhynix": "SK Hynix",
        "xai": "xAI",
        "openai": "OpenAI",
        "deepseek": "DeepSeek",
        "bytedance": "ByteDance",
        "cowos": "CoWoS",
        "row": "RoW",
        "uae": "UAE",
        "pla": "PLA",
        "thead": "T-Head",
        "sg": "SG",
        "my": "MY",
        "hk": "HK",
        "ae": "AE",
        "tw": "TW",
        "jp": "JP",
        "kr": "KR",
        "eu": "EU",
        "sk": "SK",
        "gpu": "GPU",
        "soe": "SOE",
        "ytl": "YTL",
        "id": "ID",
        "in": "IN",
        "th": "TH",
    }
    return " ".join(known.get(word.lower(), word[:1].upper() + word[1:]) for word in words)


def plan(
    record: Record,
    seats: Mapping[str, str] | None = None,
    titles: Mapping[str, str] | None = None,
    most: int = MOST_PER_CELL,
) -> Plan:
    """Nodes for a record's actors, the busiest with a mark of their own, at places that depend on ids alone.

    seats   country by actor id, for suppliers, whose record says none.
    titles  names by actor id; others are read from their ids.
    """
    busy = _volume(record)
    people = _people(record, seats or {}, titles or {})
    nodes: list[Node] = []
    for kind in KINDS:
        for band in BANDS:
            nodes.extend(
                _cell([one for one in people if one.kind == kind and band_of(one.country) == band], kind, band, busy, most)
            )
    placed, edges = _place(nodes)
    node_of = np.full(len(record.names["actor"]), -1, dtype=np.int64)
    for row, node in enumerate(placed):
        node_of[list(node.actors)] = row
    return Plan(tuple(placed), edges, node_of, tuple(record.names["actor"]))


class Person(NamedTuple):
    """Someone who may stand in the picture."""

    row: int
    id: str
    country: str
    kind: str
    label: str


def _people(record: Record, seats: Mapping[str, str], titles: Mapping[str, str]) -> list[Person]:
    row_of = {name: row for row, name in enumerate(record.names["actor"])}
    countries = record.names["country"]
    found = []
    for kind in KINDS:
        for i, name in enumerate(record.names.get(kind, ())):
            if name in row_of:
                seat = seats.get(name, "") if kind == "supplier" else countries[int(record.of[_SEAT[kind]][i])]
                found.append(Person(row_of[name], name, seat, kind, titles.get(name) or label_of(name)))
    return found


def _volume(record: Record) -> NDArray[np.int64]:
    """Chips bought and sold by each actor row over the run, with what labs hold at the end."""
    volume = np.zeros(len(record.names["actor"]), dtype=np.int64)
    if len(record.trades.get("tick", ())):
        np.add.at(volume, record.trades["seller"], record.trades["chips"])
        np.add.at(volume, record.trades["buyer"], record.trades["chips"])
    if "stock_chips" in record.state and "lab_actor" in record.of:
        np.add.at(volume, record.of["lab_actor"], record.state["stock_chips"][-1].sum(axis=(1, 2)))
    return volume


def _cell(people: list[Person], kind: str, band: str, busy: NDArray[np.int64], most: int) -> list[Node]:
    """Nodes of one kind in one band; makers and labs that never traded keep a mark, idle others have none."""
    found = [one for one in people if busy[one.row] > 0 or kind in ("maker", "lab")]
    loudest = sorted(found, key=lambda one: (-int(busy[one.row]), one.id))
    loud = sorted(loudest[: most if len(found) <= most else most - 1], key=lambda one: one.id)
    nodes = [Node(one.id, one.label, kind, band, one.country, (one.row,)) for one in loud]
    rest = [one for one in found if one not in loud]
    if rest:
        nodes.append(Node(f"rest_{kind}_{band}", f"{len(rest)} others", kind, band, "", tuple(one.row for one in rest)))
    return nodes


def _place(nodes: list[Node]) -> tuple[list[Node], tuple[float, ...]]:
    """Rows spaced evenly inside each band; a band's height follows its fullest column."""
    counts = {(kind, band): sum(node.kind == kind and node.band == band for node in nodes) for kind in KINDS for band in BANDS}
    fullest = [max(2.5, *(counts[kind, band] for kind in KINDS)) for band in BANDS]
    edges = np.concatenate([[0.0], np.cumsum(fullest) / sum(fullest)])
    columns = COLUMN_AT if any(node.kind == "supplier" for node in nodes) else WITHOUT_SUPPLIERS
    seen: dict[tuple[str, str], int] = {}
    placed = []
    for node in nodes:
        cell = (node.kind, node.band)
        row = seen[cell] = seen.get(cell, -1) + 1
        top, bottom = edges[BANDS.index(node.band)], edges[BANDS.index(node.band) + 1]
        y = top + (bottom - top) * (row + 1.2) / (counts[cell] + 1.1)
        nudge = 0.03 * (row % 2) if node.kind == "distributor" and counts[cell] > 6 else 0.0
        placed.append(
            Node(
                node.id,
                node.label,
                node.kind,
                node.band,
                node.country,
                node.actors,
                round(columns[node.kind] + nudge, 4),
                round(float(y), 4),
            )
        )
    return placed, tuple(round(float(edge), 4) for edge in edges)
