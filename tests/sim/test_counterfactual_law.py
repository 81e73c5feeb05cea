"""Each shipped counterfactual changes the law it says it changes, and says so from the rules alone."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from sim import scenario_io
from sim.rulebook import Rulebook
from sim.ruling import Question, explain
from sim.scope import LegalClass
from sim.terms import Terms
from tests.sim.law import history

LEASE = {"destination": "MY", "buyer": "bytedance", "rental": True}


@pytest.mark.parametrize(("name", "ask", "in_history", "instead"), [
    ("no-controls", {"chip": "H100", "day": "2024-04-15"}, "licence denied", "permitted"),
    ("no-controls", {"chip": "H20", "day": "2025-12-01"}, "licence case by case", "permitted"),
    ("no-controls", {"chip": "H100", "day": "2024-04-15", "buyer": "sensetime"}, "licence denied", "licence denied"),
    ("thresholds-2023-in-2022", {"chip": "A800", "day": "2022-12-05"}, "permitted", "licence denied"),
    ("thresholds-2023-in-2022", {"chip": "L20", "day": "2022-12-05"}, "permitted", "permitted"),
    ("no-interconnect-loophole", {"chip": "A800", "day": "2022-12-05"}, "permitted", "licence denied"),
    ("no-grace-no-leaks", {"chip": "L4", "day": "2023-10-20"}, "permitted", "licence denied"),
    ("diffusion-kept", {"chip": "H100", "day": "2025-06-02", "destination": "IN"}, "permitted", "licence case by case"),
    ("h20-never-barred", {"chip": "H20", "day": "2025-04-15"}, "licence denied", "permitted"),
    ("cloud-closed", {"chip": "H100", "day": "2024-04-15", **LEASE}, "permitted", "barred"),
    ("retroactive", {"chip": "A100", "day": "2024-04-15", **LEASE}, "permitted", "permitted"),
    ("retroactive", {"chip": "A100", "day": "2024-06-03", **LEASE}, "permitted", "barred"),
    ("import-ban-2023", {"chip": "A800", "day": "2023-02-06"}, "permitted", "barred"),
])
def test_a_counterfactual_changes_its_verdict(name: str, ask: dict[str, Any], in_history: str, instead: str) -> None:
    asked = Question(**{"destination": "CN", **ask, "day": date.fromisoformat(ask["day"])})
    assert explain(history(), asked).verdict == in_history
    assert explain(scenario_io.load(name), asked).verdict == instead


def law(name: str, day: str) -> tuple[Rulebook, Terms]:
    book = Rulebook.for_scenario(scenario_io.load(name))
    book.register([LegalClass("hbm", "KR", "CN", "CN"), LegalClass("tools", "NL", "CN", "CN"),
                   LegalClass("tools", "US", "CN", "CN"), LegalClass("sale", "US", "CN", "CN")])
    return book, book.on(date.fromisoformat(day))


def test_memory_and_allied_tools_left_free() -> None:
    memory, dutch, american = 0, 1, 2
    history_terms = law("history", "2025-03-03")[1]
    assert history_terms.permitted[:3].sum() == 0
    assert law("hbm-free", "2025-03-03")[1].permitted[memory].all()
    assert not law("hbm-free", "2025-03-03")[1].permitted[american].any()
    assert law("allies-not-aligned", "2025-03-03")[1].permitted[dutch].all()


def test_officers_locks_and_money() -> None:
    assert law("enforcement-x5", "2024-01-01")[1].enforcement["US"] == 5 * law("history", "2024-01-01")[1].enforcement["US"]
    book, locked = law("location-verification", "2024-01-01")
    assert locked.verification[3, book.catalog.row("H100")] and not locked.verification[3, book.catalog.row("L2")]
    assert law("history", "2025-03-03")[1].subsidy_rate["CN"] > 0 == law("no-big-fund-iii", "2025-03-03")[1].subsidy_rate["CN"]


def test_no_leak_is_heard_where_there_is_none() -> None:
    tick = history().clock.tick_of(date(2023, 10, 9))
    heard = {name: {item.rule for item in law(name, "2023-10-09")[0].heard(tick)} for name in ("history", "no-grace-no-leaks")}
    assert "RULE_2023_10" in heard["history"] and "RULE_2023_10" not in heard["no-grace-no-leaks"]


def test_the_retroactive_duty_leaves_stock_in_china_where_it_is() -> None:
    (duty,) = law("retroactive", "2024-01-01")[1].retroactive or ()
    assert "CN" in duty.inside and "CN" not in duty.reachable and "MY" in duty.reachable
