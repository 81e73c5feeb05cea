"""The record of a real run is what sim.record says it is: every reader stands on this."""

from __future__ import annotations

import numpy as np
import pytest

import sim
from sim.metrics import metrics
from sim.record import ATTRIBUTES, EVENT_KINDS, STATE, TRADE_COLUMNS, Record
from sim.results import Result
from tests.fake_record import fake_record


@pytest.fixture(scope="module")
def result() -> Result:
    return sim.run(sim.load("teaching/grey-market"), 1)


@pytest.fixture(params=["run", "made up"])
def record(request: pytest.FixtureRequest, result: Result) -> Record:
    return result.record if request.param == "run" else fake_record()


def test_every_state_array_is_there_in_its_shape(record: Record) -> None:
    assert set(record.state) == set(STATE)
    for name, (axes, _, _) in STATE.items():
        shape = (record.clock.n_ticks, *(len(record.names[axis]) for axis in axes))
        assert record.state[name].shape == shape, name


def test_every_attribute_is_there(record: Record) -> None:
    for name, (axis, _) in ATTRIBUTES.items():
        assert len(record.of[name]) == len(record.names[axis]), name


def test_trades_point_at_what_exists(record: Record) -> None:
    assert list(record.trades) == list(TRADE_COLUMNS)
    lengths = {len(column) for column in record.trades.values()}
    assert len(lengths) == 1 and lengths != {0}
    for column, axis in (("seller", "actor"), ("buyer", "actor"), ("chip", "chip"), ("channel", "channel"),
                         ("ship_to", "country"), ("bill_to", "country"), ("customer_hq", "country"),
                         ("end_hq", "country"), ("lane", "lane")):
        rows = record.trades[column]
        low = -1 if column == "lane" else 0
        assert rows.min() >= low and rows.max() < len(record.names[axis]), column
    assert (record.trades["chips"] > 0).all()
    assert (np.diff(record.trades["tick"]) >= 0).all()


def test_events_are_of_known_kinds_and_follow_their_cause(record: Record) -> None:
    assert record.events
    for place, event in enumerate(record.events):
        assert event.kind in EVENT_KINDS, event
        assert -1 <= event.cause < place, event
        assert event.cause < 0 or record.events[event.cause].tick <= event.tick
        for actor in filter(None, event.actor.split()):
            assert actor in record.names["actor"], event


def test_every_metric_reads_a_real_run(result: Result) -> None:
    live = {metric.name for metric in metrics() if result.panel(metric.name).keys}
    assert {"revenue_usd", "stock_h100e", "smuggled_chips", "lag_months", "market_price_usd", "cards_share"} <= live
