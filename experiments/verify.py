"""Verify: run again what a report states, and say of every number whether it still holds."""

from __future__ import annotations

import html
import json
import math
import multiprocessing
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.errors import UsageError

TOLERANCE = 1e-9
"""Relative difference that a number may have and still hold: a report divides and multiplies by units."""

_BLOCK = re.compile(r'<script type="application/json" id="chokepoint-claims">(.*?)</script>', re.DOTALL)

Source = tuple[str, tuple[str, ...]]
"""Scenario and overrides."""


@dataclass(frozen=True)
class Claim:
    """A stated number: the mean over seeds of a metric's filtered series over a window."""

    id: str
    scenario: str
    overrides: tuple[str, ...]
    seeds: tuple[int, ...]
    metric: str
    filters: tuple[tuple[str, tuple[str, ...]], ...]
    window: str
    value: float

    @classmethod
    def of(cls, words: Mapping[str, Any]) -> Claim:
        """Raises KeyError, TypeError or ValueError on words of another form."""
        filters = tuple(
            (dim, (said,) if isinstance(said, str) else tuple(said)) for dim, said in words.get("filters", {}).items()
        )
        return cls(
            str(words["id"]),
            str(words["scenario"]),
            tuple(words["overrides"]),
            tuple(int(seed) for seed in words["seeds"]),
            str(words["metric"]),
            filters,
            str(words["window"]),
            float(words["value"]),
        )

    @property
    def source(self) -> Source:
        return self.scenario, self.overrides


@dataclass(frozen=True)
class Check:
    """A claim and what running again gives; error says why it could not be run."""

    claim: Claim
    now: float
    error: str = ""

    @property
    def holds(self) -> bool:
        return not self.error and math.isclose(self.claim.value, self.now, rel_tol=TOLERANCE, abs_tol=1e-12)


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


def verify(
    claims: Sequence[Claim], workers: int, told: Callable[[int, int], None] = lambda done, whole: None
) -> list[Check]:
    """Run every scenario and seed that the claims name, once each, and read them all again."""
    wanted: dict[tuple[Source, int], list[Claim]] = defaultdict(list)
    for claim in claims:
        for seed in claim.seeds:
            wanted[claim.source, seed].append(claim)
    readings: dict[tuple[str, Source, int], float | str] = {}
    for done, ((source, seed), values) in enumerate(_ran(wanted, workers), 1):
        readings.update(
            {(claim.id, source, seed): value for claim, value in zip(wanted[source, seed], values, strict=True)}
        )
        told(done, len(wanted))
    return [_check(claim, [readings[claim.id, claim.source, seed] for seed in claim.seeds]) for claim in claims]


Job = tuple[Source, int]


def _ran(wanted: Mapping[Job, list[Claim]], workers: int) -> Iterator[tuple[Job, list[float | str]]]:
    if workers == 1 or len(wanted) == 1:
        for job, claims in wanted.items():
            yield job, read_again(job, claims)
        return
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        running = {pool.submit(read_again, job, claims): job for job, claims in wanted.items()}
        for future in as_completed(running):
            yield running[future], future.result()


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
    try:
        return float(result.read(claim.metric, claim.window, **dict(claim.filters)))
    except UsageError as error:
        return str(error)


def _check(claim: Claim, readings: Sequence[float | str]) -> Check:
    errors = [said for said in readings if isinstance(said, str)]
    if errors:
        return Check(claim, math.nan, errors[0])
    numbers = [said for said in readings if not isinstance(said, str)]
    return Check(claim, math.fsum(numbers) / len(numbers))
