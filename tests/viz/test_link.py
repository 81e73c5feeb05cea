"""Link: what is written is read again; anything hostile is clamped or left out, and never raises."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viz.link import MOST_SEED, MOST_WEEK, View, plain_changes, read, write

NAMES = ("rush", "history")


def test_a_view_survives_the_link() -> None:
    view = View(
        "history",
        7,
        {"rules.X.since": "2023-01-02", "behaviour.thrift": False},
        {"rules.X.in_force": False},
        52,
        "both",
        "ABCDE",
    )
    assert read(write(view, "1.0"), NAMES, "rush", "1.0") == (view, [])


@given(st.text(max_size=300))
def test_no_text_breaks_it(text: str) -> None:
    view, _ = read("?" + text, NAMES, "rush", "1.0")
    assert view.scenario in NAMES and 0 <= view.week <= MOST_WEEK


@pytest.mark.parametrize(
    "query, left",
    [
        ("s=../../etc/passwd", "s"),
        ("seed=nan", "seed"),
        ("seed=1e999", "seed"),
        ("w=" + "9" * 5000, "w"),
        ("view=<script>alert(1)</script>", "view"),
        ("c={", "c"),
        ("c=[1]", "c"),
        ("c=" + quote('{"a":NaN}') + "&c=x", "c"),
        ("c=" + quote('{"a":"' + "x" * 1000 + '"}'), "c"),
        ("c=" + quote("[" * 3000), "c"),
        ("w=1&w=2", "w"),
        ("room=<b>", "room"),
        ("m=0.0.0", "m"),
        ("c=" + quote('{"a":1e400}'), "c"),
    ],
)
def test_hostile_queries_are_left_out(query: str, left: str) -> None:
    view, out = read(query, NAMES, "rush", "1.0")
    assert left in out
    assert view.changes == {} and view.scenario == "rush" and view.view == "one"


def test_numbers_are_clamped() -> None:
    assert read("seed=-5&w=99999", NAMES, "rush", "1.0")[0] == View("rush", 0, week=MOST_WEEK)
    assert read(urlencode({"seed": 2**39}), NAMES, "rush", "1.0")[0].seed == MOST_SEED


@pytest.mark.parametrize(
    "found",
    [
        {"a" * 200: 1},
        {"a": float("inf")},
        {"a": [[[[[[[[1]]]]]]]]},
        {"a": "\x00"},
        {"": 1},
        {str(i): i for i in range(100)},
        {"a": {str(i): 1 for i in range(99)}},
        [1],
        "x",
        None,
    ],
)
def test_changes_that_are_none(found: object) -> None:
    assert not plain_changes(found)
