"""Enforcement: diversion networks, how they grow, are found and shut, and what is seized.

A network is a chain of fronts that moves about `network_chips_per_week`. Networks enter where trade pays and close where it does
not, are found with a hazard that grows with official effort and with their number in one hub, and come back as new shells; a bust
scares a hub's flow for a while, so that new shells open elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sim.keyed_random import keys_of, uniforms
from sim.units import WEEKS_PER_YEAR

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass
class Networks:
    """Diversion networks by distributor.

    active (distributors,) int64 at work; scare (distributors,) share of flow withheld after a bust; moved_usd (distributors,) goods
    passed in about the last year; started: the trade exists.
    """

    names: tuple[str, ...]
    active: Ints = field(init=False)
    scare: Floats = field(init=False)
    busts: Ints = field(init=False)
    moved_usd: Floats = field(init=False)
    started: bool = False

    def __post_init__(self) -> None:
        n = len(self.names)
        self.active = np.zeros(n, dtype=np.int64)
        self.scare = np.zeros(n)
        self.busts = np.zeros(n, dtype=np.int64)
        self.moved_usd = np.zeros(n)
        self._entry = keys_of("network enters", self.names)
        self._exit = keys_of("network closes", self.names)
        self._bust = keys_of("network is found", self.names)
        self._first = keys_of("network starts", self.names)

    def start(self, seed: int, share: Floats, total: float) -> None:
        """The trade begins: `total` networks spread by share, parts of a network by a keyed draw."""
        wanted = share * total
        self.active[:] = np.floor(wanted + uniforms(seed, self._first, 0, 0)).astype(np.int64)
        self.started = True

    def enter(self, seed: int, tick: int, profit: Floats, per_year: float, most: float, imitation_share: float,
              native: Floats, usual_profit: float) -> None:
        """New networks where trade pays, fewer where it does not: a part of entrants, imitation_share, go where networks work, the
        others to a hub by its own size, native (distributors,) shares, 0 where no way is open; all keep clear of a fresh bust.

        profit (distributors,): what a chip of a network's throughput earns over list; at usual_profit networks grow by `per_year`,
        up to `most` in all; a loss lets them close at the same pace.
        """
        total = int(self.active.sum())
        pace = per_year / WEEKS_PER_YEAR * np.clip(profit / usual_profit, -1.0, 2.0)
        known = self.active / total if total else native
        place = (imitation_share * known + (1.0 - imitation_share) * native) * (native > 0) * (1.0 - self.scare)
        room = max(0.0, 1.0 - total / most)
        new = np.maximum(pace, 0.0) * room * max(total, 1) * place
        lost = np.maximum(-pace, 0.0) * self.active
        self.active += np.floor(new + uniforms(seed, self._entry, tick, 0)).astype(np.int64)
        gone = np.floor(lost + uniforms(seed, self._exit, tick, 0)).astype(np.int64)
        self.active -= np.minimum(gone, self.active)

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

    def remember(self, sold_usd: Floats) -> None:
        """Count this week's goods past a rule, (distributors,) USD; what passed is forgotten over a year."""
        self.moved_usd += sold_usd - self.moved_usd / WEEKS_PER_YEAR
