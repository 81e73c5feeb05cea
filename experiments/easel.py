"""Easel: a process beside a run, which starts while the run goes on; then writes its tables and draws its charts while the
run's own process proves and tells the rest.

The drawing engine and pyarrow need a second to start and 250 MB, which are the other process's and go with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib import import_module
from pathlib import Path
from types import TracebackType

from experiments import charts
from experiments.pictures import Picture, pictures
from experiments.tidy import Tidy
from experiments.workers import spawned, stop
from sim.tables import Tables


class Easel:
    """Writes and draws one run after another; a context, at whose end the process ends."""

    def __enter__(self) -> Easel:
        self._pool = spawned(1)
        self._pool.submit(_warm_up)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """End the process at once; nothing is written after this."""
        stop(self._pool, finish=False)

    def begin(self, tables: Tables, marks: Sequence[charts.Mark], folder: Path) -> Callable[[], list[Picture]]:
        """Begin to write a run's tables into a folder and to draw its charts; the answer waits for both. They are written
        and drawn here where the process is gone. Raises OSError."""
        try:
            drawn = self._pool.submit(_written_and_drawn, tables, marks, folder)
        except BrokenProcessPool:
            return lambda: _written_and_drawn(tables, marks, folder)

        def wait() -> list[Picture]:
            try:
                return drawn.result()
            except BrokenProcessPool:
                return _written_and_drawn(tables, marks, folder)

        return wait


def _warm_up() -> None:
    """Load what the work needs."""
    import_module("pyarrow.parquet")
    charts.warm_up()


def _written_and_drawn(tables: Tables, marks: Sequence[charts.Mark], folder: Path) -> list[Picture]:
    with ThreadPoolExecutor(1) as side:
        tidy = Tidy(tables.timeseries, tables.clock)
        written = side.submit(tables.write, folder)
        drawn = pictures(tidy, marks)
        written.result()
    return drawn
