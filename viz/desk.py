"""Desk: from a request to frames; what every session shares, and nothing of any session."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from sim.errors import ChokepointError, ScenarioError
from viz import charts, controls, frames, validate
from viz.baked import Shelf
from viz.crew import Crew
from viz.making import Framed, Ground, Making, Tell
from viz.runs import QueueFullError, Runs

QUICK_S = 0.4
"""A run under this is repeated over SEEDS for the bands, a slower one over FEW_SEEDS."""

SEEDS, FEW_SEEDS = 8, 4

QUIET_S = 0.3
"""Bands are made when no picture has been for this long: a class moves in waves, and the next wave must find every worker free."""

KEPT_BYTES = 40_000_000
"""Frames remembered, about: some 500 worlds of a lesson or ten of history; the least recently asked are dropped first."""

FAMILY = "history"
"""The shipped scenario that shipped counterfactuals are compared with, and share the picture's places with."""


class Desk(Making):
    """Scenarios, runs and answers.

    names  scenarios a reader may pick, the one first shown first.
    crew   who makes frames; without one, the asking thread does.
    shelf  where frames of shipped worlds are kept between sessions.
    """

    def __init__(self, names: Sequence[str], crew: Crew | None = None, shelf: Shelf | None = None) -> None:
        super().__init__()
        self.names = list(names)
        self.crew, self.shelf = crew, shelf
        self.runs: Runs[Framed] = Runs(workers=crew.size if crew else 1, weigh=lambda made: made.weight, most=KEPT_BYTES)
        self.spreads: Runs[dict[str, Any]] = Runs(workers=1, most_waiting=2, most=60)
        self._grounds: dict[str, Ground] = {}
        self._levers: dict[str, str] = {}

    # --- what there is

    @cached_property
    def listed(self) -> list[dict[str, str]]:
        """The scenarios to pick from."""
        from sim.scenario_io import about

        said = ((name, *about(name)) for name in self.names)
        return [{"id": name, "title": title or name, "summary": summary} for name, title, summary in said]

    def family(self, name: str) -> str:
        """What a scenario is compared with: the history for a shipped counterfactual, else itself."""
        return FAMILY if FAMILY in self.names and name in self._shipped and "/" not in name else name

    @cached_property
    def _shipped(self) -> frozenset[str]:
        from sim.scenario_io import shipped_names

        return frozenset(shipped_names())

    def presets(self, name: str) -> list[dict[str, Any]]:
        """Named changes of a scenario, then the shipped worlds that are set against it or beside it."""
        family, levers = self.family(name), self.scenario(name).levers
        named = [{"title": controls.worded(key), "scenario": name, "changes": {f"levers.{key}": True}} for key in levers]
        others = [
            {"title": one["title"], "scenario": one["id"], "changes": {}, "against": family}
            for one in self.listed
            if one["id"] not in (name, family) and self.family(one["id"]) == family
        ]
        return [*named, *others]

    def levers(self, name: str) -> str:
        """Every control of a scenario, and every lever one may add, as JSON text."""
        if name not in self._levers:
            scenario = self.scenario(name)
            said = {
                "scenario": name,
                "groups": controls.plain(controls.groups(scenario)),
                "kinds": controls.kinds(),
                "most_effects": controls.MOST_EFFECTS,
                "presets": self.presets(name),
                "governments": sorted({who for rule in scenario.rules.values() for who in rule.by if len(who) == 2} | {"US"}),
            }
            self._levers[name] = json.dumps(said, separators=(",", ":"), default=str)
        return self._levers[name]

    def known(self, name: str) -> Mapping[str, controls.Control]:
        """The controls of a scenario by path."""
        return controls.controls_of(self.scenario(name))

    # --- running

    def framed(self, name: str, changes: Mapping[str, Any], seed: int, tell: Tell | None = None) -> Framed:
        """Frames of a scenario with changes; equal requests share one run. Raises QueueFullError, TimeoutError, ScenarioError."""
        key = _key(name, changes, seed)
        found = self.runs.known(key)
        if found is None:
            ground = self._ground(name, changes, tell)
            found = self.runs.get(key, lambda: self._framed(name, dict(changes), seed, ground, tell))
        if not changes:
            self._grounds.setdefault(name, found.ground)
        return found

    def _ground(self, name: str, changes: Mapping[str, Any], tell: Tell | None) -> Ground | None:
        """The ground a picture stands on: that of the unchanged world, whose own is its family's."""
        stands_on = name if changes else self.family(name)
        if not changes and stands_on == name:
            return None
        if stands_on not in self._grounds:
            self.framed(stands_on, {}, 1, tell)
        return self._grounds[stands_on]

    def _framed(self, name: str, changes: dict[str, Any], seed: int, ground: Ground | None, tell: Tell | None) -> Framed:
        words = self._shelved(name, changes, seed) if self.shelf else None
        found = self.shelf.framed(words) if self.shelf and words else None
        if found is None:
            found = (self.crew or self).make(name, changes, seed, ground, tell)
            if self.shelf and words:
                self.shelf.keep(words, found)
        return found

    def _shelved(self, name: str, changes: Mapping[str, Any], last: int) -> list[Any] | None:
        """What a baked run is filed under; None for a run that is not baked: a reader's own."""
        if not changes or set(changes) <= {f"levers.{key}" for key in self.scenario(name).levers}:
            from sim.scenario_io import merged

            grounds = [merged(self.layers(one)) for one in dict.fromkeys((name, self.family(name)))]
            return [name, grounds, dict(changes), last]
        return None

    # --- baking

    def bake(self, told: Callable[[str], None], wait: bool = True) -> None:
        """Make and keep the frames and bands of every world a reader can pick without moving anything of their own. Between
        worlds it gives way to readers where `wait`."""
        for name in sorted(self.names, key=lambda one: (one != self.names[0], one != FAMILY, not one.startswith("teaching/"))):
            for changes in ({}, *({f"levers.{key}": True} for key in self.scenario(name).levers)):
                try:
                    if wait:
                        self._give_way(600.0)
                    told(" ".join((name, *(path.removeprefix("levers.") for path in changes))))
                    made = self.framed(name, changes, 1)
                    self._spread(name, changes, made, lambda: True)
                except (ChokepointError, QueueFullError, TimeoutError):
                    continue

    # --- answers, as JSON text

    def world(self, request: validate.Request, tell: Tell | None = None, note: str = "") -> str:
        """Frames of the policy and of its baseline, those the browser holds by hash alone, and the event where they part."""
        try:
            base = self.framed(request.baseline, request.base, request.seed, tell)
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

    def spread(self, request: validate.Request, wanted: Callable[[], bool] = lambda: True) -> str:
        """Bands over seeds for policy and baseline; empty where too many wait for theirs or nobody wants them any more."""
        policy = self.framed(request.scenario, request.changes, request.seed)
        base = self.framed(request.baseline, request.base, request.seed)
        try:
            under = self._spread(request.baseline, request.base, base, wanted)
            over = under if base.hash == policy.hash else self._spread(request.scenario, request.changes, policy, wanted)
        except (QueueFullError, TimeoutError, ChokepointError):
            return ""
        bands = {chart: {"base": under["charts"].get(chart), "policy": over["charts"][chart]} for chart in over["charts"]}
        return json.dumps({"hash": policy.hash, "seeds": over["seeds"], **bands}, separators=(",", ":"))

    def _spread(self, name: str, changes: Mapping[str, Any], made: Framed, wanted: Callable[[], bool]) -> dict[str, Any]:
        n = SEEDS if made.wall_s < QUICK_S else FEW_SEEDS
        known = self.spreads.known(_key(name, changes, 0))
        return known or self.spreads.get(_key(name, changes, 0), lambda: self._repeat(name, changes, n, wanted), 600.0)

    def _repeat(self, name: str, changes: Mapping[str, Any], n: int, wanted: Callable[[], bool]) -> dict[str, Any]:
        words = self._shelved(name, changes, 0) if self.shelf else None
        found = self.shelf.bands(words) if self.shelf and words else None
        if found is not None:
            return found
        runs = []
        for seed in range(1, n + 1):
            self._give_way(30.0)
            if not wanted():
                raise TimeoutError
            made = self.runs.known(_key(name, changes, seed))
            runs.append(list(made.series) if made else (self.crew or self).repeat(name, changes, seed))
        found = {"seeds": n, "charts": charts.bands(runs)}
        if self.shelf and words:
            self.shelf.keep_bands(words, found)
        return found

    def _give_way(self, most_s: float) -> None:
        """Wait while a reader waits for a picture, or has just got one. Raises TimeoutError when that takes too long."""
        until = time.monotonic() + most_s
        while self.runs.quiet_s < QUIET_S:
            if time.monotonic() > until:
                raise TimeoutError
            time.sleep(0.05)

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
            base = self.framed(request.baseline, request.base, request.seed)
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
                "against": request.baseline,
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

    def close(self) -> None:
        """Take no more and let the workers go."""
        self.runs.close()
        self.spreads.close()
        if self.crew:
            self.crew.close()

    def say(self, key: str) -> str:
        from viz.texts import texts

        return str(texts()[key])


def _key(name: str, changes: Mapping[str, Any], seed: int) -> tuple[str, str, int]:
    return name, json.dumps(changes, sort_keys=True), seed
