"""Search: over two or three levers, which settings are not beaten on every aim at once (the Pareto front), and how
surely.

A grid first; then each round tries the middles between a front point and its neighbours on every numeric lever. All
settings meet the same draws and seeds, so the resampled share of times a setting stays on the front is about the
policy.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments import batch, questions
from experiments.design import Design, Policy
from experiments.frames import frames
from experiments.pairing import Interval, bootstrap, resamples
from experiments.provenance import SCENARIO_MODEL
from experiments.sampling import Scalar
from experiments.store import Store
from sim.errors import UsageError

_FORM = re.compile(r"(?P<way>max|min)\s+(?P<outcome>\S.*)")
_REPEATS = 500

Setting = tuple[Scalar, ...]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Aim:
    """An outcome to have more of, or less."""

    outcome: str
    more: bool

    @classmethod
    def parse(cls, text: str) -> Aim:
        """From "max lag_months@2026" or "min lost_sales". Raises UsageError on another form."""
        match = _FORM.fullmatch(text.strip())
        if match is None:
            raise UsageError(f'"{text}" is no aim; write max OUTCOME or min OUTCOME')
        return cls(match["outcome"], match["way"] == "max")


@dataclass(frozen=True)
class Option:
    """A setting of the levers, each aim's mean, and the share of resamples in which nothing beats it."""

    setting: Setting
    aims: tuple[Interval, ...]
    on_front: bool
    stays_share: float


@dataclass(frozen=True)
class Front:
    """Every setting tried, best settings by their first aim."""

    levers: tuple[str, ...]
    aims: tuple[Aim, ...]
    options: tuple[Option, ...]

    @property
    def best(self) -> list[Option]:
        """The settings nothing beats."""
        return [option for option in self.options if option.on_front]


def search(
    design: Design,
    aims: tuple[Aim, ...],
    rounds: int,
    folder: Path,
    carry: Callable[[Store], object],
    model: str = SCENARIO_MODEL,
) -> Front:
    """Try the grid of the design's levers, then `rounds` refinements, each a store below `folder`.

    Raises UsageError when the design has other than two or three levers, or fewer than two aims.
    """
    levers = tuple(design.levers)
    if not 2 <= len(levers) <= 3 or len(aims) < 2:
        raise UsageError(f"search takes 2 or 3 levers and at least 2 aims, not {len(levers)} and {len(aims)}")
    said = [f"{'max' if aim.more else 'min'} {aim.outcome}" for aim in aims]

    def carry_asked(store: Store) -> object:
        questions.keep(folder, "search", {"levers": list(levers), "aims": said})
        return carry(store)

    tried: dict[Setting, Floats] = {}
    wanted = list(itertools.product(*design.levers.values()))
    for number in range(rounds + 1):
        if not wanted:
            break
        tried |= _try(design, levers, aims, wanted, folder / f"round-{number}", carry_asked, model)
        wanted = _middles(tried, aims)
    return _front(levers, aims, tried)


def front_of(folder: Path) -> Front:
    """The front of a search that has ended, from its folder. Raises UsageError when there is none."""
    asked = questions.kept(folder, "search")
    stores = [Store.open(path) for path in sorted(folder.glob("round-*"), key=lambda path: int(path.name[6:]))]
    if not asked or not stores:
        raise UsageError(f"{folder} holds no search; chokepoint search DESIGN --aim ... makes one")
    aims = tuple(Aim.parse(text) for text in asked[-1]["aims"])
    levers: tuple[str, ...] = tuple(asked[-1]["levers"])
    tried: dict[Setting, Floats] = {}
    for store in stores:
        tried |= _read(store, aims, {label: tuple(policy.settings[lever] for lever in levers)
                                     for label, policy in store.design.policies.items()})
    return _front(levers, aims, tried)


def unbeaten(costs: Floats) -> NDArray[np.bool_]:
    """Which rows of (n_settings, n_aims) costs no other row beats: none is as good everywhere and better somewhere."""
    no_worse = (costs[:, None, :] <= costs[None, :, :]).all(axis=2)
    better = (costs[:, None, :] < costs[None, :, :]).any(axis=2)
    return np.asarray(~(no_worse & better).any(axis=0))


def _try(
    design: Design,
    levers: tuple[str, ...],
    aims: tuple[Aim, ...],
    settings: Iterable[Setting],
    folder: Path,
    carry: Callable[[Store], object],
    model: str,
) -> dict[Setting, Floats]:
    """Setting -> values of the aims, (n_aims, n_draws x n_seeds)."""
    named = {_label(levers, setting): setting for setting in settings}
    policies = {label: Policy(settings=dict(zip(levers, setting, strict=True))) for label, setting in named.items()}
    round_design = design.model_copy(update={"levers": {}, "policies": policies})
    store = batch.start(round_design, folder, model)
    carry(store)
    return _read(store, aims, named)


def _read(store: Store, aims: tuple[Aim, ...], named: Mapping[str, Setting]) -> dict[Setting, Floats]:
    """Setting -> values of the aims, (n_aims, n_draws x n_seeds), of one round's store."""
    found = [frames(store, aim.outcome) for aim in aims]
    return {setting: np.array([of[label].values.ravel() for of in found]) for label, setting in named.items()}


def _label(levers: tuple[str, ...], setting: Setting) -> str:
    return " ".join(f"{lever}={value}" for lever, value in zip(levers, setting, strict=True))


def _costs(values: Floats, aims: tuple[Aim, ...]) -> Floats:
    """Means of (..., n_aims, n_runs) as costs: less is better; a setting without a finished run costs infinitely."""
    signs = np.array([-1.0 if aim.more else 1.0 for aim in aims])
    known = ~np.isnan(values)
    counts = known.sum(axis=-1)
    means = np.where(known, values, 0.0).sum(axis=-1) / np.maximum(counts, 1)
    return np.asarray(np.where(counts > 0, means * signs, np.inf))


def _middles(tried: Mapping[Setting, Floats], aims: tuple[Aim, ...]) -> list[Setting]:
    """Settings halfway between each front point and its next tried values on each numeric lever, not tried yet."""
    settings = list(tried)
    front = unbeaten(_costs(np.array([tried[setting] for setting in settings]), aims))
    found: dict[Setting, None] = {}
    for setting in (setting for setting, best in zip(settings, front, strict=True) if best):
        for at, value in enumerate(setting):
            for other in _neighbours(value, {other[at] for other in settings}):
                middle = (*setting[:at], (float(value) + other) / 2, *setting[at + 1 :])
                if middle not in tried:
                    found[middle] = None
    return list(found)


def _neighbours(value: Scalar, values: set[Scalar]) -> list[float]:
    if isinstance(value, str | bool):
        return []
    numbers = sorted(float(other) for other in values if not isinstance(other, str | bool))
    at = numbers.index(float(value))
    return numbers[max(at - 1, 0) : at] + numbers[at + 1 : at + 2]


def _front(levers: tuple[str, ...], aims: tuple[Aim, ...], tried: Mapping[Setting, Floats]) -> Front:
    settings = list(tried)
    values = np.array([tried[setting] for setting in settings])
    best = unbeaten(_costs(values, aims))
    sample = resamples(values.shape[2], _REPEATS, "search")
    stays = np.mean([unbeaten(_costs(values[:, :, rows], aims)) for rows in sample], axis=0)
    options = [
        Option(setting, tuple(bootstrap(row) for row in values[at]), bool(best[at]), float(stays[at]))
        for at, setting in enumerate(settings)
    ]
    return Front(levers, aims, tuple(sorted(options, key=lambda option: (not option.on_front, option.aims[0].value))))
