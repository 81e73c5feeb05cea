"""Ten fixed questions on history, and the figures of the teachers' pages: what is written must be what the runs come to.
`python -m tests.viz.figures` lists both with what the model says now."""

from __future__ import annotations

from typing import Any

import pytest

from tests.viz.figures import FIGURES, KEY, Figure, Worlds, answers, chain_of, page


@pytest.fixture(scope="module")
def worlds() -> Worlds:
    return Worlds()


@pytest.fixture(scope="module")
def history(worlds: Worlds) -> dict[str, Any]:
    return worlds.history()


@pytest.mark.slow
@pytest.mark.parametrize("key", KEY, ids=[key["ask"] for key in KEY])
def test_a_question_on_history(history: dict[str, Any], key: dict[str, Any]) -> None:
    """Rule, week and unit as the key has them, the quantity within half and double; and the rule names its source."""
    now, holds = answers(history, key)
    assert holds, f"now: {now}; {chain_of(history, key)}"
    assert any(rule["id"] == key["rule"] and rule["source"] for rule in history["rules"])


@pytest.mark.slow
@pytest.mark.parametrize("figure", FIGURES, ids=[f"{figure.page}: {figure.words}" for figure in FIGURES])
def test_a_figure_of_a_teachers_page(worlds: Worlds, figure: Figure) -> None:
    now, holds = figure.read(worlds)
    assert holds, f"the page says {figure.words!r}; now: {now}"


@pytest.mark.parametrize("figure", FIGURES, ids=[f"{figure.page}: {figure.words}" for figure in FIGURES])
def test_the_words_stand_on_the_page(figure: Figure) -> None:
    assert figure.words.lower() in page(figure.page).lower()
