"""A part goes by any of its names; what is not known of it is marked and never a number the law believes."""

from __future__ import annotations

import numpy as np
import pytest

from sim.catalog import SPECS, Catalog, part
from sim.errors import UsageError
from tests.sim.law import CHIPS, history


def test_a_part_is_found_by_id_name_and_alias_in_any_case() -> None:
    catalog = Catalog(CHIPS)
    assert {catalog.row(word) for word in ("big", "Big", "B-1", "b-1")} == {0}
    assert Catalog(history().world.chips).row("MI250") == Catalog(history().world.chips).row("MI250X")


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match='"bigg" is no chip; did you mean "big"'):
        Catalog(CHIPS).row("bigg")
    assert not Catalog(CHIPS).named(["bigg"]).any()


def test_an_unknown_specification_may_be_anything() -> None:
    catalog = Catalog(CHIPS)
    dark = catalog.row("dark")
    for spec in SPECS:
        assert catalog.unknown[spec][dark] == (spec != "memory_gb")
    assert (catalog.low["tpp"][dark], catalog.high["tpp"][dark]) == (0.0, np.inf)
    known = ~catalog.unknown["tpp"]
    assert np.array_equal(catalog.low["tpp"][known], catalog.spec["tpp"][known])


def test_what_is_left_out_of_a_part_follows_where_it_can() -> None:
    assert part({"tpp": 4800, "die_area_mm2": 800}).pd.value == 6.0
    assert part({"tpp": 4800, "pd": 6}).die_area_mm2.value == 800
    assert set(part({"tpp": 4800}).unknown_specs) == set(SPECS) - {"tpp"}


def test_the_shipped_parts_have_no_hole_and_mark_what_is_imputed() -> None:
    catalog = Catalog(history().world.chips)
    assert all(np.isfinite(catalog.spec[spec]).all() for spec in SPECS)
    assert catalog.unknown["tpp"][catalog.row("MI308")]
    assert not catalog.unknown["tpp"][catalog.row("H20")]
