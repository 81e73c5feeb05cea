"""Predicates answer yes, no or unknown; scopes over deals name places by code and by group."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sim.catalog import SPECS, Catalog, part
from sim.errors import UsageError
from sim.scope import Atlas, ChipScope, LegalClass, LegalClasses, Where
from tests.sim.law import CHIPS, CLASSES, COUNTRIES

DAY = date(2022, 6, 6)
CATALOG = Catalog(CHIPS)
ATLAS = Atlas(COUNTRIES)


def yes(**words: Any) -> set[str]:
    mask = ChipScope.model_validate(words).match(CATALOG, DAY).yes
    return {CATALOG.ids[row] for row in np.flatnonzero(mask)}


def unknown(**words: Any) -> set[str]:
    mask = ChipScope.model_validate(words).match(CATALOG, DAY).unknown
    return {CATALOG.ids[row] for row in np.flatnonzero(mask)}


def test_a_line_takes_in_what_stands_on_it() -> None:
    assert yes(tpp_at_least=5000) == {"big", "cut", "game", "home"}
    assert yes(tpp_at_least=5001) == {"big", "cut", "game"}
    assert yes(tpp_below=5000) == {"small"}


def test_a_missing_specification_leaves_the_answer_open() -> None:
    assert unknown(tpp_at_least=5000) == {"dark"}
    assert unknown(tpp_at_least=5000, memory_gb_at_least=65) == set()
    assert unknown(none=[{"tpp_at_least": 5000}]) == {"dark"}


def test_a_name_decides_where_a_line_cannot() -> None:
    assert "dark" in yes(any=[{"named": ["dark"]}, {"tpp_at_least": 5000}])


def test_words_of_a_scope() -> None:
    assert yes(named=["B-1", "nobody"]) == {"big"}
    assert yes(market=["consumer"]) == {"game"}
    assert yes(design=["CN"]) == {"home"}
    assert yes(global_part=False) == {"cut"}
    assert yes(market_except=["consumer"], vendor=["maker"]) == {"big", "cut", "small", "dark"}


def test_a_line_may_move_with_the_day() -> None:
    scope = ChipScope.model_validate({"tpp_at_least": {"2022-01-01": 10000, "2022-07-01": 5000}})
    assert not scope.match(CATALOG, DAY).yes[CATALOG.row("home")]
    assert scope.match(CATALOG, date(2022, 7, 1)).yes[CATALOG.row("home")]


LINES = st.sampled_from([f"{spec}_{end}" for spec in ("tpp", "io_gbps", "membw_gbps") for end in ("at_least", "below")])
LEAF = st.dictionaries(LINES, st.integers(0, 6).map(lambda n: 1000 * n), max_size=2)
SCOPE = st.recursive(
    LEAF,
    lambda inner: st.fixed_dictionaries({"any": st.lists(inner, max_size=2), "none": st.lists(inner, max_size=2)}),
    max_leaves=5,
)


@given(SCOPE, st.dictionaries(st.sampled_from(["tpp", "io_gbps", "membw_gbps"]), st.integers(0, 6000), max_size=3))
def test_an_open_answer_is_settled_only_one_way(scope: dict[str, Any], specs: dict[str, int]) -> None:
    """Whatever the missing numbers turn out to be, a yes stays yes and a no stays no."""
    read = ChipScope.model_validate(scope)
    vague = read.match(Catalog({"it": part(specs)}), DAY)
    assert not (vague.yes & ~vague.maybe).any()
    for fill in (0, 1500, 6000):
        sure = read.match(Catalog({"it": part({spec: specs.get(spec, fill) for spec in SPECS})}), DAY)
        assert not sure.unknown.any()
        assert vague.yes[0] <= sure.yes[0] <= vague.maybe[0]


def rows(**words: Any) -> set[int]:
    mask = Where.model_validate(words).match(LegalClasses(CLASSES), ATLAS, ("sale", "reexport"))
    return set(np.flatnonzero(mask).tolist())


def test_places_go_by_code_and_by_group() -> None:
    assert rows(destination=["D5"]) == rows(destination=["CN", "HK"])
    assert rows(destination=["D4"], destination_except=["D5"]) == rows(destination=["AE"])
    assert rows(destination=["tier1"]) == set()


def test_a_deal_without_a_named_activity_is_one_of_the_levers_own() -> None:
    classes = LegalClasses(CLASSES)
    assert {classes.activity[row] for row in rows(buyer_hq=["CN"])} == {"sale", "reexport"}
    assert {classes.activity[row] for row in rows(activity=["fab"])} == {"fab"}
    assert {classes.listed[row] for row in rows(activity=["fab"], listed=True)} == {1}
    assert {classes.end_use[row] for row in rows(end_use=["state"])} == {"state"}


def test_a_class_is_kept_once_and_stands_at_its_origin() -> None:
    classes = LegalClasses()
    first = classes.add([LegalClass("sale", "US", "CN", "CN")])
    again = classes.add([LegalClass("sale", "US", "CN", "CN", 0, "civil", "US"), LegalClass("sale", "US", "CN", "HK")])
    assert (first.tolist(), again.tolist()) == ([0], [0, 1])
    assert classes.place.tolist() == ["US", "US"]


@pytest.mark.parametrize(
    "row", [LegalClass("barter", "US", "CN", "CN"), LegalClass("sale", "US", "CN", "CN", 0, "secret")]
)
def test_an_unknown_word_in_a_class_is_refused(row: LegalClass) -> None:
    with pytest.raises(UsageError, match="known:"):
        LegalClasses([row])


def test_an_empty_where_and_an_unknown_key_are_refused() -> None:
    for words in ({}, {"to": ["CN"]}, {"activity": ["barter"]}):
        with pytest.raises(ValidationError):
            Where.model_validate(words)


def test_a_country_is_read_in_any_case_and_guessed_when_wrong() -> None:
    assert ATLAS.country("cn") == "CN"
    with pytest.raises(UsageError, match='"CNN" is no country; did you mean "CN"'):
        ATLAS.country("CNN")
