"""Charts: what the run says, in full precision, and nothing where it says nothing."""

from __future__ import annotations

import numpy as np

from tests.viz.fake_record import fake_result
from viz import charts


def test_a_flow_that_runs_is_its_sum() -> None:
    result = fake_result()
    drawn = charts.series_of(result, charts.Chart("smuggled", "smuggled_chips", running=True))
    assert drawn is not None
    assert drawn["values"][-1] == result.panels["smuggled_chips"].values.sum()
    assert drawn["unit"] == "chips" and drawn["over_time"] == "last"


def test_an_observable_that_is_not_there_is_not_drawn() -> None:
    assert charts.series_of(fake_result(), charts.Chart("x", "no_such_observable")) is None
    drawn = {series["id"] for series in charts.all_series(fake_result())}
    assert "lag" in drawn and "cn_units" not in drawn


def test_bands_hold_every_seed() -> None:
    runs = [charts.all_series(fake_result(leak)) for leak in (0.5, 1.0, 2.0)]
    band = charts.bands(runs)["smuggled"]
    for run in runs:
        values = next(series["values"] for series in run if series["id"] == "smuggled")
        assert all(low <= v <= high for low, v, high in zip(band["low"], values, band["high"], strict=True))
    assert band["low"] != band["high"]


def test_no_value_is_none() -> None:
    assert charts.numbers(np.array([1.5, np.nan, np.inf])) == [1.5, None, None]
