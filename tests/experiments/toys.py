"""Models with known answers, run through the same path as a scenario; only Python can name them."""

from __future__ import annotations

import hashlib
import math
import os
import signal
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import NormalDist

import numpy as np
import pyarrow as pa

from experiments.design import Case, Study
from sim.clock import Clock
from sim.panel import Panel


@dataclass(frozen=True)
class Toy:
    """A run of one observable, `y`, over a few weeks."""

    values: np.ndarray

    @property
    def clock(self) -> Clock:
        start = date(2024, 1, 1)
        return Clock(start, start + timedelta(weeks=len(self.values)))

    def panel(self, name: str) -> Panel:
        if name != "y":
            raise KeyError(name)
        return Panel("y", "points", "last", (), ((),), self.values[None, :])

    def table(self) -> pa.Table:
        ticks = len(self.values)
        return pa.table(
            {
                "tick": pa.array(range(ticks), pa.int32()),
                "metric": pa.array(["y"] * ticks).dictionary_encode(),
                "unit": pa.array(["points"] * ticks).dictionary_encode(),
                "value": self.values,
            }
        )


def luck(seed: int, name: str) -> float:
    """A standard normal draw of the seed and a name, without numba: many tests start many processes."""
    drawn = hashlib.blake2b(f"{seed} {name}".encode(), digest_size=6).digest()
    return NormalDist().inv_cdf((int.from_bytes(drawn) + 0.5) / 2**48)


def ishigami(study: Study, case: Case) -> Toy:
    """Ishigami & Homma 1990, a = 7, b = 0.1, with noise of the seed when `noise` is set."""
    said = dict(case.settings)
    x1, x2, x3 = (float(said.get(name, 0.0)) for name in ("x1", "x2", "x3"))
    y = math.sin(x1) + 7 * math.sin(x2) ** 2 + 0.1 * x3**4 * math.sin(x1)
    noise = float(said.get("noise", 0.0)) * luck(case.seed, repr(case.settings))
    return Toy(np.linspace(0.0, y + noise, 8))


def levers(study: Study, case: Case) -> Toy:
    """y = 1 a + 2 b + 3 a b + 4 c with noise shared by seed: Shapley values 1 + 1.5, 2 + 1.5, 4."""
    said = dict(case.settings)
    a, b, c = (float(said.get(name, 0)) for name in "abc")
    shared = luck(case.seed, "shared")
    return Toy(np.linspace(0.0, a + 2 * b + 3 * a * b + 4 * c + 10 * shared, 4))


def trade_off(study: Study, case: Case) -> Toy:
    """Two aims that pull apart, `gain` - `cost`: y is the one named by `read`."""
    said = dict(case.settings)
    x, w = float(said.get("x", 0)), float(said.get("w", 0))
    shared = 0.01 * luck(case.seed, "shared")
    return Toy(np.array([shared, x + shared, x * x + w + shared]))


def faulty(study: Study, case: Case) -> Toy:
    """Raises on every third seed."""
    if case.seed % 3 == 0:
        raise ValueError(f"seed {case.seed} is a multiple of three")
    return ishigami(study, case)


def deadly(study: Study, case: Case) -> Toy:
    """Kills its own process on seed 5."""
    if case.seed == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return ishigami(study, case)
