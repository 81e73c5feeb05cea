"""Every column combines effects by a rule of its own that does not mind their order."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.terms import BAN, CHARGE, COLUMNS, DENIAL, MAX_RULES, Draft

VALUES: dict[str, list[Any]] = {
    "permitted": [True, False],
    "licence": [True, False],
    "notify": [True, False],
    "savings": [True, False],
    "verification": [True, False],
    "unknown": [True, False],
    "grant_rate": [0.0, 0.25, 0.5, 1.0],
    "delay_ticks": [0, 4, 11],
    "tariff_rate": [0.25, 0.5],
    "share_rate": [0.125, 0.25],
    "demand_factor": [0.1, 0.5, 1.0],
    "binding": [CHARGE * MAX_RULES + 3, DENIAL * MAX_RULES, DENIAL * MAX_RULES + 2],
}
EFFECT = st.tuples(st.sampled_from(sorted(VALUES)), st.integers(0, 3), st.integers(0, 15)).map(
    lambda drawn: (drawn[0], VALUES[drawn[0]][drawn[1] % len(VALUES[drawn[0]])], drawn[2])
)


def draft() -> Draft:
    return Draft(np.zeros((2, 2), np.bool_), ("US", "CN"), ("foundry",))


def cells(bits: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.array([[bits & 1, bits & 2], [bits & 4, bits & 8]], np.bool_)


def test_every_column_has_a_neutral_value_and_values_to_try() -> None:
    assert set(VALUES) == set(COLUMNS)
    terms = draft().finish()
    assert terms.permitted.all() and not terms.licence.any() and (terms.rule == -1).all() and (terms.weight == 0).all()
    assert (terms.open_days == 127).all() and (terms.grant_rate == 1).all()


@given(st.lists(EFFECT, max_size=3))
def test_effects_commute(effects: list[tuple[str, Any, int]]) -> None:
    seen = set()
    for order in permutations(effects):
        made = draft()
        for column, value, bits in order:
            made.fold(cells(bits), **{column: value})
        seen.add(b"".join(made.columns[name].tobytes() for name in sorted(COLUMNS)))
    assert len(seen) == 1


@given(EFFECT)
def test_a_cell_out_of_scope_is_untouched(effect: tuple[str, Any, int]) -> None:
    column, value, bits = effect
    made, fresh = draft(), draft()
    made.fold(cells(bits), **{column: value})
    outside = ~cells(bits)
    for name in COLUMNS:
        assert np.array_equal(made.columns[name][outside], fresh.columns[name][outside])


def test_the_heaviest_rule_is_named_and_of_equals_the_latest() -> None:
    made = draft()
    everywhere = cells(15)
    made.bind(everywhere, 4, DENIAL)
    made.bind(everywhere, 2, DENIAL)
    made.bind(everywhere, 9, CHARGE)
    assert (made.finish().rule == 4).all()


def test_no_licence_helps_where_a_deal_is_barred_outright() -> None:
    made = draft()
    made.fold(cells(15), permitted=False, licence=True)
    made.bar(cells(1), 7)
    terms = made.finish()
    assert terms.licence.tolist() == [[False, True], [True, True]]
    assert terms.weight[0, 0] == BAN and terms.grant_rate[0, 0] == 0


def test_shares_never_add_to_more_than_the_whole() -> None:
    made = draft()
    made.fold(cells(15), share_rate=0.75)
    made.fold(cells(1), share_rate=0.75)
    assert made.finish().share_rate.tolist() == [[1.0, 0.75], [0.75, 0.75]]


def test_terms_cannot_be_written_on() -> None:
    terms = draft().finish()
    with pytest.raises(ValueError, match="read-only"):
        terms.permitted[0, 0] = False
    with pytest.raises(ValueError, match="read-only"):
        terms.with_open_days(np.full((2, 2), 3, np.uint8)).open_days[0, 0] = 1


def test_world_tables_multiply_add_or_keep_the_most() -> None:
    made = draft()
    made.scale("enforcement", ("US", "XX"), 2.0)
    made.scale("enforcement", ("US",), 1.5)
    made.add("subsidy_rate", ("CN",), 0.25)
    made.add("subsidy_rate", ("CN",), 0.5)
    made.most("customs", ("CN",), 0.5)
    made.most("customs", ("CN",), 0.25)
    made.scale("input_factor", ("foundry",), 0.5)
    made.end_tolerance(("CN",))
    terms = made.finish()
    assert (terms.enforcement, terms.subsidy_rate["CN"], terms.customs["CN"]) == ({"US": 3.0, "CN": 1.0}, 0.75, 0.5)
    assert (terms.input_factor["foundry"], terms.grey_tolerated) == (0.5, {"US": True, "CN": False})
