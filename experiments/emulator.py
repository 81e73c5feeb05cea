"""Emulator: a Gaussian process on a linear trend that stands in for the model, with the error it states of itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LENGTHS = (0.5, 1.0, 2.0, 4.0)
NUGGETS = (0.01, 0.1, 0.3, 1.0)
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Emulator:
    """Inputs in the unit cube, one output. error: root mean square of what it says of each point left out, in the output's
    own unit."""

    x: Floats
    trend: Floats
    weights: Floats
    inverse: Floats
    length: float
    variance: float
    error: float

    @classmethod
    def fit(cls, x: Floats, y: Floats, shared: Sequence[tuple[float, Floats]] = ()) -> Emulator:
        """To inputs (n, k) and outputs (n,), by the length and nugget with the least leave-one-out error. shared: the bases of
        these inputs, when other outputs have asked for them."""
        design = np.column_stack([np.ones(len(x)), x])
        ridge = 1e-3 * len(x) * np.eye(design.shape[1])
        ridge[0, 0] = 0.0
        trend: Floats = np.linalg.solve(design.T @ design + ridge, design.T @ y).astype(np.float64)
        rest = y - design @ trend
        variance = float(rest.var()) or 1e-12
        best: tuple[float, Any] = (math.inf, None)
        for length, inverse in shared or bases(x):
            weights = inverse @ rest
            error = float(np.sqrt(np.mean((weights / np.diag(inverse)) ** 2)))
            if error < best[0]:
                best = (error, (weights, inverse, length))
        weights, inverse, length = best[1]
        return cls(x, trend, weights, inverse, length, variance, best[0])

    def mean(self, x: Floats, near: Floats | None = None) -> Floats:
        """Mean at inputs (m, k). near: the kernel between them and its own points, when it is known."""
        near = kernel(x, self.x, self.length) if near is None else near
        return np.column_stack([np.ones(len(x)), x]) @ self.trend + near @ self.weights

    def at(self, x: Floats, near: Floats | None = None) -> tuple[Floats, Floats]:
        """Mean and variance at inputs (m, k); the variance is never below the squared stated error."""
        near = kernel(x, self.x, self.length) if near is None else near
        spread = self.variance * np.clip(1.0 - ((near @ self.inverse) * near).sum(axis=1), 0.0, None)
        return self.mean(x, near), np.maximum(spread, self.error**2)

    def linear_share(self, column: int) -> float:
        """Share of the output's variance over the cube that the trend along one input explains."""
        whole = float((self.trend[1:] ** 2).sum() / 12.0 + self.variance)
        return float(self.trend[column + 1] ** 2 / 12.0 / whole)


def bases(x: Floats) -> list[tuple[float, Floats]]:
    """Each length tried and, for each nugget, the inverse (n, n) of the inputs' kernel: what does not depend on the output."""
    return [(length, np.asarray(np.linalg.inv(kernel(x, x, length) + nugget * np.eye(len(x)))))
            for length in LENGTHS for nugget in NUGGETS]


def kernel(a: Floats, b: Floats, length: float) -> Floats:
    """Squared exponential, (m, n), with the length in units of the cube's mean distance."""
    apart = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None, :] - 2.0 * (a @ b.T)
    return np.asarray(np.exp(-np.clip(apart, 0.0, None) / (a.shape[1] / 6.0) / (2.0 * length**2)))


def kernels(emulators: Mapping[Any, Emulator], x: Floats) -> dict[Any, Floats]:
    """The kernel of every emulator at inputs x, those of one design and length worked out once."""
    known: dict[tuple[int, float], Floats] = {}
    found = {}
    for name, one in emulators.items():
        key = (id(one.x), one.length)
        if key not in known:
            known[key] = kernel(x, one.x, one.length)
        found[name] = known[key]
    return found
