"""Progress: beliefs, skill with a vendor, thrift, training runs, capability, lag, runway and reach of listed users.

The only writer of skills, beliefs and capability. Thrift: dE/dt = ln g (1 + min(s ln(C_frontier / C_own), most))
+ (E_frontier - E) / tau, E = ln efficiency. Training use U takes up the usable stock S:
d ln U / dt = min(ln(S / U) / planning time, ln of a team's fastest growth), U <= S; one run takes a share of U. A lab's planned
growth g, of which its runway speaks, follows its own stock: d ln g / dt = (d ln S / dt - ln g) / planning time, between bounds.
Capability of a lab: log10 of the effective training compute of its best published run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sim.kernel import kernel
from sim.units import H100_FP16_TFLOPS, WEEKS_PER_MONTH, WEEKS_PER_YEAR

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

SECONDS_PER_WEEK = 604_800.0
NO_ACCESS_WEEKS = 520.0
"""Shown where a listed user cannot reach the target within ten years."""


@dataclass
class Minds:
    """What labs know and can do.

    skill       (labs, makers) share of a vendor's worth a lab gets out of it
    efficiency  (labs,) ln of algorithmic efficiency, 0 = frontier of the first week
    capability  (labs,) log10 FLOP, best published run
    largest_run (labs,) log10 FLOP of the largest published run, efficiency not counted
    in_press    (2, weeks, labs) runs finished and not yet published, rings of capability and of FLOP, log10
    in_training (labs,) training worth that a lab's own training uses, in H100 weights
    planned     (labs,) ln of planned growth of training a year, before bounds
    stock_seen  (labs,) usable training worth when the plan was last made, in H100 weights
    software    (regions, makers) share of worth left after support ends
    """

    n_labs: int
    n_makers: int
    n_regions: int
    release_weeks: int
    skill: Floats = field(init=False)
    efficiency: Floats = field(init=False)
    capability: Floats = field(init=False)
    largest_run: Floats = field(init=False)
    in_press: Floats = field(init=False)
    in_training: Floats = field(init=False)
    planned: Floats = field(init=False)
    stock_seen: Floats = field(init=False)
    software: Floats = field(init=False)
    wants: Floats = field(init=False)
    """(labs,) inference wants over plan, after rebound."""

    def __post_init__(self) -> None:
        self.skill = np.ones((self.n_labs, self.n_makers))
        self.efficiency = np.zeros(self.n_labs)
        self.capability = np.zeros(self.n_labs)
        self.largest_run = np.zeros(self.n_labs)
        self.in_press = np.zeros((2, self.release_weeks, self.n_labs))
        self.in_training = np.zeros(self.n_labs)
        self.planned = np.zeros(self.n_labs)
        self.stock_seen = np.zeros(self.n_labs)
        self.software = np.ones((self.n_regions, self.n_makers))
        self.wants = np.ones(self.n_labs)

    def learn(self, used_share: Floats, halving_weeks: float) -> None:
        """Skill gaps close with use: used_share (labs, makers) of a lab's worth that runs on a vendor."""
        pace = math.log(2.0) / halving_weeks
        self.skill += (1.0 - self.skill) * pace * np.minimum(1.0, 5.0 * used_share)

    def think(self, compute: Floats, frontier_compute: float, tick: int, growth: float, thrift: float, most_thrift: float,
              diffusion_years: float) -> None:
        """One week of thrift and diffusion; compute (labs,) usable training worth, frontier_compute the largest anywhere.

        Being short adds at most most_thrift of the trend: a lab of a dozen cards does not out-invent the frontier.
        """
        trend = math.log(growth) / WEEKS_PER_YEAR
        short = np.log(np.maximum(frontier_compute, 1.0) / np.maximum(compute, 1.0))
        frontier = trend * tick
        own = trend * (1.0 + np.minimum(np.maximum(thrift * short, 0.0), most_thrift))
        self.efficiency += own + (frontier - self.efficiency) / (diffusion_years * WEEKS_PER_YEAR)

    def plan(self, compute: Floats, plan_weeks: float) -> None:
        """A lab plans to grow as its stock has grown: the plan follows the growth of compute (labs,), owned and rented, within
        plan_weeks. A stock of less than one card teaches nothing."""
        known = (self.stock_seen >= 1.0) & (compute >= 1.0)
        seen = np.log(np.where(known, compute, 1.0) / np.where(known, self.stock_seen, 1.0)) * WEEKS_PER_YEAR
        self.planned += np.where(known, (seen - self.planned) / plan_weeks, 0.0)
        self.stock_seen = compute.copy()

    def growth(self, least: float, most: float) -> Floats:
        """Planned growth of training a year, (labs,): what the plan says, between what a budget carries and a team can do."""
        return np.asarray(np.exp(np.minimum(np.maximum(self.planned, math.log(least)), math.log(most))))

    def employ(self, compute: Floats, first_share: float, growth: float, plan_weeks: float) -> None:
        """Training takes up the stock: compute (labs,) usable training worth.

        Who starts uses first_share of it; then use closes its gap to the stock within plan_weeks (teams, data and programmes
        are planned, not bought), by at most growth a year, and never exceeds the stock.
        """
        stock = np.maximum(compute, 0.0)
        room = np.log(np.maximum(stock, 1e-9) / np.maximum(self.in_training, 1e-9)) / plan_weeks
        grown = self.in_training * np.exp(np.minimum(room, math.log(growth) / WEEKS_PER_YEAR))
        self.in_training = np.minimum(np.where(self.in_training > 0.0, grown, first_share * stock), stock)

    def train(self, tick: int, run_share: float, mfu: float, run_weeks: float) -> Floats:
        """This week's best run goes to press, what was in press is published; returns the run's FLOP, (labs,)."""
        flop = self.in_training * run_share * H100_FP16_TFLOPS * 1e12 * mfu * run_weeks * SECONDS_PER_WEEK
        slot = tick % self.release_weeks
        self.capability = np.maximum(self.capability, self.in_press[0, slot])
        self.largest_run = np.maximum(self.largest_run, self.in_press[1, slot])
        self.in_press[1, slot] = np.log10(np.maximum(flop, 1.0))
        self.in_press[0, slot] = self.in_press[1, slot] + self.efficiency / math.log(10.0)
        return np.asarray(flop)

    def open_press(self, growth: float, efficiency_growth: float) -> None:
        """Fill the press before the first week, from runs just begun: those of earlier weeks were smaller by the growth of
        training use and of efficiency a year."""
        weeks = np.arange(self.release_weeks, -1.0, -1.0)[:, None] / WEEKS_PER_YEAR
        slot = (-1) % self.release_weeks
        begun = self.in_press[:, slot].copy()
        older = begun[1] - weeks * math.log10(growth)
        runs = np.maximum(np.array([older + begun[0] - begun[1] - weeks * math.log10(efficiency_growth), older]), 0.0)
        self.capability, self.largest_run = runs[0, 0], runs[1, 0]
        self.in_press = runs[:, 1:]

    def rebound(self, tick: int, growth: float, elasticity: float, half_weeks: float) -> None:
        """Inference wants follow the fall in cost per token beyond the common trend, with a lag."""
        ahead = self.efficiency - math.log(growth) / WEEKS_PER_YEAR * tick
        goal = np.exp((elasticity - 1.0) * ahead)
        self.wants += (np.minimum(np.maximum(goal, 0.25), 4.0) - self.wants) * (math.log(2.0) / half_weeks)

    def runway_weeks(self, compute: Floats, growth: Floats, scrap_per_year: float) -> Floats:
        """Weeks until planned training outgrows the stock: 52 ln(1/u) / (ln g + scrap), u = use over stock, g = growth (labs,)."""
        u = np.where(compute > 0, self.in_training / np.maximum(compute, 1e-9), 1.0)
        pace = np.log(growth) + scrap_per_year
        return np.asarray(WEEKS_PER_YEAR * np.log(1.0 / np.minimum(np.maximum(u, 1e-6), 1.0)) / pace)


def lag_months(level: float, levels: Floats, past_months: Floats, past_levels: Floats, tick: int) -> float:
    """How long ago the frontier stood at `level`, months: levels (ticks,) of this run up to now, before that the record."""
    return float(_lag(level, levels, past_months, past_levels, tick))


@kernel
def _lag(level, levels, past_months, past_levels, tick):  # type: ignore[no-untyped-def]
    """See `lag_months`: along the path that the best level so far took, straight between its points."""
    past, n = len(past_levels), len(past_levels) + tick + 1
    path = np.empty(n)
    best = -np.inf
    for i in range(n):
        best = max(best, past_levels[i] if i < past else levels[i - past])
        path[i] = best
    if level >= best:
        slope = (best - path[n - 53]) / 12.0 if n > 53 else 0.1
        return -(level - best) / max(slope, 1e-3)
    now = tick / WEEKS_PER_MONTH
    if level < path[0]:
        return now - past_months[0]
    after = np.searchsorted(path, level, side="right")
    then = past_months[after - 1] if after - 1 < past else (after - 1 - past) / WEEKS_PER_MONTH
    if path[after - 1] == level:
        return now - then
    later = past_months[after] if after < past else (after - past) / WEEKS_PER_MONTH
    return now - ((later - then) / (path[after] - path[after - 1]) * (level - path[after - 1]) + then)


@kernel
def usable(stock, worth, skill, maker, own_software):  # type: ignore[no-untyped-def]
    """Worth of owned chips by use and lab, (2, labs): sum of chips x worth x skill x software, in id order.

    stock (labs, chips), worth (2, chips), skill (labs, makers), maker (chips,), own_software (labs, makers).
    """
    n_labs, n_chips = stock.shape
    out = np.zeros((2, n_labs))
    for i in range(n_labs):
        for c in range(n_chips):
            if stock[i, c] > 0:
                m = maker[c]
                held = stock[i, c] * skill[i, m] * own_software[i, m]
                out[0, i] += held * worth[0, c]
                out[1, i] += held * worth[1, c]
    return out


@kernel
def vendor_use(stock, worth, maker, n_makers):  # type: ignore[no-untyped-def]
    """Share of each lab's worth that stands on each maker's chips, (labs, makers)."""
    n_labs, n_chips = stock.shape
    out = np.zeros((n_labs, n_makers))
    for i in range(n_labs):
        total = 0.0
        for c in range(n_chips):
            part = stock[i, c] * (worth[0, c] + worth[1, c])
            out[i, maker[c]] += part
            total += part
        if total > 0.0:
            for m in range(n_makers):
                out[i, m] /= total
    return out
