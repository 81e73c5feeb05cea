"""Metrics: observables of a finished run, one family a file; others join by the entry point `chokepoint.metrics`."""

from __future__ import annotations

from functools import lru_cache

from sim.metrics.base import DIMS, LEVELS, METRICS, Level, Metric, Tally
from sim.registry import discover


@lru_cache(maxsize=1)
def metrics() -> tuple[Metric, ...]:
    """Every observable, by name."""
    discover(__name__, "chokepoint.metrics", METRICS)
    return tuple(METRICS[name] for name in METRICS.names)


__all__ = ["DIMS", "LEVELS", "METRICS", "Level", "Metric", "Tally", "metrics"]
