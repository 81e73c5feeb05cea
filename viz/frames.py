"""Frames: a run as the page plays it, computed once and sent whole; every count exact, every series in full precision."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.record import CHANNELS, Event, Record
from sim.units import H100_TPP
from viz.map import Plan

VERSION = 1
"""Of this form; a link or an export says which it was made for."""

LANE_KINDS = (*CHANNELS, "input")
MOST_LANES = {"licensed": 150, "domestic": 80, "grey": 80, "resale": 60, "rented": 40, "input": 50}
"""Lanes drawn of each kind, the heaviest first; the rest of the flow is in the tables of the run, not in the picture."""

MOST_EVENTS = 3000
TRAIL_WEEKS = 13
"""A maker's or a supplier's mark shows what it shipped over this many weeks."""


def packed(values: NDArray[np.int64]) -> str:
    """Whole numbers, any shape in row order, as base64 of zigzag LEB128 bytes: exact, and small where most are small."""
    flat = np.asarray(values, dtype=np.int64).ravel()
    rest = ((flat << 1) ^ (flat >> 63)).astype(np.uint64)
    columns = []
    more = np.ones(len(rest), dtype=bool)
    while more.any():
        byte = (rest & np.uint64(0x7F)).astype(np.uint8)
        rest = rest >> np.uint64(7)
        columns.append((np.where(rest > 0, byte | 0x80, byte).astype(np.uint8), more.copy()))
        more &= rest > 0
    if not columns:
        return ""
    table = np.stack([byte for byte, _ in columns], axis=1)
    keep = np.stack([mask for _, mask in columns], axis=1)
    return base64.b64encode(table[keep].tobytes()).decode("ascii")


def unpacked(text: str) -> NDArray[np.int64]:
    """The numbers that `packed` wrote, flat."""
    out: list[int] = []
    value = shift = 0
    for byte in base64.b64decode(text):
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            out.append((value >> 1) ^ -(value & 1))
            value = shift = 0
    return np.array(out, dtype=np.int64)


def build(
    record: Record,
    plan: Plan,
    series: list[dict[str, Any]],
    rules: Sequence[Mapping[str, Any]],
    bars: Mapping[tuple[str, str], Sequence[tuple[int, int]]],
    about: Mapping[str, Any],
    also: Sequence[tuple[int, int, int]] = (),
) -> dict[str, Any]:
    """A run as plain data.

    rules  marks on the timeline: id by title announced since until source (dates as ticks).
    bars   (seller node, buyer node) -> half-open spans of ticks in which the law bars every chip the seller makes.
    about  title, scenario, seed, version, changes: kept with the frames and printed on every picture and table.
    also   lanes (from, to, kind) to draw even where nothing moved on them: those of the baseline.
    """
    n_ticks = record.ticks_run or record.clock.n_ticks
    lanes, flow, by_chip = _lanes(record, plan, n_ticks, also)
    level, waiting = _levels(record, plan, n_ticks)
    data: dict[str, Any] = {
        "form": VERSION,
        "about": dict(about),
        "start": record.clock.start.isoformat(),
        "ticks": n_ticks,
        "bands": list(plan.edges),
        "nodes": [
            {
                "id": n.id,
                "label": n.label,
                "kind": n.kind,
                "band": n.band,
                "country": n.country,
                "x": n.x,
                "y": n.y,
                "members": [record.names["actor"][row] for row in n.actors],
            }
            for n in plan.nodes
        ],
        "lanes": [
            {
                "from": a,
                "to": b,
                "kind": LANE_KINDS[k],
                "chips": by_chip[a, b, k],
                "bars": [list(span) for span in bars.get((plan.nodes[a].id, plan.nodes[b].id), ())] if k in (0, 3) else [],
            }
            for a, b, k in lanes
        ],
        "flow": packed(flow),
        "level": packed(np.diff(level, axis=1, prepend=0)),
        "waiting": packed(np.diff(waiting, axis=1, prepend=0)),
        "chips": _chips(record, n_ticks),
        "series": series,
        "rules": [dict(rule) for rule in rules],
        "events": _events(record.events, n_ticks),
    }
    data["hash"] = digest(data)
    return data


def digest(data: Mapping[str, Any]) -> str:
    """Twelve hex digits over everything the page draws: the same link gives the same hash, anywhere."""
    body = json.dumps({key: value for key, value in data.items() if key != "hash"}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(body.encode()).hexdigest()[:12]


def lanes_of(data: Mapping[str, Any]) -> list[tuple[int, int, int]]:
    """The lanes of frames, for `also`."""
    return [(lane["from"], lane["to"], LANE_KINDS.index(lane["kind"])) for lane in data["lanes"]]


def _lanes(
    record: Record, plan: Plan, n_ticks: int, also: Sequence[tuple[int, int, int]]
) -> tuple[list[tuple[int, int, int]], NDArray[np.int64], dict[tuple[int, int, int], list[list[Any]]]]:
    """Lanes between nodes (from, to, kind), heaviest first; chips by lane and week; the three chips that weigh most on each."""
    trades = record.trades
    a, b = plan.node_of[trades["seller"]], plan.node_of[trades["buyer"]]
    kind = np.where(trades["book"] == 3, len(CHANNELS), np.maximum(trades["channel"], 0)).astype(np.int64)
    drawn = (a >= 0) & (b >= 0) & (a != b) & (trades["tick"] < n_ticks)
    n = len(plan.nodes)
    code = ((a * n + b) * len(LANE_KINDS) + kind)[drawn]
    idle = np.array([(start * n + end) * len(LANE_KINDS) + sort for start, end, sort in also], dtype=code.dtype)
    codes, row = np.unique(np.concatenate([code, idle]), return_inverse=True)
    row = row[: len(code)]
    chips, tick = trades["chips"][drawn], trades["tick"][drawn]
    total = np.zeros(len(codes), dtype=np.int64)
    np.add.at(total, row, chips)
    order = _heaviest(codes, total, set(idle.tolist()))
    place = np.full(len(codes), -1)
    place[order] = np.arange(len(order))
    kept = place[row] >= 0
    flow = np.zeros((len(order), n_ticks), dtype=np.int64)
    np.add.at(flow, (place[row][kept], tick[kept]), chips[kept])
    of_chip = np.zeros((len(order), len(record.names["chip"])), dtype=np.int64)
    known = kept & (trades["chip"][drawn] >= 0)
    np.add.at(of_chip, (place[row][known], trades["chip"][drawn][known]), chips[known])
    lanes = [_decode(int(codes[i]), n) for i in order]
    top = {
        lane: [
            [record.names["chip"][c], int(of_chip[i, c])] for c in np.argsort(-of_chip[i], kind="stable")[:3] if of_chip[i, c] > 0
        ]
        for i, lane in enumerate(lanes)
    }
    return lanes, flow, top


def _heaviest(codes: NDArray[np.int64], total: NDArray[np.int64], always: set[int]) -> NDArray[np.int64]:
    """Rows of the lanes that are drawn, heaviest first: those of `always`, and others up to each kind's number."""
    left = [MOST_LANES[kind] for kind in LANE_KINDS]
    rows = []
    for row in np.argsort(-total, kind="stable"):
        kind = int(codes[row]) % len(LANE_KINDS)
        if left[kind] > 0 or int(codes[row]) in always:
            left[kind] -= 1
            rows.append(int(row))
    return np.array(rows, dtype=np.int64)


def _decode(code: int, n_nodes: int) -> tuple[int, int, int]:
    pair, kind = divmod(code, len(LANE_KINDS))
    return pair // n_nodes, pair % n_nodes, kind


def _levels(record: Record, plan: Plan, n_ticks: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """By node and week: what it holds (labs in h100e, distributors in chips, makers and suppliers what they shipped in 13
    weeks), and the chips it waits for (labs) or owes (makers)."""
    actors = len(record.names["actor"])
    level = np.zeros((actors, n_ticks), dtype=np.int64)
    waiting = np.zeros((actors, n_ticks), dtype=np.int64)
    state, of = record.state, record.of
    if "stock_chips" in state:
        worth = of["chip_tpp"] / H100_TPP
        stock = np.einsum("tlcx,c->tl", state["stock_chips"][:n_ticks], np.nan_to_num(worth))
        level[of["lab_actor"]] = np.rint(stock).astype(np.int64).T
    if "distributor_chips" in state and "distributor_actor" in of:
        level[of["distributor_actor"]] = state["distributor_chips"][:n_ticks].sum(axis=2).astype(np.int64).T
    shipped = np.zeros((actors, n_ticks), dtype=np.int64)
    inside = record.trades["tick"] < n_ticks
    np.add.at(shipped, (record.trades["seller"][inside], record.trades["tick"][inside]), record.trades["chips"][inside])
    run = shipped.cumsum(axis=1)
    trail = run - np.pad(run, ((0, 0), (TRAIL_WEEKS, 0)))[:, :n_ticks]
    sellers = [
        row
        for row, name in enumerate(record.names["actor"])
        if name in record.names["maker"] or name in record.names.get("supplier", ())
    ]
    level[sellers] = trail[sellers]
    if "queue_chips" in state:
        queue = state["queue_chips"][:n_ticks].astype(np.int64)
        waiting[of["lab_actor"]] = queue.sum(axis=2).T
        owed = np.zeros((len(record.names["maker"]), n_ticks), dtype=np.int64)
        np.add.at(owed, of["chip_maker"], queue.sum(axis=1).T)
        waiting[of["maker_actor"]] = owed
    return _by_node(level, plan), _by_node(waiting, plan)


def _by_node(values: NDArray[np.int64], plan: Plan) -> NDArray[np.int64]:
    return np.array([values[list(node.actors)].sum(axis=0) for node in plan.nodes], dtype=np.int64)


def _chips(record: Record, n_ticks: int) -> list[dict[str, Any]]:
    """By chip: its maker, tpp, and chips sold each week (goods only, no leases, no inputs)."""
    trades = record.trades
    goods = (trades["book"] <= 1) & (trades["tick"] < n_ticks) & (trades["chip"] >= 0)
    sold = np.zeros((len(record.names["chip"]), n_ticks), dtype=np.int64)
    np.add.at(sold, (trades["chip"][goods], trades["tick"][goods]), trades["chips"][goods])
    makers = record.of["chip_maker"]
    return [
        {
            "id": name,
            "maker": record.names["maker"][int(makers[row])] if 0 <= makers[row] < len(record.names["maker"]) else "",
            "tpp": float(np.nan_to_num(record.of["chip_tpp"][row])),
            "sold": packed(sold[row]),
        }
        for row, name in enumerate(record.names["chip"])
        if sold[row].any()
    ]


def _events(events: Sequence[Event], n_ticks: int) -> dict[str, Any]:
    """The log as columns with its words said once. A log beyond MOST_EVENTS keeps what carries most, with every cause of it."""
    kept = _kept(events, n_ticks)
    place = {old: new for new, old in enumerate(kept)}
    words: dict[str, int] = {"": 0}
    columns: dict[str, list[Any]] = {name: [] for name in Event._fields}
    for old in kept:
        event = events[old]
        for name in ("kind", "actor", "chip", "other", "rule", "unit", "text"):
            columns[name].append(words.setdefault(str(getattr(event, name)), len(words)))
        columns["tick"].append(int(event.tick))
        columns["quantity"].append(float(event.quantity) if np.isfinite(event.quantity) else None)
        columns["cause"].append(place.get(event.cause, -1))
    return {"words": list(words), "of": len(events), **columns}


def _kept(events: Sequence[Event], n_ticks: int) -> list[int]:
    rows = [row for row, event in enumerate(events) if event.tick < n_ticks]
    if len(rows) <= MOST_EVENTS:
        return rows
    heard: dict[str, int] = {}
    for row in rows:
        heard[events[row].kind] = heard.get(events[row].kind, 0) + 1
    share = max(40, MOST_EVENTS // (2 * len(heard)))
    by_kind: dict[str, list[int]] = {}
    for row in sorted(rows, key=lambda r: -abs(events[r].quantity)):
        by_kind.setdefault(events[row].kind, []).append(row)
    chosen = {row for some in by_kind.values() for row in some[:share]}
    for row in sorted(chosen):
        cause = events[row].cause
        while cause >= 0 and cause not in chosen:
            chosen.add(cause)
            cause = events[cause].cause
    return sorted(chosen)


def parting(a: Sequence[Event], b: Sequence[Event]) -> dict[str, Any] | None:
    """The first event of two logs that is not in both: its tick, and what each world did there; None where they agree.

    Logs are compared week by week as sets, so that the order inside a week does not matter.
    """

    def by_tick(log: Sequence[Event]) -> dict[int, list[Event]]:
        weeks: dict[int, list[Event]] = {}
        for event in log:
            weeks.setdefault(event.tick, []).append(event)
        return weeks

    def said(event: Event) -> tuple[Any, ...]:
        return event[:8]

    left, right = by_tick(a), by_tick(b)
    for tick in sorted({*left, *right}):
        ours, theirs = left.get(tick, []), right.get(tick, [])
        only_a = [e for e in ours if said(e) not in {said(o) for o in theirs}]
        only_b = [e for e in theirs if said(e) not in {said(o) for o in ours}]
        if only_a or only_b:
            return {
                "tick": tick,
                "base": only_a[0]._asdict() if only_a else None,
                "policy": only_b[0]._asdict() if only_b else None,
            }
    return None
