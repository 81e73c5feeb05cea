"""Making: a scenario with changes run and framed. It knows the simulation, not the page; workers and the desk both do it here."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from typing import Any, Protocol

from sim.provenance import source_hash
from sim.record import Event, Record
from viz import charts, controls, frames, map

Tell = Callable[[str, float | None], None]
"""Said while a reader waits: what is under way, and the share that is done where it is known."""

Lane = tuple[int, int, int]

WEIGHTY = {"threshold", "named_part", "import_ban", "retroactive", "quota", "licence", "licence_policy", "subsidy"}
"""Levers whose rules are named first where the timeline is crowded."""


@cache
def version() -> str:
    """Version of the model that a link names: the package's, and the first digits of the hash of the model's sources."""
    try:
        number = version_of("chokepoint")
    except PackageNotFoundError:
        number = "0"
    return f"{number}+{source_hash()[:7]}"


class ResultLike(charts.HasPanels, Protocol):
    """What is read of a run."""

    @property
    def record(self) -> Record: ...


@dataclass(frozen=True)
class Ground:
    """What the pictures of one family of scenarios share: who stands where, and the lanes drawn even where idle."""

    plan: map.Plan
    lanes: tuple[Lane, ...]


@dataclass(frozen=True)
class Framed:
    """A run made ready: its frames as JSON text, and what is asked of it later.

    ground  the picture's fixed part, for runs of the same scenario with changes.
    """

    text: str
    hash: str
    events: tuple[Event, ...]
    series: tuple[dict[str, Any], ...]
    wall_s: float
    ground: Ground

    @property
    def weight(self) -> int:
        """About how many bytes it takes to keep."""
        return len(self.text) + 400 * len(self.events)


class Making:
    """Scenarios by name, with changes, run and framed."""

    def __init__(self) -> None:
        self._scenarios: dict[str, Any] = {}
        self._layers: dict[str, list[Any]] = {}

    def scenario(self, name: str) -> Any:
        """A scenario as shipped; read once."""
        if name not in self._scenarios:
            from sim.scenario_io import assembled

            self._scenarios[name] = assembled(self.layers(name))
        return self._scenarios[name]

    def layers(self, name: str) -> list[Any]:
        """The files a scenario stands on; read once."""
        if name not in self._layers:
            from sim.scenario_io import read_layers

            self._layers[name] = read_layers(name)
        return self._layers[name]

    def changed(self, name: str, changes: Mapping[str, Any]) -> tuple[Any, str, list[str]]:
        """The scenario with changes, the file that says it, and the paths that are no control's.
        Raises ScenarioError with every fault of the changes."""
        from sim.scenario_io import dumps, loads_over, merged

        scenario = self.scenario(name)
        if not changes:
            return scenario, dumps({"schema": 1, "extends": name, "title": scenario.title}), []
        said = merged(self.layers(name)).get("rules", {})
        left_out = list(said.get("without", [])) if isinstance(said, dict) else []
        data, strange = controls.patch(name, scenario, left_out, changes)
        data = {
            "schema": 1,
            "title": f"{scenario.title}, changed",
            **{key: part for key, part in data.items() if key != "schema"},
        }
        text = dumps(data)
        return loads_over(self.layers(name), text, name="changed.yaml"), text, strange

    def run(self, scenario: Any, seed: int, tell: Tell | None) -> ResultLike:
        import sim

        return sim.run(scenario, seed=seed, progress=_progress(tell, scenario.title))

    def make(self, name: str, changes: Mapping[str, Any], seed: int, ground: Ground | None, tell: Tell | None) -> Framed:
        """Run a scenario with changes and frame it; a ground whose actors are others is left. Raises ScenarioError."""
        began = time.perf_counter()
        scenario, _, _ = self.changed(name, changes)
        result = self.run(scenario, seed, tell)
        record = self.record(scenario, result)
        actors = tuple(record.names["actor"])
        if ground is None or ground.plan.names != actors:
            ground = Ground(map.plan(record, self.seats(scenario), self.titles(scenario)), ())
        series = charts.all_series(result)
        about = {
            "title": self.scenario(name).title or name,
            "summary": self.scenario(name).summary.replace("`", ""),
            "scenario": name,
            "seed": seed,
            "version": version(),
            "changes": dict(changes),
        }
        bars = self.bars(scenario, ground.plan, record)
        data = frames.build(record, ground.plan, series, self.marks(scenario, record), bars, about, ground.lanes)
        text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
        own = Ground(ground.plan, tuple(frames.lanes_of(data)))
        return Framed(text, str(data["hash"]), tuple(record.events), tuple(series), time.perf_counter() - began, own)

    def repeat(self, name: str, changes: Mapping[str, Any], seed: int) -> list[dict[str, Any]]:
        """Every chart's series of one more seed."""
        scenario, _, _ = self.changed(name, changes)
        return charts.all_series(self.run(scenario, seed, None))

    # --- what a picture takes from a scenario

    def bars(self, scenario: Any, plan: map.Plan, record: Record) -> Mapping[tuple[str, str], Sequence[tuple[int, int]]]:
        """Spans in which the rules bar a pair of nodes, from the rulebook."""
        from viz.bars import spans

        return spans(scenario, plan, record)

    def record(self, scenario: Any, result: ResultLike) -> Record:
        """A run's record as the picture takes it: with the foundries."""
        from viz.upstream import with_inputs

        return with_inputs(scenario, result.record)

    def seats(self, scenario: Any) -> dict[str, str]:
        """Country of each actor's headquarters."""
        return {name: actor.hq for name, actor in scenario.world.actors.items()}

    def titles(self, scenario: Any) -> dict[str, str]:
        """Names of actors, as the scenario gives them, where they are short enough for a picture."""
        return {name: actor.name for name, actor in scenario.world.actors.items() if 0 < len(actor.name) <= 22}

    def marks(self, scenario: Any, record: Record) -> list[dict[str, Any]]:
        """Rules that are in force at some time or become known in the run, for the timeline and for Why?"""
        clock = record.clock
        out = []
        for name, rule in scenario.rules.items():
            if rule.inert or rule.since is None or rule.since >= clock.end:
                continue
            out.append(
                {
                    "id": name,
                    "title": controls.title_of(name, rule),
                    "by": rule.by[0].lower(),
                    "announced": clock.tick_of(rule.known),
                    "since": clock.tick_of(rule.since),
                    "until": clock.tick_of(rule.until) if rule.until else None,
                    "announced_date": rule.known.isoformat(),
                    "since_date": rule.since.isoformat(),
                    "until_date": rule.until.isoformat() if rule.until else None,
                    "clause": rule.clause,
                    "weight": 2 if {effect.lever for effect in rule.effects} & WEIGHTY else 1,
                    "source": rule.source,
                }
            )
        return sorted(out, key=lambda mark: (mark["since"], mark["id"]))


TELL_S = 0.4
"""A run's progress is told this often, and not before: each word costs the server a message, and a short run is over first."""


def _progress(tell: Tell | None, title: str) -> Callable[[int, int], None] | None:
    """A run's progress as words."""
    if tell is None:
        return None
    last = [time.monotonic()]

    def heard(done: int, of: int) -> None:
        now = time.monotonic()
        if now - last[0] >= TELL_S:
            last[0] = now
            tell(title, done / max(1, of))

    return heard
