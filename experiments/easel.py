"""Easel: charts drawn in a process of their own, which starts while a run goes on and draws while its tables are written.

The drawing engine needs half a second to start and 170 MB, which go with its process.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Any

from experiments import charts
from experiments.workers import spawned, stop


class Easel:
    """Draws one specification after another; a context, at whose end the process ends."""

    def __enter__(self) -> Easel:
        self._pool = spawned(1)
        self._pool.submit(charts.warm_up)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        stop(self._pool, finish=False)

    def svg(self, spec: Mapping[str, Any], name: str) -> str:
        """As `charts.svg`; drawn here where the process is gone."""
        try:
            return self._pool.submit(charts.svg, spec, name).result()
        except BrokenProcessPool:
            return charts.svg(spec, name)
