"""docs/scenario.md is what the models say."""

from __future__ import annotations

from experiments.scenario_reference import PAGE, text
from sim.levers.base import levers
from sim.scenario import World


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == text(), "renew it: python -m experiments.scenario_reference"


def test_every_section_and_lever_is_on_it() -> None:
    page = text()
    assert all(f"`{name}`" in page for name in World.model_fields)
    assert all(f"### lever: {name}\n" in page for name in levers.names)
