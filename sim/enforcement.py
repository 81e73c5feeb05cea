"""Enforcement: diversion networks, how they grow, are found and shut, and what is seized.

A network is a chain of fronts that moves about `network_chips_per_week`. Networks enter where the margin pays, are found with a
hazard that grows with official effort, and come back as new shells; a bust scares a hub's flow for a while.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sim.keyed_random import keys_of, uniforms

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass
class Networks:
    """Diversion networks by distributor.

    active (distributors,) int64 at work; scare (distributors,) share of flow withheld after a bust; started: the trade exists.
    """

    names: tuple[str, ...]
    active: Ints = field(init=False)
    scare: Floats = field(init=False)
    busts: Ints = field(init=False)
    started: bool = False

    def __post_init__(self) -> None:
        n = len(self.names)
        self.active = np.zeros(n, dtype=np.int64)
        self.scare = np.zeros(n)
        self.busts = np.zeros(n, dtype=np.int64)
        self._entry = keys_of("network enters", self.names)
        self._bust = keys_of("network is found", self.names)
        self._first = keys_of("network starts", self.names)

    def start(self, seed: int, share: Floats, total: float) -> None:
        """The trade begins: `total` networks spread by share, parts of a network by a keyed draw."""
        wanted = share * total
        self.active[:] = np.floor(wanted + uniforms(seed, self._first, 0, 0)).astype(np.int64)
        self.started = True

    def enter(self, seed: int, tick: int, margin: Floats, per_year: float, most: float, open_lane: NDArray[np.bool_]) -> None:
        """New networks in proportion to those at work and to the margin over list (distributors,), up to `most` in all."""
        room = max(0.0, 1.0 - self.active.sum() / most)
        rate = per_year / 52.1786 * np.clip(margin / 0.40, 0.0, 2.0) * room
        expected = np.where(open_lane, rate * np.maximum(self.active, 0.5), 0.0)
        self.active += np.floor(expected + uniforms(seed, self._entry, tick, 0)).astype(np.int64)

    def find(self, seed: int, tick: int, hazard_per_week: Floats) -> Ints:
        """Networks found and shut this week by distributor; each at work is found with the hazard (distributors,)."""
        expected = hazard_per_week * self.active
        found: Ints = np.minimum(np.floor(expected + uniforms(seed, self._bust, tick, 0)).astype(np.int64), self.active)
        self.busts[:] = found
        self.active -= found
        return found

    def fade(self, weeks: float, scare_share: float, found: Ints) -> None:
        """Scare of a fresh bust, fading over `weeks`."""
        self.scare *= 1.0 - 1.0 / weeks
        self.scare[found > 0] = scare_share
