"""Ten fixed questions on history: the chain the page walks must come to the rule, the week and the quantity of the key."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from viz.desk import Desk

KEY = json.loads((Path(__file__).parent / "why_history.json").read_text(encoding="utf-8"))["questions"]


@pytest.fixture(scope="module")
def history() -> dict[str, Any]:
    return dict(json.loads(Desk(["history"]).framed("history", {}, 1).text))


@pytest.mark.slow
@pytest.mark.parametrize("key", KEY, ids=[key["ask"] for key in KEY])
def test_a_question_on_history(history: dict[str, Any], key: dict[str, Any]) -> None:
    events = history["events"]

    def said(column: str, row: int) -> str:
        return str(events["words"][events[column][row]])

    asked = [
        row
        for row in range(len(events["tick"]))
        if (said("kind", row), said("actor", row), said("chip", row)) == (key["kind"], key["actor"], key["chip"])
    ]
    row = asked[0]
    week = date.fromisoformat(history["start"]) + timedelta(weeks=events["tick"][row])
    chain = []
    while row >= 0:
        chain.append((said("kind", row), said("rule", row)))
        row = events["cause"][row]
    assert week.isoformat() == key["week"]
    assert chain[-1] == ("decree_announced", key["rule"]), chain
    assert ("decree_in_force", key["rule"]) in chain
    assert said("unit", asked[0]) == key["unit"] and 0.5 <= events["quantity"][asked[0]] / key["quantity"] <= 2
    assert any(rule["id"] == key["rule"] and rule["source"] for rule in history["rules"])
