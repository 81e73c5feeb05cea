"""Panels: choosing, folding and reading series."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sim.panel import Panel

KEYS = (("amd", "CN"), ("amd", "US"), ("nvidia", "CN"))


def panel(over_time: str = "sum", base: bool = False) -> Panel:
    values = np.array([[1.0, 2.0, np.nan], [3.0, 4.0, 5.0], [6.0, np.nan, np.nan]])
    weight = np.array([[1.0, 1.0, 0.0], [3.0, 1.0, 2.0], [2.0, 0.0, 0.0]])
    return Panel("x", "chips", over_time, ("vendor", "to"), KEYS, values, weight if base else None)  # type: ignore[arg-type]


def test_select_keeps_what_matches_every_filter() -> None:
    assert panel().select(vendor="amd", to=["CN", "HK"]).keys == (("amd", "CN"),)


def test_select_names_the_dimensions_it_has() -> None:
    with pytest.raises(KeyError, match="vendor, to"):
        panel().select(chip="A100")


def test_flows_add_up_and_nothing_stays_nothing() -> None:
    folded = panel().by("to")
    assert folded.keys == (("CN",), ("US",))
    np.testing.assert_array_equal(folded.values, [[7.0, 2.0, np.nan], [3.0, 4.0, 5.0]])


def test_a_mean_is_weighted_by_its_base() -> None:
    np.testing.assert_allclose(panel("mean", base=True).total(), [(1 + 9 + 12) / 6, 3.0, 5.0])
    np.testing.assert_allclose(panel("mean").total(), [10 / 3, 3.0, 5.0])


def test_over_a_window_a_based_mean_is_a_ratio_of_sums() -> None:
    weights = np.array([1.0, 0.5, 0.0])
    np.testing.assert_allclose(panel("mean", base=True).over(weights), [(1 + 0.5 * 2) / 1.5, (9 + 0.5 * 4) / 3.5, 6.0])


def test_over_takes_the_last_week_of_a_stock() -> None:
    np.testing.assert_array_equal(panel("last").over(np.array([1.0, 0.5, 0.0])), [2.0, 4.0, np.nan])


def test_an_empty_choice_is_no_flow_and_no_price() -> None:
    assert panel().select(to="JP").total().tolist() == [0.0, 0.0, 0.0]
    assert np.isnan(panel("mean").select(to="JP").total()).all()


@given(arrays(np.int64, (3, 4), elements=st.integers(0, 1000)), st.permutations(["vendor", "to"]))
def test_folding_in_steps_is_folding_at_once(values: np.ndarray, order: list[str]) -> None:
    whole = Panel("x", "chips", "sum", ("vendor", "to"), KEYS, values.astype(float))
    np.testing.assert_array_equal(whole.by(order[0]).by().values, whole.by().values)
    np.testing.assert_array_equal(whole.total(), values.sum(axis=0))
