"""Verify: run again what a report states, and say of every number whether it still holds."""

from __future__ import annotations

import html
import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from experiments.outcome import Outcome
from experiments.seal import is_whole
from experiments.workers import each, unheard
from sim.errors import ChokepointError, UsageError
from sim.metrics import metrics
from sim.posterior import UNFITTED, Fitted

TOLERANCE = 1e-9
"""Relative difference that a number may have and still hold: a report divides and multiplies by units."""

_BLOCK = re.compile(r'<script type="application/json" id="chokepoint-claims">(.*?)</script>', re.DOTALL)

Source = tuple[str, tuple[str, ...]]
"""Scenario and overrides."""

Job = tuple[Source, int]
"""What is run, and its seed."""


@dataclass(frozen=True)
class Claim:
    """A stated number: the mean over runs of a metric's filtered series over a window, by a statistic ("" for the
    metric's own); each run's own number too, where the report keeps them."""

    id: str
    jobs: tuple[Job, ...]
    metric: str
    filters: tuple[tuple[str, tuple[str, ...]], ...]
    window: str
    statistic: str
    value: float
    values: tuple[float, ...] = ()

    @classmethod
    def of(cls, words: Mapping[str, Any]) -> Claim:
        """Raises KeyError, TypeError or ValueError on words of another form."""
        filters = tuple(
            (dim, (said,) if isinstance(said, str) else tuple(said)) for dim, said in words.get("filters", {}).items()
        )
        jobs = _jobs(words)
        values = tuple(math.nan if value is None else float(value) for value in words.get("values", ()))
        if values and len(values) != len(jobs):
            raise ValueError(f"{len(values)} values of {len(jobs)} runs")
        metric, window, statistic = str(words["metric"]), str(words["window"]), str(words.get("statistic", ""))
        return cls(str(words["id"]), jobs, metric, filters, window, statistic, float(words["value"]), values)


def _jobs(words: Mapping[str, Any]) -> tuple[Job, ...]:
    """From `runs: [[scenario, overrides, seed], ...]`, or one scenario with overrides on several seeds, each with its posterior
    draw where the words say `drawn`."""
    if "runs" in words:
        return tuple(((str(name), tuple(said)), int(seed)) for name, said, seed in words["runs"])
    scenario, overrides = str(words["scenario"]), tuple(words["overrides"])
    fitted = _fitted(scenario, overrides) if words.get("drawn") else UNFITTED
    return tuple(((scenario, (*overrides, *fitted.settings(int(seed)))), int(seed)) for seed in words["seeds"])


@lru_cache(maxsize=16)
def _fitted(scenario: str, overrides: tuple[str, ...]) -> Fitted:
    """The posterior of a scenario; none where it cannot be read, which its run tells."""
    import sim

    try:
        return sim.load(scenario, overrides).posterior
    except ChokepointError:
        return UNFITTED


@dataclass(frozen=True)
class Check:
    """A claim and what running again gives; error says why it could not be run."""

    claim: Claim
    now: float
    error: str = ""

    @property
    def holds(self) -> bool:
        return not self.error and _same(self.claim.value, self.now)


def _same(stated: float, now: float) -> bool:
    return math.isclose(stated, now, rel_tol=TOLERANCE, abs_tol=1e-12) or (math.isnan(stated) and math.isnan(now))


def read_claims(path: Path) -> list[Claim]:
    """The claims embedded in a report. Raises UsageError when there are none that can be read."""
    try:
        found = _BLOCK.search(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    if found is None:
        raise UsageError(
            f"{path} states no numbers that can be checked; verify reads reports of run, compare and report"
        )
    try:
        return [Claim.of(words) for words in json.loads(html.unescape(found[1]))]
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path}: its claims are damaged ({type(error).__name__}: {error})") from error


def page_is_whole(path: Path) -> bool:
    """Whether a report that `read_claims` has read is as it was written."""
    return is_whole(path.read_text(encoding="utf-8"))


def verify(
    claims: Sequence[Claim], workers: int, told: Callable[[int, int], None] = unheard
) -> list[Check]:
    """Run every scenario and seed that the claims name, once each, and read them all again."""
    wanted: dict[Job, list[Claim]] = defaultdict(list)
    for claim in claims:
        for job in claim.jobs:
            wanted[job].append(claim)
    readings: dict[tuple[str, Job], float | str] = {}
    for (job, asked), values in zip(wanted.items(), each(read_again, list(wanted.items()), workers, told), strict=True):
        readings.update({(claim.id, job): value for claim, value in zip(asked, values, strict=True)})
    return [_check(claim, [readings[claim.id, job] for job in claim.jobs]) for claim in claims]


def read_again(job: Job, claims: Sequence[Claim]) -> list[float | str]:
    """Run one scenario on one seed and read every claim; the error's words where that cannot be done."""
    import sim

    (scenario, overrides), seed = job
    try:
        result = sim.run(sim.load(scenario, overrides), seed, "headline")
    except Exception as error:
        return [f"{type(error).__name__}: {error}"] * len(claims)
    return [_reading(result, claim) for claim in claims]


def _reading(result: Any, claim: Claim) -> float | str:
    own = {found.name: found.over_time for found in metrics()}.get(claim.metric, "")
    statistic = claim.statistic if claim.statistic != own else ""
    try:
        return Outcome(claim.id, claim.metric, claim.filters, claim.window, statistic).read(result)
    except ChokepointError as error:
        return str(error)


def _check(claim: Claim, readings: Sequence[float | str]) -> Check:
    errors = [said for said in readings if isinstance(said, str)]
    if errors:
        return Check(claim, math.nan, errors[0])
    numbers = [said for said in readings if not isinstance(said, str)]
    known = [number for number in numbers if not math.isnan(number)]
    now = math.fsum(known) / len(known) if known else math.nan
    moved = [at for at, (stated, number) in enumerate(zip(claim.values, numbers, strict=False)) if not _same(stated, number)]
    if moved:
        (scenario, _), seed = claim.jobs[moved[0]]
        return Check(claim, now, f"{len(moved)} of its {len(numbers)} runs give another number, the first {scenario} seed {seed}")
    return Check(claim, now)
