"""Patterns: ten regularities of the record, each measured in a run, set against a contrast and against its own mechanism off.

A pattern is shown where the effect - its observable in a world minus in the contrast, on the same seeds - has an interval
that excludes zero on the expected side. With the mechanism at its neutral value in both worlds the effect should be gone:
at most a fifth of what it was, or an interval that holds zero. A pattern without a contrast is measured against nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import numpy as np

import sim
from experiments.pairing import Interval, bootstrap
from experiments.workers import each, unheard
from sim.kept import kept
from sim.results import Result

GONE_SHARE = 0.2
"""Part of an effect that may be left when its mechanism is off."""

UNKNOWN = Interval(math.nan, math.nan, math.nan, 0)


class Setting(NamedTuple):
    """A world to run: a shipped scenario and what is set in it."""

    scenario: str
    overrides: tuple[str, ...] = ()

    def with_(self, *overrides: str) -> Setting:
        return Setting(self.scenario, (*self.overrides, *overrides))


@dataclass(frozen=True)
class Pattern:
    """One pattern.

    of              its observable of a run
    base, contrast  the worlds compared
    off             settings that make the mechanism neutral
    sign            the expected side of the effect
    reads           behaviour parameters that its observable answers to most
    alone           what the observable must exceed for one run to show the pattern; None where only a contrast can
    undefined       clearings under which its observable is not what it says, each with the reason
    """

    id: str
    title: str
    observable: str
    unit: str
    of: Callable[[Result], float]
    base: Setting
    contrast: Setting | None
    off: tuple[str, ...]
    sign: int
    reads: tuple[str, ...]
    alone: float | None = None
    undefined: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Seen:
    """A pattern in one run: its observable, and whether that alone shows it; nothing said about luck or cause."""

    id: str
    title: str
    observable: str
    unit: str
    value: float
    alone: float | None

    @property
    def verdict(self) -> str:
        if np.isnan(self.value):
            return "not covered"
        if self.alone is None:
            return "by contrast only"
        return "shown" if self.value > self.alone else "not shown"

    @property
    def command(self) -> str:
        """What runs the contrast and the mechanism off."""
        return f"chokepoint patterns {self.id}"

    def plain(self) -> dict[str, Any]:
        """As JSON data; an observable the run does not cover is null."""
        value = float(self.value) if np.isfinite(self.value) else None
        return {"id": self.id, "title": self.title, "observable": self.observable, "unit": self.unit, "value": value,
                "shown_above": self.alone, "verdict": self.verdict, "contrast": self.command}


@dataclass(frozen=True)
class Finding:
    """A pattern over paired seeds. effect against the contrast; neutral, the same with the mechanism off; undefined: why the
    pattern cannot be measured under the clearing asked for, and then nothing was run."""

    pattern: Pattern
    value: Interval = UNKNOWN
    effect: Interval = UNKNOWN
    neutral: Interval = UNKNOWN
    undefined: str = ""

    @property
    def shown(self) -> bool:
        """The interval of the effect lies on the expected side of zero."""
        side = self.effect.low if self.pattern.sign > 0 else -self.effect.high
        return bool(side > 0)

    @property
    def gone(self) -> bool:
        """With the mechanism off at most GONE_SHARE of the effect is left, or nothing that can be told from zero."""
        if self.undefined:
            return False
        left = self.neutral
        if np.isnan(left.value):
            return True
        small = abs(left.value) <= GONE_SHARE * abs(self.effect.value)
        return bool(small or left.low <= 0.0 <= left.high or np.sign(left.value) != self.pattern.sign)

    @property
    def verdict(self) -> str:
        if self.undefined:
            return f"not defined: {self.undefined}"
        if not self.shown:
            return "not shown"
        return "shown, gone without its mechanism" if self.gone else "shown, and left without its mechanism"


@kept
def measure(result: Result) -> list[Seen]:
    """Every pattern's observable in one run, worked out once; NaN where the run does not cover its weeks."""
    return [Seen(p.id, p.title, p.observable, p.unit, _value(p, result), _alone(p, result)) for p in PATTERNS]


def _alone(pattern: Pattern, result: Result) -> float | None:
    """Recorded parts are given, so a run shows P2 only where makers design for themselves."""
    given = pattern.id == "P2" and covers(result) and result.scenario.plain()["redesign"] != "endogenous"
    return None if given else pattern.alone


def study(
    patterns: Sequence[Pattern],
    seeds: Sequence[int],
    workers: int = 1,
    told: Callable[[int, int], None] = unheard,
    also: Sequence[str] = (),
) -> list[Finding]:
    """Run what the patterns need, each world once a seed, and judge them; `also` is set in every world. A pattern that the clearing
    leaves undefined is not run. Raises UsageError for an unknown setting."""
    why = {pattern.id: dict(pattern.undefined).get(_clearing(pattern, also), "") for pattern in patterns}
    wanted: dict[Setting, list[Pattern]] = {}
    for pattern in patterns:
        for setting in () if why[pattern.id] else settings_of(pattern):
            wanted.setdefault(setting, []).append(pattern)
    jobs = [(setting.with_(*also), seed, tuple(p.id for p in ps)) for setting, ps in wanted.items() for seed in seeds]
    asked = [setting for setting in wanted for _ in seeds]
    found: dict[tuple[str, Setting, int], float] = {}
    for setting, (_, seed, _), values in zip(asked, jobs, each(_run, jobs, workers, told), strict=True):
        found.update({(name, setting, seed): value for name, value in values.items()})
    return [Finding(pattern, undefined=why[pattern.id]) if why[pattern.id] else _finding(pattern, seeds, found)
            for pattern in patterns]


def _clearing(pattern: Pattern, also: Sequence[str]) -> str:
    return sim.load(pattern.base.scenario, (*pattern.base.overrides, *also)).clearing


def settings_of(pattern: Pattern) -> list[Setting]:
    """The worlds a pattern needs: base and contrast, with and without its mechanism."""
    sides = [pattern.base] + ([pattern.contrast] if pattern.contrast else [])
    return sides + [side.with_(*pattern.off) for side in sides]


def _run(setting: Setting, seed: int, names: tuple[str, ...]) -> dict[str, float]:
    result = sim.run(sim.load(setting.scenario, setting.overrides), seed)
    return {name: _value(BY_ID[name], result) for name in names}


def _value(pattern: Pattern, result: Result) -> float:
    return float(pattern.of(result)) if covers(result) else float("nan")


def covers(result: Result) -> bool:
    """Whether a run spans the weeks that patterns are read over."""
    first, last = result.clock.date_of(0), result.clock.date_of(result.clock.n_ticks - 1)
    return first.year <= 2022 and last.year >= 2025


def _finding(pattern: Pattern, seeds: Sequence[int], found: Mapping[tuple[str, Setting, int], float]) -> Finding:
    def column(setting: Setting | None) -> Any:
        if setting is None:
            return np.zeros(len(seeds))
        return np.array([found[pattern.id, setting, seed] for seed in seeds])

    base, contrast = column(pattern.base), column(pattern.contrast)
    off = column(pattern.base.with_(*pattern.off))
    off_contrast = column(pattern.contrast.with_(*pattern.off)) if pattern.contrast else column(None)
    return Finding(pattern, bootstrap(base), bootstrap(base - contrast), bootstrap(off - off_contrast))


# --- observables ------------------------------------------------------------------------------------------------------


def window_of(result: Result, name: str, window: str, **filters: Any) -> float:
    """A metric over a window, its series added up (a mean: averaged by its base); 0 where nothing happened."""
    panel = result.panel(name).select(**filters)
    if not panel.keys:
        return 0.0
    return float(panel.by().over(result.clock.window(window))[0])


def _ai_units(result: Result, quarter: str) -> float:
    return window_of(result, "units_delivered", quarter, vendor="nvidia", region="CN", basis="customer_hq")


def rush_and_recovery(result: Result) -> float:
    """log of the best quarter of 2023 over the trough of 2022Q4, Nvidia AI chips to Chinese customers (P1)."""
    best = max(_ai_units(result, f"2023Q{quarter}") for quarter in range(1, 5))
    return float(np.log((best + 1000.0) / (_ai_units(result, "2022Q4") + 1000.0)))


def found_cuts(result: Result) -> float:
    """Marks of the record that Nvidia's own designs meet, of 3: an interconnect cut with computing kept after the rule of
    October 2022, a computing cut with memory kept after October 2023, one each; half of one each where announced within 8
    weeks and in volume 8 to 30 weeks after (P2)."""
    of, names = result.record.of, result.record.names
    vendor = names["maker"].index("nvidia")
    own = [
        int(row)
        for row in np.flatnonzero((of["chip_maker"] == vendor) & (of["chip_cut_from"] >= 0))
        if 0 <= of["chip_announced_tick"][row] < result.clock.n_ticks
    ]
    marks = 0.0
    for day, test in ((date(2022, 10, 3), _links_cut), (date(2023, 10, 16), _compute_cut)):
        rule = result.clock.tick_of(day)
        after = [row for row in own if 0 <= of["chip_announced_tick"][row] - rule <= 8]
        good = [row for row in after if test(of, row)]
        timed = [row for row in good if 8 <= of["chip_volume_tick"][row] - rule <= 30]
        marks += bool(good) + 0.5 * bool(timed)
    return marks


def _links_cut(of: Mapping[str, Any], row: int) -> bool:
    base = of["chip_cut_from"][row]
    return bool(
        of["chip_io_gbps"][row] < 0.95 * of["chip_io_gbps"][base] and of["chip_tpp"][row] > 0.95 * of["chip_tpp"][base]
    )


def _compute_cut(of: Mapping[str, Any], row: int) -> bool:
    base = of["chip_cut_from"][row]
    return bool(
        of["chip_tpp"][row] < 0.5 * of["chip_tpp"][base]
        and of["chip_membw_gbps"][row] > 0.95 * of["chip_membw_gbps"][base]
    )


def stranded(result: Result) -> float:
    """Charges and lost sales of Nvidia in the year after 2025-04-07, USD bn (P3)."""
    window = "2025-04-07..2026-04-06"
    parts = (window_of(result, name, window, vendor="nvidia") for name in ("writedown_usd", "lost_sales_usd"))
    return sum(parts) / 1e9


def runway_after(result: Result) -> float:
    """Weeks of training that Chinese labs' stock carries, by their training compute, in the quarter of October 2023."""
    window = result.clock.window("2023Q4")
    runway, compute = result.panel("runway_weeks").select(region="CN"), result.panel("training_compute").select(region="CN")
    held = dict(zip((key[0] for key in compute.keys), compute.over(window), strict=True))
    weight = np.array([held.get(key[0], 0.0) for key in runway.keys])
    return float(np.nansum(runway.over(window) * weight) / weight.sum()) if weight.sum() else 0.0


def training_after(result: Result) -> float:
    """Training worth of Chinese labs, mean of the half year after the rule of October 2023, thousand H100 weights (P4). One week
    would say little: what is on lease moves from week to week."""
    weekly = result.panel("training_compute").select(region="CN").total()
    weights = result.clock.window("2023-10-17..2024-04-15")
    return float((weekly * weights).sum() / weights.sum()) / 1e3


def smuggled(result: Result) -> float:
    """Chips moved past the rules in 2024, thousands (P5)."""
    return window_of(result, "smuggled_chips", "2024") / 1e3


def premium_and_glut(result: Result) -> float:
    """Street price of H100 in China over list, less the rent of A100-class cards in China over the United States, 2024 (P6)."""
    premium = mean_of(result, "grey_premium", "2024", chip="H100")
    at_home = mean_of(result, "rent_usd_per_hour", "2024", chip=["A100", "A800"], region="CN")
    abroad = mean_of(result, "rent_usd_per_hour", "2024", chip="A100", region="US")
    return premium - at_home / abroad


def mean_of(result: Result, name: str, window: str, **filters: Any) -> float:
    panel = result.panel(name).select(**filters)
    if not panel.keys:
        return float("nan")
    values = panel.over(result.clock.window(window))
    return float(np.nanmean(values)) if not np.isnan(values).all() else float("nan")


def thrift(result: Result) -> float:
    """Efficiency of Chinese labs over that of American ones, mean of 2025 (P7)."""
    home = mean_of(result, "efficiency", "2025", region="CN")
    return home / mean_of(result, "efficiency", "2025", region="US")


def domestic_share(result: Result) -> float:
    """Domestic part of AI cards delivered in China, 2024 and 2025, by units (P8)."""
    return window_of(result, "cards_share", "2024-01-01..2025-12-31", to="CN", origin="domestic", by="units")


def china_sales_growth(result: Result) -> float:
    """log of Nvidia's data-centre sales to Chinese customers, fiscal 2025 over 2023, where their share fell; else 0 (P9)."""
    sales, share = [], []
    for year in ("2022-01-31..2023-01-29", "2024-01-29..2025-01-26"):
        own = {"vendor": "nvidia", "basis": "customer_hq", "segment": "datacentre"}
        china, whole = (
            window_of(result, "revenue_usd", year, region="CN", **own),
            window_of(result, "revenue_usd", year, **own),
        )
        sales.append(china + 1e7)
        share.append(china / whole if whole else 0.0)
    return float(np.log(sales[1] / sales[0])) if share[1] < share[0] else 0.0


def military_reach(result: Result) -> float:
    """log of the weeks a listed user needs to reach the target compute, mean of 2024 and 2025 (P10). A civil user, told beside it,
    loses the same door when the cloud closes, so that a ratio of the two would hide the delay."""
    return float(np.log(window_of(result, "military_access_weeks", "2024-01-01..2025-12-31", user="listed") or np.nan))


HISTORY, NO_CONTROLS = Setting("history"), Setting("no-controls")
CLOUD_CLOSED = (
    "rules.BILL_REMOTE_ACCESS.inert=false",
    "rules.BILL_REMOTE_ACCESS.announced=2023-10-17",
    "rules.BILL_REMOTE_ACCESS.since=2023-11-16",
)

NO_MANDATE = "rules.without=[CN_STATE_DC_BAN]"
"""Without the order that state centres take domestic cards alone: an order is an input of the record, and what is bought under it
is no substitution of the buyers' own, nor gone when that is switched off."""

PATTERNS = (
    Pattern(
        "P1",
        "Rush, dip, recovery through a redesigned part",
        "log best quarter of 2023 over 2022Q4, AI units to China",
        "log ratio",
        rush_and_recovery,
        HISTORY,
        NO_CONTROLS,
        ("behaviour.redesign=off",),
        1,
        ("fuse_volume_weeks", "credit_multiple", "cover_max_weeks", "booking_growth_share_per_week"),
        alone=0.0,
    ),
    Pattern(
        "P2",
        "The best chip that is still legal",
        "marks of the record met by own designs, of 3",
        "marks",
        found_cuts,
        Setting("history-endogenous-redesign"),
        Setting("no-controls", ("redesign=endogenous",)),
        ("behaviour.redesign=off",),
        1,
        ("safety_distance_share", "fuse_announce_weeks", "board_volume_weeks"),
        alone=1.5,
    ),
    Pattern(
        "P3",
        "Zero grace strands inventory and commitments",
        "charges and lost sales from April 2025 on",
        "USD bn",
        stranded,
        HISTORY,
        Setting("history", ("rules.LETTER_H20_2025.since=2025-10-08",)),
        ("behaviour.commitments=off",),
        1,
        ("lead_weeks", "title_weeks", "convertible_generic_share", "convertible_specific_share"),
        alone=0.0,
        undefined=(("equilibrium", "nobody queues there, so that a bar finds no orders to strand and no sale is lost"),),
    ),
    Pattern(
        "P4",
        "Grandfathered stock carries training",
        "training compute of Chinese labs, half year from October 2023",
        "thousand H100 weights",
        training_after,
        HISTORY,
        Setting("history", ("behaviour.stockpiling=off",)),
        ("behaviour.stockpiling=off",),
        1,
        ("cover_max_weeks", "holding_share_per_week", "credit_multiple"),
    ),
    Pattern(
        "P5",
        "A grey market that answers to enforcement",
        "chips smuggled in 2024",
        "thousand chips",
        smuggled,
        HISTORY,
        Setting("enforcement-x5"),
        ("behaviour.diversion=off",),
        1,
        ("networks_initial", "network_entry_per_year", "network_chips_per_week", "detection_per_year", "exposure_weeks"),
        alone=0.0,
    ),
    Pattern(
        "P6",
        "Premium on buying new, glut in renting old",
        "H100 street premium less A100 rent ratio, 2024",
        "ratio",
        premium_and_glut,
        HISTORY,
        None,
        ("behaviour.rental=off",),
        1,
        ("grey_network_multiple", "utilisation_state_share", "rent_floor_share"),
        alone=0.0,
        undefined=(("posted_price", "a street price is there what sellers ask, a mark-up over list and no scarcity"),),
    ),
    Pattern(
        "P7",
        "Scarcity induces thrift",
        "efficiency of Chinese over American labs, 2025",
        "ratio",
        thrift,
        HISTORY,
        NO_CONTROLS,
        ("behaviour.thrift=off", "behaviour.rebound=off"),
        1,
        ("scarcity_thrift_share", "diffusion_years", "efficiency_growth_per_year"),
    ),
    Pattern(
        "P8",
        "Import substitution",
        "domestic share of cards, 2024-25",
        "share",
        domestic_share,
        Setting("history", (NO_MANDATE,)),
        NO_CONTROLS,
        ("behaviour.substitution=off", "behaviour.learning=off"),
        1,
        ("domestic_preference", "domestic_packaging_max_cards", "other_domestic_growth_per_year"),
    ),
    Pattern(
        "P9",
        "China's share falls while sales rise",
        "log Nvidia sales to China FY25 over FY23, where the share fell",
        "log ratio",
        china_sales_growth,
        HISTORY,
        NO_CONTROLS,
        ("behaviour.redesign=off",),
        1,
        ("china_capacity_share", "board_volume_weeks"),
        alone=0.0,
    ),
    Pattern(
        "P10",
        "Military users by the same side doors",
        "log weeks of a listed user to the target, 2024-25",
        "log weeks",
        military_reach,
        Setting("enforcement-x5", CLOUD_CLOSED),
        HISTORY,
        ("behaviour.diversion=off", "behaviour.rental=off"),
        1,
        ("front_share", "screening_share", "reach_flow_share", "reach_lease_share_per_week", "military_target_h100e"),
        alone=0.0,
    ),
)
BY_ID = {pattern.id: pattern for pattern in PATTERNS}

MATRIX: dict[str, dict[str, str]] = {
    "P1": {"redesign": "falls", "thrift": "stays", "rental": "stays", "diversion": "stays"},
    "P3": {"commitments": "falls", "thrift": "stays", "diversion": "stays"},
    "P4": {"stockpiling": "falls"},
    "P5": {"diversion": "falls", "thrift": "stays", "enforcement": "rises"},
    "P7": {"thrift": "falls", "commitments": "stays", "enforcement": "stays"},
    "P8": {"substitution": "falls", "thrift": "stays"},
    "P9": {"redesign": "falls", "thrift": "stays", "enforcement": "stays"},
}
"""Pattern x mechanism: what switching a mechanism off does to the pattern's observable in `history`. falls, rises: by more than
a fifth; stays: within a fifth. Cells that are not named may do either."""
