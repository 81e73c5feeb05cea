"""Sampling: factors and a kind of design become points, each labelled by its place in the design.

A point knows its block and row ("A", 17), so an analysis finds its inputs by label and never by the order of a file.
Every draw comes from `sim.keyed_random`: the same design and seed give the same points on every machine.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from sim.errors import UsageError
from sim.keyed_random import keys_of, uniforms

Scalar = str | bool | int | float


class Factor(BaseModel):
    """One uncertain or chosen input: an interval with a distribution, or a list of values.

    path  the scenario value it sets; the factor's own name when left out. normal and lognormal have low and high as
    their 5th and 95th percentiles.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = ""
    distribution: Literal["uniform", "log_uniform", "triangular", "normal", "lognormal", "integer", "choice"] = (
        "uniform"
    )
    low: float | None = None
    central: float | None = None
    high: float | None = None
    values: tuple[Scalar, ...] = ()
    note: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Factor:
        if self.values:
            return self
        if self.distribution == "choice" or self.low is None or self.high is None or not self.low < self.high:
            raise ValueError("give low and high with low < high, or a list of values")
        if self.distribution in ("log_uniform", "lognormal") and self.low <= 0:
            raise ValueError(f"{self.distribution} needs low > 0")
        if self.distribution == "triangular" and (self.central is None or not self.low <= self.central <= self.high):
            raise ValueError("triangular needs a central value between low and high")
        return self

    @property
    def ends(self) -> tuple[Scalar, ...]:
        """Every listed value, or the least and the greatest a draw can be."""
        return self.values or (self.at(0.0), self.at(math.nextafter(1.0, 0.0)))

    def at(self, share: float) -> Scalar:
        """The value below which `share` of the distribution lies, share in [0, 1)."""
        if self.values:
            return self.values[min(int(share * len(self.values)), len(self.values) - 1)]
        assert self.low is not None and self.high is not None
        low, high = self.low, self.high
        match self.distribution:
            case "log_uniform":
                return float(low * (high / low) ** share)
            case "integer":
                return int(low) + min(int(share * (int(high) - int(low) + 1)), int(high) - int(low))
            case "triangular":
                return _triangular(share, low, high, self.central or 0.0)
            case "normal":
                return _normal(share, low, high)
            case "lognormal":
                return math.exp(_normal(share, math.log(low), math.log(high)))
        return low + (high - low) * share


def _normal(share: float, low: float, high: float) -> float:
    unit = NormalDist()
    spread = (high - low) / (2 * unit.inv_cdf(0.95))
    return (low + high) / 2 + spread * unit.inv_cdf(min(max(share, 1e-6), 1 - 1e-6))


def _triangular(share: float, low: float, high: float, central: float) -> float:
    turn = (central - low) / (high - low)
    if share < turn:
        return low + math.sqrt(share * (high - low) * (central - low))
    return high - math.sqrt((1 - share) * (high - low) * (high - central))


def _factor(said: Any) -> Any:
    return {"values": tuple(said)} if isinstance(said, list | tuple) else said


FactorField = Annotated[Factor, BeforeValidator(_factor)]


class Sampling(BaseModel):
    """kind, and what that kind needs: n points (lhs), n base rows (sobol, a power of two), n trajectories (morris)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["grid", "lhs", "sobol", "morris", "table"] = "grid"
    n: int = 1
    seed: int = 1
    levels: int = 4
    rows: tuple[dict[str, Scalar], ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Sampling:
        if self.n < 1:
            raise ValueError("n must be at least 1")
        if self.kind == "sobol" and self.n & (self.n - 1):
            raise ValueError(f"sobol needs n a power of two, such as {1 << self.n.bit_length()}")
        if self.kind == "morris" and (self.levels < 2 or self.levels % 2):
            raise ValueError("morris needs an even number of levels, such as 4")
        if self.kind in ("grid", "table") and self.n != 1:
            raise ValueError(f"a {self.kind} takes all its points, and no n; leave n out, or choose lhs, sobol or morris")
        if (self.kind == "table") != bool(self.rows):
            raise ValueError("rows are given with kind: table, and only then")
        return self


@dataclass(frozen=True)
class Point:
    """One draw of the uncertainties. block, row: its place in the design ("AB:name", 17); values by factor name."""

    draw: int
    block: str
    row: int
    values: tuple[tuple[str, Scalar], ...]


def points(factors: Mapping[str, Factor], sampling: Sampling) -> list[Point]:
    """Every point of a design in its order. Raises UsageError when the kind does not fit the factors."""
    if sampling.kind == "table":
        return _table(factors, sampling)
    if not factors:
        return [Point(0, "", 0, ())]
    if sampling.kind == "grid":
        return _grid(factors)
    names = sorted(factors)
    blocks = {"lhs": _lhs, "sobol": _sobol, "morris": _morris}[sampling.kind](names, sampling)
    return [
        Point(
            draw,
            block,
            row,
            tuple((name, factors[name].at(float(share))) for name, share in zip(names, shares, strict=True)),
        )
        for draw, (block, row, shares) in enumerate(blocks)
    ]


Block = tuple[str, int, NDArray[np.float64]]


def _table(factors: Mapping[str, Factor], sampling: Sampling) -> list[Point]:
    if factors:
        raise UsageError("a table holds its own values; leave uncertainties out of a design of kind table")
    return [Point(row, "", row, tuple(sorted(values.items()))) for row, values in enumerate(sampling.rows)]


def _grid(factors: Mapping[str, Factor]) -> list[Point]:
    names = sorted(factors)
    unlisted = [name for name in names if not factors[name].values]
    if unlisted:
        raise UsageError(
            f"a grid needs listed values for {', '.join(unlisted)}; write [0.1, 0.2], or choose lhs or sobol"
        )
    rows = itertools.product(*(factors[name].values for name in names))
    return [Point(row, "", row, tuple(zip(names, values, strict=True))) for row, values in enumerate(rows)]


def _lhs(names: Sequence[str], sampling: Sampling) -> list[Block]:
    """McKay, Beckman & Conover 1979: each factor visits each of n equal slices once."""
    columns = []
    for name in names:
        keys = keys_of(f"lhs {name}", [str(row) for row in range(sampling.n)])
        order = np.argsort(uniforms(sampling.seed, keys, 0, 0), kind="stable")
        columns.append((order + uniforms(sampling.seed, keys, 0, 1)) / sampling.n)
    return [("", row, shares) for row, shares in enumerate(np.column_stack(columns))]


def _sobol(names: Sequence[str], sampling: Sampling) -> list[Block]:
    """Saltelli's A, B and one AB_i a factor on a Sobol sequence with a keyed random shift (Cranley & Patterson
    1976)."""
    from scipy.stats import qmc

    k = len(names)
    raw = qmc.Sobol(2 * k, scramble=False).random_base2(int(math.log2(sampling.n)))
    shift = uniforms(sampling.seed, keys_of("sobol", [f"{side} {name}" for side in "AB" for name in names]), 0, 0)
    a, b = np.hsplit((raw + shift) % 1.0, 2)
    blocks: list[Block] = [("A", row, a[row]) for row in range(sampling.n)]
    blocks += [("B", row, b[row]) for row in range(sampling.n)]
    for at, name in enumerate(names):
        mixed = a.copy()
        mixed[:, at] = b[:, at]
        blocks += [(f"AB:{name}", row, mixed[row]) for row in range(sampling.n)]
    return blocks


def _morris(names: Sequence[str], sampling: Sampling) -> list[Block]:
    """Morris 1991: n trajectories, each moving every factor once by levels/(2(levels-1)); the block names what has
    moved."""
    step = sampling.levels / (2 * (sampling.levels - 1))
    blocks: list[Block] = []
    for row in range(sampling.n):
        keys = keys_of(f"morris {row}", list(names))
        lower = np.floor(uniforms(sampling.seed, keys, 0, 0) * (sampling.levels // 2)) / (sampling.levels - 1)
        rises = uniforms(sampling.seed, keys, 0, 1) < 0.5
        point = np.where(rises, lower, lower + step)
        blocks.append(("start", row, _inside(point)))
        for at in np.argsort(uniforms(sampling.seed, keys, 0, 2), kind="stable"):
            point = point.copy()
            point[at] += step if rises[at] else -step
            blocks.append((f"{'+' if rises[at] else '-'}{names[at]}", row, _inside(point)))
    return blocks


def _inside(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip(shares, 0.0, np.nextafter(1.0, 0.0))
