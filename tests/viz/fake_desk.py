"""A desk over made-up runs, so that pages can be tried without the simulation; one number moves the grey flow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sim.errors import Fault, ScenarioError
from tests.viz.fake_record import BAN, SEATS, FakeResult, fake_result
from viz.desk import Desk
from viz.making import ResultLike, Tell

LEAK = "behaviour.leak"


@dataclass(frozen=True)
class FakeScenario:
    """As much of a scenario as the page shows."""

    title: str
    summary: str
    leak: float = 1.0
    off: bool = False


class FakeDesk(Desk):
    """Two scenarios of 60 nodes; `behaviour.leak` scales the grey flow, above 5 it is refused."""

    def __init__(self) -> None:
        super().__init__(["fake", "fake-calm"])
        self.made = 0

    @property
    def listed(self) -> list[dict[str, str]]:  # type: ignore[override]
        return [{"id": name, "title": self.scenario(name).title, "summary": self.scenario(name).summary} for name in self.names]

    def scenario(self, name: str) -> FakeScenario:
        return FakeScenario(
            "A made-up world" if name == "fake" else "A calmer world",
            "Sixty actors trade for two years; one rule binds in week 41.",
            1.0 if name == "fake" else 0.3,
        )

    def levers(self, name: str) -> str:
        def control(path: str, title: str, kind: str, value: Any, **more: Any) -> dict[str, Any]:
            return {
                "path": path,
                "title": title,
                "kind": kind,
                "value": value,
                "unit": "",
                "min": None,
                "max": None,
                "step": None,
                "options": [],
                "help": "",
                "of": "October 2022 rule",
                **more,
            }

        rule = {
            "id": "OCT_2022",
            "title": "October 2022 rule",
            "note": "2022-10-10 · denial",
            "summary": "Denial for chips over the line.",
            "source": "https://www.federalregister.gov/documents/2022",
            "switch": "rules.OCT_2022.in_force",
            "controls": [
                control("rules.OCT_2022.in_force", "In force", "switch", True),
                control("rules.OCT_2022.since", "In force from", "date", "2022-10-10", min="2022-01-03", max="2023-12-25"),
                control(
                    LEAK,
                    "Leakage",
                    "number",
                    1.0,
                    unit="x",
                    min=0,
                    max=5,
                    step=0.1,
                    help="Scales what moves past the rule.",
                ),
            ],
        }
        return json.dumps(
            {
                "scenario": name,
                "groups": [{"title": "United States", "items": [rule]}],
                "kinds": [
                    {
                        "name": "tariff",
                        "title": "Tariff",
                        "help": "A duty on the ask.",
                        "fields": [
                            {
                                "name": "rate",
                                "title": "Rate",
                                "kind": "number",
                                "options": [],
                                "required": True,
                                "unit": "share",
                                "min": 0,
                                "max": 1,
                                "help": "",
                            }
                        ],
                    }
                ],
                "presets": [{"title": "A calmer world", "scenario": "fake-calm", "changes": {}}],
                "governments": ["CN", "US"],
            }
        )

    def known(self, name: str) -> dict[str, Any]:
        return {}

    def changed(self, name: str, changes: Mapping[str, Any]) -> tuple[FakeScenario, str, list[str]]:
        leak = changes.get(LEAK, self.scenario(name).leak)
        if not isinstance(leak, int | float) or leak > 5:
            raise ScenarioError([Fault("changed.yaml", 3, LEAK, f"{leak} is too high", "write 5 or less")])
        scenario = self.scenario(name)
        return (
            FakeScenario(scenario.title, scenario.summary, float(leak), changes.get("rules.OCT_2022.in_force") is False),
            json.dumps({"extends": name, "changes": dict(changes)}),
            [],
        )

    def run(self, scenario: FakeScenario, seed: int, tell: Tell | None) -> ResultLike:
        self.made += 1
        if tell:
            tell(scenario.title, 0.5)
        return fake_result(scenario.leak * (0.0 if scenario.off else 1.0) * (1 + 0.05 * (seed - 1)))

    def bars(self, scenario: FakeScenario, plan: Any, record: Any) -> dict[tuple[str, str], list[tuple[int, int]]]:
        if scenario.off:
            return {}
        return {
            (maker, node.id): [(BAN, 104)]
            for maker in ("nvidia", "amd", "intel")
            for node in plan.nodes
            if node.kind == "lab" and node.band == "CN"
        }

    def record(self, scenario: FakeScenario, result: ResultLike) -> Any:
        return result.record

    def seats(self, scenario: FakeScenario) -> dict[str, str]:
        return SEATS

    def titles(self, scenario: FakeScenario) -> dict[str, str]:
        return {}

    def marks(self, scenario: FakeScenario, record: Any) -> list[dict[str, Any]]:
        def mark(name: str, title: str, by: str, announced: int, since: int) -> dict[str, Any]:
            return {
                "id": name,
                "title": title,
                "by": by,
                "announced": announced,
                "since": since,
                "until": None,
                "announced_date": record.clock.date_of(announced).isoformat(),
                "since_date": record.clock.date_of(since).isoformat(),
                "until_date": None,
                "clause": "A clause.",
                "weight": 2,
                "source": "https://www.federalregister.gov/",
            }

        us = [] if scenario.off else [mark("OCT_2022", "October 2022 rule", "us", BAN - 6, BAN)]
        return [*us, mark("SUBSIDY_CN", "Chip fund", "cn", BAN + 30, BAN + 30)]

    def explain(self, request: Any) -> str:
        return json.dumps(
            {
                "kind": "explain",
                "allowed": False,
                "said": "No: the October 2022 rule denies it.",
                "lines": ["Asked of a made-up rulebook."],
                "source": "https://www.federalregister.gov/",
            }
        )


__all__ = ["FakeDesk", "FakeResult"]
