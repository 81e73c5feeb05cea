"""A small law to test on: six countries, a few parts, and rules written in a line or two."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from types import SimpleNamespace
from typing import Any

from sim import scenario_io
from sim.catalog import Catalog, part
from sim.clock import Clock
from sim.levers.base import Rule
from sim.rulebook import Rulebook
from sim.scenario import Scenario
from sim.scope import LegalClass

CLOCK = Clock(date(2022, 1, 3), date(2024, 1, 1))
COUNTRIES = {
    "US": SimpleNamespace(groups=(), tier="home"),
    "CN": SimpleNamespace(groups=("D1", "D4", "D5"), tier="tier3"),
    "HK": SimpleNamespace(groups=("D1", "D4", "D5"), tier="tier3"),
    "AE": SimpleNamespace(groups=("D4",), tier="tier2"),
    "NL": SimpleNamespace(groups=("A5",), tier="tier1"),
    "MY": SimpleNamespace(groups=(), tier="tier2"),
}
CHIPS = {
    "big": part(
        {"tpp": 16000, "die_area_mm2": 800, "io_gbps": 900, "membw_gbps": 3000, "memory_gb": 80},
        name="Big",
        aliases=("B-1",),
        vendor="maker",
    ),
    "cut": part(
        {"tpp": 16000, "die_area_mm2": 800, "io_gbps": 400, "membw_gbps": 3000, "memory_gb": 80},
        vendor="maker",
        designed_for="CN",
    ),
    "small": part(
        {"tpp": 1000, "die_area_mm2": 400, "io_gbps": 64, "membw_gbps": 300, "memory_gb": 24}, vendor="maker"
    ),
    "game": part(
        {"tpp": 5200, "die_area_mm2": 600, "io_gbps": 64, "membw_gbps": 1000, "memory_gb": 24},
        vendor="maker",
        market="consumer",
    ),
    "dark": part({"memory_gb": 64}, vendor="maker"),
    "home": part(
        {"tpp": 5000, "die_area_mm2": 700, "io_gbps": 392, "membw_gbps": 1600, "memory_gb": 64},
        vendor="local",
        design_jurisdiction="CN",
        fab_jurisdiction="CN",
    ),
}
SALE = LegalClass("sale", "US", "CN", "CN")
CLASSES = (
    SALE,
    SALE._replace(destination="HK"),
    SALE._replace(listed=1),
    SALE._replace(end_use="state"),
    SALE._replace(destination="MY"),
    SALE._replace(destination="MY", buyer_hq="MY"),
    SALE._replace(destination="AE", buyer_hq="AE"),
    SALE._replace(destination="US", buyer_hq="US"),
    LegalClass("reexport", "MY", "CN", "CN"),
    LegalClass("transfer", "CN", "CN", "CN"),
    LegalClass("transfer", "MY", "MY", "CN"),
    LegalClass("sale", "CN", "CN", "CN"),
    LegalClass("rental", "MY", "MY", "CN"),
    LegalClass("rental", "CN", "CN", "CN", 1),
    LegalClass("rental", "US", "CN", "CN", 1, place="CN"),
    LegalClass("fab", "MY", "CN", "CN"),
    LegalClass("fab", "MY", "CN", "CN", 1),
    LegalClass("hbm", "MY", "CN", "CN"),
    LegalClass("tools", "US", "CN", "CN"),
    LegalClass("tools", "NL", "CN", "CN"),
    LegalClass("input", "CN", "US", "US"),
)


def rule(*effects: Mapping[str, Any], since: str = "2022-06-06", **words: Any) -> Rule:
    """A rule of the United States, announced when it begins unless said otherwise."""
    said = {"by": "US", "kind": "control_rule", "announced": since, "since": since, "effects": list(effects), **words}
    return Rule.model_validate(said)


def to_china(lever: str, **words: Any) -> dict[str, Any]:
    """An effect on deliveries to China."""
    return {"lever": lever, "where": [{"destination": ["CN"]}], **words}


def book_of(rules: Mapping[str, Rule], actors: Mapping[str, Any] | None = None) -> Rulebook:
    """A rulebook over CHIPS, COUNTRIES and CLASSES."""
    book = Rulebook(rules, Catalog(CHIPS), COUNTRIES, CLOCK, actors)
    book.register(CLASSES)
    return book


def cell(book: Rulebook, deal: LegalClass, chip: str) -> tuple[int, int]:
    """Row and column of a deal in a chip."""
    return int(book.classes.add([deal])[0]), book.catalog.row(chip)


@cache
def history() -> Scenario:
    """The shipped record."""
    return scenario_io.load("history")


def without(*names: str) -> Scenario:
    """The record without some rules."""
    rules = {name: kept for name, kept in history().rules.items() if name not in names}
    return history().model_copy(update={"rules": rules})
