"""[29] axe-core over the whole page; not shipped. CHOKEPOINT_AXE=path/to/axe.min.js runs it: `npm pack axe-core` has the file."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.viz.conftest import Tab

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("panel", ["levers", "why", "lessons", "data"])
def test_axe_finds_nothing(panel: str, tab: Callable[..., Tab]) -> None:
    """No violation of any impact with a panel open, a lever, a node or a lesson opened in it."""
    axe = os.environ.get("CHOKEPOINT_AXE")
    if not axe:
        pytest.skip("CHOKEPOINT_AXE names no axe.min.js: axe was NOT run")
    page = tab("?w=60").page
    page.click(f"[data-testid=tab_{panel}]")
    inside = {"levers": "[data-testid=lever]", "why": "g.node[data-id=shop_hk_02] .mark", "lessons": "[data-testid=lesson]"}
    if panel in inside:
        page.locator(inside[panel]).first.click()
    # a page that still fades in has pale words
    page.wait_for_function("document.getAnimations().every((one) => one.effect.getTiming().iterations === Infinity)")
    with open(axe, encoding="utf-8") as script:
        page.evaluate(script.read())
    found = page.evaluate("axe.run().then((said) => said.violations.map((v) => [v.impact, v.id, v.nodes[0].html.slice(0, 200)]))")
    assert found == []
