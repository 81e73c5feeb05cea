"""Frames: exact counts, the same hash for the same run, causes kept, and the event where two logs part."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.record import Event
from tests.viz.fake_record import BAN, SEATS, FakeResult, fake_result
from viz import charts, frames
from viz import map as picture


@pytest.fixture(scope="module")
def result() -> FakeResult:
    return fake_result()


@pytest.fixture(scope="module")
def built(result: FakeResult) -> dict[str, object]:
    return build(result)


def build(result: FakeResult, **more: object) -> dict[str, object]:
    plan = picture.plan(result.record, SEATS)
    bars = {("nvidia", "cn_lab_00"): [(BAN, 104)]}
    return frames.build(result.record, plan, charts.all_series(result), [], bars, {"title": "a world"}, **more)  # type: ignore[arg-type]


@given(st.lists(st.integers(-(2**60), 2**60), max_size=60))
def test_packing_is_exact(values: list[int]) -> None:
    assert frames.unpacked(frames.packed(np.array(values, dtype=np.int64))).tolist() == values


def test_every_trade_is_counted_where_all_lanes_are_drawn(result: FakeResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MOST_LANES", dict.fromkeys(frames.LANE_KINDS, 999))
    built = build(result)
    flow = frames.unpacked(built["flow"]).reshape(len(built["lanes"]), built["ticks"])  # type: ignore[arg-type]
    trades = result.record.trades
    assert flow.sum() == trades["chips"].sum()
    names = result.record.names["actor"]
    at = {
        (built["nodes"][lane["from"]]["id"], built["nodes"][lane["to"]]["id"], lane["kind"]): row  # type: ignore[index]
        for row, lane in enumerate(built["lanes"])
    }  # type: ignore[arg-type]
    chosen = (trades["seller"] == names.index("huawei")) & (trades["tick"] == 50) & (trades["channel"] == 1)
    chosen &= trades["book"] == 0
    own = [i for (a, _, kind), i in at.items() if a == "huawei" and kind == "domestic"]
    assert flow[own, 50].sum() == trades["chips"][chosen].sum() > 0


def test_each_kind_keeps_its_heaviest_lanes(result: FakeResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MOST_LANES", {**dict.fromkeys(frames.LANE_KINDS, 999), "resale": 5})
    built = build(result)
    flow = frames.unpacked(built["flow"]).reshape(len(built["lanes"]), -1).sum(axis=1)  # type: ignore[arg-type]
    assert sum(lane["kind"] == "resale" for lane in built["lanes"]) == 5  # type: ignore[union-attr]
    assert flow.sum() < result.record.trades["chips"].sum()


def test_stock_is_what_labs_hold(result: FakeResult, built: dict[str, object]) -> None:
    level = frames.unpacked(built["level"]).reshape(len(built["nodes"]), built["ticks"]).cumsum(axis=1)  # type: ignore[arg-type]
    row = next(i for i, node in enumerate(built["nodes"]) if node["id"] == "us_lab_01")  # type: ignore[arg-type, index]
    held = result.record.state["stock_chips"][-1, result.record.names["lab"].index("us_lab_01")].sum(axis=1)
    assert level[row, -1] == round(float((held * result.record.of["chip_tpp"] / 15824).sum()))


def test_one_run_has_one_hash() -> None:
    same, other = build(fake_result()), build(fake_result(leak=1.4))
    assert same["hash"] == build(fake_result())["hash"] != other["hash"]


def test_a_baseline_lane_is_drawn_where_nothing_moves(built: dict[str, object]) -> None:
    calm = build(fake_result(leak=0.0), also=frames.lanes_of(built))
    assert {(x["from"], x["to"], x["kind"]) for x in built["lanes"]} <= {(x["from"], x["to"], x["kind"]) for x in calm["lanes"]}  # type: ignore[union-attr, index]


def test_bars_mark_the_makers_lane_alone(built: dict[str, object]) -> None:
    nodes = built["nodes"]
    for lane in built["lanes"]:  # type: ignore[union-attr]
        pair = nodes[lane["from"]]["id"], nodes[lane["to"]]["id"]  # type: ignore[index]
        assert lane["bars"] == ([[BAN, 104]] if pair == ("nvidia", "cn_lab_00") and lane["kind"] in ("licensed", "resale") else [])


def test_the_message_is_small(built: dict[str, object]) -> None:
    assert len(json.dumps(built)) < 150_000


def test_a_long_log_keeps_every_cause(result: FakeResult) -> None:
    many = [
        Event(i // 50, "smuggled" if i % 7 else "decree_in_force", "a", "", "", "R", float(i % 13), "chips", i - 1, "t")
        for i in range(5000)
    ]
    kept = frames._events(many, 104)
    assert len(kept["tick"]) < 5000 and kept["of"] == 5000
    assert all(cause < row for row, cause in enumerate(kept["cause"]))
    assert sum(cause == -1 for cause in kept["cause"]) == 1  # the chain back to the first is whole


def test_two_logs_part_at_their_first_difference(result: FakeResult) -> None:
    log = result.record.events
    assert frames.parting(log, list(reversed(log))) is None
    other = [event if event.kind != "smuggled" else event._replace(quantity=7.0) for event in log]
    parted = frames.parting(log, other)
    assert parted is not None
    assert parted["tick"] == BAN + 9 and parted["base"]["quantity"] == 80 and parted["policy"]["quantity"] == 7
