"""Chunk: some cases that one task runs, and what comes of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from experiments.design import Case, Study
from sim.provenance import digest


@dataclass(frozen=True)
class RunOutput:
    """One run, done or failed. table: tidy pyarrow columns, None for a failed run; trace: where a failed run raised."""

    run_key: str
    seed: int
    status: str
    wall_s: float
    reproduce: str
    outcomes: dict[str, float] = field(default_factory=dict)
    table: Any = None
    error: str = ""
    trace: str = ""
    finished: str = ""


@dataclass(frozen=True)
class Chunk:
    """Cases that one task runs and one segment holds. tries: how often it has lost its worker."""

    study: Study
    cases: tuple[Case, ...]
    tries: int = 0

    @property
    def key(self) -> str:
        """sha256 of its run keys: the same cases, the same file."""
        return digest(*(case.run_key for case in self.cases))


@dataclass(frozen=True)
class ChunkReport:
    """What the parent hears of a chunk: counts and times, never tables."""

    key: str
    done: int
    failed: tuple[tuple[str, str, str], ...]
    wall_s: float
