"""Desk: from a request to frames; what every session shares, and nothing of any session. It knows the simulation, not the page."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from typing import Any, Protocol

from sim.errors import ChokepointError, ScenarioError
from sim.record import Event, Record
from viz import charts, controls, frames, map, validate
from viz.runs import QueueFullError, Runs

Tell = Callable[[str, float | None], None]
"""Said while a reader waits: what is under way, and the share that is done where it is known."""

QUICK_S = 0.1
"""A run under this is repeated over SEEDS for the bands, one under ten times this over FEW_SEEDS; slower ones have no band."""

SEEDS, FEW_SEEDS = 8, 4

WEIGHTY = {"threshold", "named_part", "import_ban", "retroactive", "quota", "licence", "licence_policy", "subsidy"}
"""Levers whose rules are named first where the timeline is crowded."""


def version() -> str:
    try:
        return version_of("chokepoint")
    except PackageNotFoundError:
        return "0"


class ResultLike(charts.HasPanels, Protocol):
    """What the desk reads of a run."""

    @property
    def record(self) -> Record: ...


@dataclass(frozen=True)
class Framed:
    """A run made ready: its frames as JSON text, and what is asked of it later."""

    text: str
    hash: str
    events: tuple[Event, ...]
    series: tuple[dict[str, Any], ...]
    wall_s: float


class Desk:
    """Scenarios, runs and answers.

    names  scenarios a reader may pick, the first one shown first.
    """

    def __init__(self, names: Sequence[str], runs: Runs[Framed] | None = None) -> None:
        self.names = list(names)
        self.runs = runs or Runs()
        self.spreads: Runs[str] = Runs(workers=1, most_waiting=2, keep=100)
        self._plans: dict[str, map.Plan] = {}
        self._lanes: dict[str, list[tuple[int, int, int]]] = {}
        self._scenarios: dict[str, Any] = {}
        self._levers: dict[str, str] = {}

    # --- what there is

    def scenario(self, name: str) -> Any:
        """A scenario as shipped; read once."""
        if name not in self._scenarios:
            import sim

            self._scenarios[name] = sim.load(name)
        return self._scenarios[name]

    @cached_property
    def listed(self) -> list[dict[str, str]]:
        """The scenarios to pick from."""
        found = []
        for name in self.names:
            scenario = self.scenario(name)
            found.append({"id": name, "title": scenario.title or name, "summary": scenario.summary})
        return found

    def levers(self, name: str) -> str:
        """Every control of a scenario, and every lever one may add, as JSON text."""
        if name not in self._levers:
            scenario = self.scenario(name)
            presets = [
                {"title": one["title"], "scenario": one["id"], "changes": {}}
                for one in self.listed
                if one["id"] != name and one["id"].split("/")[0] == name.split("/")[0]
            ]
            named = [
                {"title": controls.worded(key), "scenario": name, "changes": {f"levers.{key}": True}} for key in scenario.levers
            ]
            said = {
                "scenario": name,
                "groups": controls.plain(controls.groups(scenario)),
                "kinds": controls.kinds(),
                "presets": [*named, *presets],
                "governments": sorted({who for rule in scenario.rules.values() for who in rule.by if len(who) == 2} | {"US"}),
            }
            self._levers[name] = json.dumps(said, separators=(",", ":"), default=str)
        return self._levers[name]

    def known(self, name: str) -> Mapping[str, controls.Control]:
        """The controls of a scenario by path."""
        return controls.controls_of(self.scenario(name))

    # --- changing and running

    def changed(self, name: str, changes: Mapping[str, Any]) -> tuple[Any, str, list[str]]:
        """The scenario with changes, the file that says it, and the paths that are no control's.
        Raises ScenarioError with every fault of the changes."""
        from sim.scenario_io import dumps, loads, merged, read_layers, shipped_folder

        scenario = self.scenario(name)
        if not changes:
            return scenario, dumps({"schema": 1, "extends": name, "title": scenario.title}), []
        said = merged(read_layers(name)).get("rules", {})
        left_out = list(said.get("without", [])) if isinstance(said, dict) else []
        data, strange = controls.patch(name, scenario, left_out, changes)
        data = {
            "schema": 1,
            "title": f"{scenario.title}, changed",
            **{key: part for key, part in data.items() if key != "schema"},
        }
        text = dumps(data)
        return loads(text, name="changed.yaml", folder=shipped_folder()), text, strange

    def run(self, scenario: Any, seed: int, tell: Tell | None) -> ResultLike:
        import sim

        return sim.run(scenario, seed=seed, progress=_progress(tell, scenario.title))

    def bars(self, scenario: Any, plan: map.Plan, record: Record) -> Mapping[tuple[str, str], Sequence[tuple[int, int]]]:
        """Spans in which the rules bar a pair of nodes, from the rulebook."""
        from viz.bars import spans

        return spans(scenario, plan, record)

    def framed(self, name: str, changes: Mapping[str, Any], seed: int, tell: Tell | None = None) -> Framed:
        """Frames of a scenario with changes; equal requests share one run. Raises QueueFullError, TimeoutError, ScenarioError."""
        key = (name, json.dumps(changes, sort_keys=True), seed)
        known = self.runs.known(key)
        if known is not None:
            return known
        scenario, _, _ = self.changed(name, changes)
        if name not in self._plans and changes:
            self.framed(name, {}, seed, tell)
        return self.runs.get(key, lambda: self._frame(name, scenario, dict(changes), seed, tell))

    def _frame(self, name: str, scenario: Any, changes: dict[str, Any], seed: int, tell: Tell | None) -> Framed:
        began = time.perf_counter()
        result = self.run(scenario, seed, tell)
        record = self.record(scenario, result)
        if name not in self._plans:
            self._plans[name] = map.plan(record, self.seats(scenario), self.titles(scenario))
        plan = self._plans[name]
        series = charts.all_series(result)
        about = {
            "title": self.scenario(name).title or name,
            "summary": self.scenario(name).summary.replace("`", ""),
            "scenario": name,
            "seed": seed,
            "version": version(),
            "changes": changes,
        }
        data = frames.build(
            record,
            plan,
            series,
            self.marks(scenario, record),
            self.bars(scenario, plan, record),
            about,
            self._lanes.get(name, ()),
        )
        if not changes:
            self._lanes.setdefault(name, frames.lanes_of(data))
        text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
        return Framed(text, str(data["hash"]), tuple(record.events), tuple(series), time.perf_counter() - began)

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
        """Rules in force at some time of the run, for the timeline."""
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

    # --- answers, as JSON text

    def world(self, request: validate.Request, tell: Tell | None = None, note: str = "") -> str:
        """Frames of the policy and of its baseline, those the browser holds by hash alone, and the event where they part."""
        try:
            base = self.framed(request.scenario, request.base, request.seed, tell)
            policy = self.framed(request.scenario, request.changes, request.seed, tell)
        except ScenarioError as error:
            known = self.known(request.scenario)
            said = [controls.placed(fault, known, {**request.base, **request.changes}) for fault in error.faults]
            return json.dumps({"seq": request.seq, "faults": said[:20]})
        except QueueFullError:
            return json.dumps({"seq": request.seq, "faults": [{"path": "", "said": self.say("queue_full")}]})
        except TimeoutError:
            return json.dumps({"seq": request.seq, "faults": [{"path": "", "said": self.say("too_slow")}]})
        except ChokepointError as error:
            return json.dumps({"seq": request.seq, "faults": [{"path": "", "said": str(error)}]})
        parting = None if base.hash == policy.hash else frames.parting(base.events, policy.events)
        send = {"policy": policy, "base": base}
        parts = [
            f'"{key}":'
            + (json.dumps(one.hash) if one.hash in request.have or (key == "base" and one.hash == policy.hash) else one.text)
            for key, one in send.items()
        ]
        return "{" + f'"seq":{request.seq},"note":{json.dumps(note)},"parting":{json.dumps(parting)},' + ",".join(parts) + "}"

    def spread(self, request: validate.Request) -> str:
        """Bands over seeds for policy and baseline; empty where a run is too slow for them or too many wait."""
        policy = self.framed(request.scenario, request.changes, request.seed)
        n = SEEDS if policy.wall_s < QUICK_S else FEW_SEEDS if policy.wall_s < 10 * QUICK_S else 0
        if not n:
            return ""
        try:
            base, own = (self._spread(request.scenario, changes, n) for changes in (request.base, request.changes))
        except (QueueFullError, TimeoutError, ChokepointError):
            return ""
        bands = {chart: {"base": base.get(chart), "policy": own[chart]} for chart in own}
        return json.dumps({"hash": policy.hash, "seeds": n, **bands}, separators=(",", ":"))

    def _spread(self, name: str, changes: Mapping[str, Any], n: int) -> dict[str, Any]:
        key = (name, json.dumps(changes, sort_keys=True), n)
        found: dict[str, Any] = json.loads(self.spreads.get(key, lambda: self._repeat(name, changes, n)))
        return found

    def _repeat(self, name: str, changes: Mapping[str, Any], n: int) -> str:
        scenario, _, _ = self.changed(name, changes)
        runs = []
        for seed in range(1, n + 1):
            self._give_way()
            runs.append(charts.all_series(self.run(scenario, seed, None)))
        return json.dumps(charts.bands(runs))

    def _give_way(self) -> None:
        """Bands wait while a reader waits for a picture. Raises TimeoutError when that takes too long."""
        until = time.monotonic() + 30
        while self.runs.busy:
            if time.monotonic() > until:
                raise TimeoutError
            time.sleep(0.02)

    def explain(self, request: validate.Request) -> str:
        """May the seller sell the chip to the buyer in this week? From the rules alone."""
        from viz.bars import answer

        try:
            scenario, _, _ = self.changed(request.scenario, request.changes)
            said = answer(scenario, request.words["seller"], request.words["buyer"], request.words["chip"], request.tick)
        except ChokepointError as error:
            return json.dumps({"kind": "explain", "allowed": False, "said": str(error), "lines": []})
        return json.dumps({"kind": "explain", **said})

    def file(self, request: validate.Request, boot: Mapping[str, Any]) -> str:
        """The scenario file, or the page that plays offline."""
        from viz import export

        try:
            stem = "chokepoint-" + "".join(c if c.isalnum() else "-" for c in request.scenario)
            if request.words["file"] == "scenario":
                _, text, _ = self.changed(request.scenario, request.changes)
                return json.dumps({"kind": "file", "name": f"{stem}-changed.yaml", "type": "application/yaml", "body": text})
            base = self.framed(request.scenario, request.base, request.seed)
            policy = self.framed(request.scenario, request.changes, request.seed)
        except (ChokepointError, QueueFullError, TimeoutError) as error:
            return json.dumps({"kind": "refused", "said": str(error) or self.say("queue_full")})
        parting = frames.parting(base.events, policy.events)
        kept = {
            "texts": boot["texts"],
            "version": boot["version"],
            "scenarios": [],
            "lessons": [],
            "state": {
                "scenario": request.scenario,
                "seed": request.seed,
                "changes": request.changes,
                "base": request.base,
                "week": request.tick,
                "view": "one",
            },
        }
        return json.dumps(
            {
                "kind": "file",
                "name": f"{stem}-{policy.hash}.html",
                "type": "text/html",
                "body": export.page(policy.text, base.text, parting, kept),
            }
        )

    def say(self, key: str) -> str:
        from viz.texts import texts

        return str(texts()[key])


def _progress(tell: Tell | None, title: str) -> Callable[[int, int], None] | None:
    """A run's progress as words, at most five times a second."""
    if tell is None:
        return None
    last = [0.0]

    def heard(done: int, of: int) -> None:
        now = time.monotonic()
        if now - last[0] > 0.2:
            last[0] = now
            tell(title, done / max(1, of))

    return heard
