"""Validate: any client can say anything to any handler; only what makes sense is believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viz.validate import RefusalError, Request, request

NAMES = ("rush", "history")

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=30),
    lambda part: st.lists(part, max_size=4) | st.dictionaries(st.text(max_size=10), part, max_size=4),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "what",
                "scenario",
                "seed",
                "seq",
                "changes",
                "base",
                "have",
                "tick",
                "choice",
                "act",
                "token",
                "room",
                "file",
            ]
        ),
        ANYTHING,
    )
    | ANYTHING
)
def test_anything_is_a_request_or_refused(data: object) -> None:
    try:
        assert isinstance(request(data, NAMES), Request)
    except RefusalError as refusal:
        assert str(refusal)


def test_a_request_is_read_whole() -> None:
    made = request({"what": "world", "scenario": "history", "seed": 3, "seq": 9, "changes": {"a.b": 1}, "have": ["abc"]}, NAMES)
    assert made == Request("world", "history", 3, 9, {"a.b": 1}, {}, ("abc",), words=made.words)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {"what": "shutdown"},
        {"what": "world", "scenario": "../x"},
        {"what": "world", "scenario": ["rush"]},
        {"what": "world", "seed": "1"},
        {"what": "world", "seed": True},
        {"what": "world", "seed": float("nan")},
        {"what": "world", "changes": {"a": "x" * 5000}},
        {"what": "world", "have": ["a"] * 99},
        {"what": "teach", "act": "expel"},
        {"what": "file", "file": "/etc/passwd"},
        {"what": "enter", "token": "x" * 500},
        {"what": "explain", "seller": {"$ne": 1}},
    ],
)
def test_what_is_refused(data: object) -> None:
    with pytest.raises(RefusalError):
        request(data, NAMES)


def test_numbers_are_clamped() -> None:
    made = request({"what": "predict", "tick": -4, "choice": 900, "seed": 2**50}, NAMES)
    assert (made.tick, made.choice, made.seed) == (0, 20, 2**31 - 1)
