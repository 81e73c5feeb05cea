"""Claims: what the model says of each claim of the article this project grew from, with intervals, and what would flip it.

A claim is a range for its first figure. Every seed takes its draw of the posterior, so the share of seeds in which the figure lies
inside says how far luck and doubt about parameters leave the claim standing. At the posterior's centre the same figure is read
under each other clearing and with influential parameters at the ends of their ranges: where it leaves the range or enters it, the
claim flips.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

import sim
from experiments.odd import table
from experiments.pairing import Interval
from experiments.patterns import (
    HISTORY,
    NO_CONTROLS,
    Setting,
    domestic_share,
    found_cuts,
    mean_of,
    runway_after,
    stranded,
    thrift,
    window_of,
)
from experiments.workers import each, unheard
from sim.results import Result

RETROACTIVE = Setting("retroactive")
CLEARINGS = (("clearing=posted_price",), ("clearing=equilibrium",))
HOLDING_SHARE = 0.9
"""Part of the runs in which a claim must hold to hold in the model; where it holds in at most the rest, it does not."""
SPREAD = (0.05, 0.5, 0.95)

Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Figure:
    """One number of a claim: `of` in a world, less the same in another where `minus` names one."""

    label: str
    unit: str
    of: Callable[[Result], float]
    world: Setting = HISTORY
    minus: Setting | None = None


@dataclass(frozen=True)
class Claim:
    """One claim. claimed: the range of the first figure in which it holds; flips: figures of worlds that would flip it."""

    said: str
    figures: tuple[Figure, ...]
    claimed: tuple[float, float]
    assumes: str
    flips: str


@dataclass(frozen=True)
class Answer:
    """A claim with its figures over seeds. spreads: median and 90% of the runs of each; holds: of how many runs that can say the
    first figure lies where the claim puts it."""

    claim: Claim
    spreads: tuple[Interval, ...]
    holds: tuple[int, int]

    @property
    def verdict(self) -> str:
        """By the share of runs in which the claim holds."""
        holds, runs = self.holds
        if not runs:
            return "The model cannot say."
        said = f"in {holds} of {runs} runs"
        if holds >= HOLDING_SHARE * runs:
            return f"Holds in the model, {said}."
        if runs - holds >= HOLDING_SHARE * runs:
            return f"Does not hold in the model: {said}."
        return f"Undecided: it holds {said}."


@dataclass(frozen=True)
class Flip:
    """One departure from the model's centre: the settings, and every claim's first figure with whether the claim then holds."""

    settings: tuple[str, ...]
    values: tuple[float, ...]
    holds: tuple[bool, ...]


def guided(result: Result) -> float:
    """Charge guided in 2025Q2, USD bn."""
    return window_of(result, "writedown_guided_usd", "2025Q2", vendor="nvidia") / 1e9


def price_fall(result: Result) -> float:
    """Announcement return of Nvidia in April 2025, percent."""
    return 100.0 * window_of(result, "announcement_return", "2025-04-07..2025-05-04", vendor="nvidia")


def parts_sold(result: Result) -> float:
    """A800, H800 and H20 delivered in China to April 2025, thousands."""
    return (
        window_of(
            result,
            "units_delivered",
            "2022-10-01..2025-04-30",
            chip=["A800", "H800", "H20"],
            region="CN",
            basis="customer_hq",
        )
        / 1e3
    )


def h800_held(result: Result) -> float:
    """H800 delivered in China to October 2023, thousands."""
    return (
        window_of(result, "units_delivered", "2022-10-01..2023-10-31", chip="H800", region="CN", basis="customer_hq")
        / 1e3
    )


def runway_months(result: Result) -> float:
    """Months of training that Chinese labs' stock carries, 2023Q4."""
    return runway_after(result) / 4.345


def grey_sales(result: Result) -> float:
    """Paid for smuggled chips, 2022-10 to 2025-04, USD bn."""
    units = result.panel("smuggled_chips").by("chip")
    price = result.panel("grey_price_usd").by("chip")
    weights = result.clock.window("2022-10-01..2025-04-30")
    paid = dict(zip((key[0] for key in price.keys), price.over(weights), strict=True))
    sold = dict(zip((key[0] for key in units.keys), units.over(weights), strict=True))
    return float(np.nansum([chips * paid.get(chip, np.nan) for chip, chips in sold.items()])) / 1e9


def smuggled_chips(result: Result) -> float:
    """Chips moved past the rules, October 2023 to 2025, thousands."""
    return window_of(result, "smuggled_chips", "2023-10-16..2025-12-31") / 1e3


def rented_abroad(result: Result) -> float:
    """H100-equivalents that Chinese labs rent abroad, end of 2024, thousands."""
    return window_of(result, "stock_h100e", "2024", channel="rented", region="CN") / 1e3


def training_inside(result: Result) -> float:
    """Training compute of Chinese labs at the end of 2024, thousand H100 weights."""
    return window_of(result, "training_compute", "2024", region="CN") / 1e3


def independence(result: Result) -> float:
    """Part of China's new compute no foreign decree can revoke, 2025, percent."""
    return 100.0 * mean_of(result, "independence_index", "2025")


def share_percent(result: Result) -> float:
    """Domestic part of AI cards, 2024-25, percent."""
    return 100.0 * domestic_share(result)


def lag(result: Result) -> float:
    """Months the best Chinese lab trails, mean of 2025."""
    return mean_of(result, "lag_months", "2025")


def listed_weeks(result: Result) -> float:
    """Weeks a listed user needs to reach the target compute, 2024-25."""
    return mean_of(result, "military_access_weeks", "2024-01-01..2025-12-31", user="listed")


CLAIMS = (
    Claim(
        "The licence requirement of April 2025 costs Nvidia 5.5 bn USD, and the share falls more than 6%.",
        (
            Figure("charge guided", "bn USD", guided),
            Figure("fall of the share on the day", "%", price_fall),
            Figure("charge and lost sales within a year", "bn USD", stranded),
            Figure(
                "the same with 26 weeks' grace",
                "bn USD",
                stranded,
                Setting("history", ("rules.LETTER_H20_2025.since=2025-10-08",)),
            ),
        ),
        (4.5, 6.5),
        "Stage costs of 30, 30 and 40 per cent, convertible shares of stock (assumptions, `behaviour.convertible_*`), four "
        "weeks to title; guidance books nothing as convertible.",
        "Grace, or making on order: goods that can still ship are not written down.",
    ),
    Claim(
        "After each round the vendor designed the best part still allowed and sold a great many of it.",
        (
            Figure(
                "marks of the record that endogenous designs meet, of 3",
                "marks",
                found_cuts,
                Setting("history-endogenous-redesign"),
            ),
            Figure("A800, H800 and H20 delivered to April 2025", "thousand", parts_sold),
        ),
        (2.0, 3.0),
        "Vendors know the buyers' split between uses up to an error and search a grid of cuts; price and margin decide.",
        "A line through several numbers at once (computing, density, links and memory) leaves cuts that hardly sell.",
    ),
    Claim(
        "Before the ban of October 2023 Chinese firms had more than 100,000 H800.",
        (Figure("H800 delivered to the end of October 2023", "thousand", h800_held),),
        (100.0, math.inf),
        "Stockpiling on reports of the coming rule, financed by ordering ahead of budgets.",
        "Slower bookings for the new part, or reports that came later (`no-grace-no-leaks`).",
    ),
    Claim(
        "That stock carried training on for about 12 to 18 months.",
        (
            Figure("months of planned training that stock carries, 2023Q4", "months", runway_months),
            Figure(
                "the same without stockpiling",
                "months",
                runway_months,
                Setting("history", ("behaviour.stockpiling=off",)),
            ),
        ),
        (12.0, 18.0),
        "Labs plan to grow training by `behaviour.plan_growth_training_per_year` (fitted); cards fail at 5% a year.",
        "A faster plan: the months fall with the logarithm of its growth.",
    ),
    Claim(
        "Controls without retroactive enforcement made a 5 bn USD grey market for pre-ban stock.",
        (
            Figure("paid for smuggled chips, October 2022 to April 2025", "bn USD", grey_sales),
            Figure("retroactive rule: change of chips smuggled", "thousand", smuggled_chips, RETROACTIVE, HISTORY),
            Figure(
                "retroactive rule: change of compute rented abroad, end of 2024",
                "thousand H100e",
                rented_abroad,
                RETROACTIVE,
                HISTORY,
            ),
            Figure(
                "retroactive rule: change of training compute inside China, end of 2024",
                "thousand H100 weights",
                training_inside,
                RETROACTIVE,
                HISTORY,
            ),
        ),
        (4.0, 6.0),
        "The figure has no independent source. What is smuggled in the model is new: bought abroad and carried in. A "
        "retroactive rule ends support in China and leases in allied and hub places; nothing lifts a chip out of a Chinese hall.",
        "It would take buy-back at a price above what owners can earn with the chips, or spares that cannot be had elsewhere.",
    ),
    Claim(
        "The controls pushed China towards its own chips: independence rather than delay.",
        (
            Figure("domestic part of cards, controls less none", "points", share_percent, HISTORY, NO_CONTROLS),
            Figure(
                "part of new compute no foreign decree can revoke, controls less none",
                "points",
                independence,
                HISTORY,
                NO_CONTROLS,
            ),
            Figure("lag of the best lab, controls less none", "months", lag, HISTORY, NO_CONTROLS),
        ),
        (1.0, math.inf),
        "Domestic makers are held back by dies, yield, packaging and later memory, whatever is demanded.",
        "A protected home market and a longer lag are two questions; the last row answers the second.",
    ),
    Claim(
        "Scarcity shifted effort to efficiency.",
        (
            Figure(
                "efficiency of Chinese over American labs, 2025, controls less none",
                "ratio",
                thrift,
                HISTORY,
                NO_CONTROLS,
            ),
        ),
        (1e-6, math.inf),
        "Thrift grows with the logarithm of the shortfall (`behaviour.scarcity_thrift_share`, an assumption).",
        "With `behaviour.thrift` off the difference is gone: the claim rests on that one mechanism.",
    ),
    Claim(
        "The measures keep chips from military users; yet military systems get their compute.",
        (
            Figure("weeks a listed user needs to 5,000 H100e, 2024-25", "weeks", listed_weeks),
            Figure("the same with five times the enforcement", "weeks", listed_weeks, Setting("enforcement-x5")),
        ),
        (0.0, 26.0),
        "Idle domestic hours, fronts and grey goods reach listed users; needs are small beside national stock.",
        "Screening of domestic hours, which no foreign rule can order.",
    ),
    Claim(
        "China is a fast follower: each milestone arrives sooner than the controls' authors expected.",
        (
            Figure("lag of the best lab, mean of 2025", "months", lag),
            Figure("the same without controls", "months", lag, NO_CONTROLS),
        ),
        (0.0, 15.0),
        "Lag by effective training compute of the best published run; ideas diffuse in a year and a half.",
        "Slower diffusion of methods; the controls do not touch it.",
    ),
)


FIGURES = tuple(figure for claim in CLAIMS for figure in claim.figures)


class Job(NamedTuple):
    """A world to run for the figures that it gives, with the seed's draw of the posterior or at its centre."""

    world: Setting
    seed: int
    drawn: bool


Read = Mapping[Job, Sequence[float]]


def answers(seeds: Sequence[int], workers: int = 1, told: Told = unheard) -> list[Answer]:
    """Every claim's figures over seeds, each with its draw, each world run once a seed."""
    jobs = [Job(world, seed, True) for world in _worlds(FIGURES) for seed in seeds]
    read = dict(zip(jobs, each(_read, jobs, workers, told), strict=True))

    def column(figure: Figure) -> list[float]:
        return [_value(figure, read, seed, (), True) for seed in seeds]

    found = []
    for claim in CLAIMS:
        known = [value for value in column(claim.figures[0]) if not math.isnan(value)]
        found.append(Answer(claim, tuple(_spread(column(figure)) for figure in claim.figures),
                            (sum(_inside(claim, value) for value in known), len(known))))
    return found


def flips(departures: Sequence[tuple[str, ...]], seed: int, workers: int = 1, told: Told = unheard) -> list[Flip]:
    """Every claim's first figure at the posterior's centre (first) and under each departure from it, on one seed."""
    firsts = [claim.figures[0] for claim in CLAIMS]
    rows = [(), *departures]
    jobs = [Job(world.with_(*row), seed, False) for row in rows for world in _worlds(firsts)]
    read = dict(zip(jobs, each(_read, jobs, workers, told), strict=True))
    found = []
    for row in rows:
        values = tuple(_value(figure, read, seed, row, False) for figure in firsts)
        found.append(Flip(row, values, tuple(_inside(claim, value) for claim, value in zip(CLAIMS, values, strict=True))))
    return found


def _worlds(figures: Sequence[Figure]) -> list[Setting]:
    return list(dict.fromkeys(world for figure in figures for world in (figure.world, figure.minus) if world))


def _value(figure: Figure, read: Read, seed: int, settings: tuple[str, ...], drawn: bool) -> float:
    row = FIGURES.index(figure)
    less = read[Job(figure.minus.with_(*settings), seed, drawn)][row] if figure.minus else 0.0
    return read[Job(figure.world.with_(*settings), seed, drawn)][row] - less


def _inside(claim: Claim, value: float) -> bool:
    low, high = claim.claimed
    return low <= value <= high


def _spread(values: Sequence[float]) -> Interval:
    """Median and 90% of the values that are known."""
    known = [value for value in values if not math.isnan(value)]
    low, middle, high = np.quantile(known, SPREAD) if known else (math.nan,) * 3
    return Interval(float(middle), float(low), float(high), len(known))


def _read(world: Setting, seed: int, drawn: bool) -> list[float]:
    """Every figure of the run, in order of FIGURES; what a world has nothing of is NaN or 0."""
    settings = sim.load(world.scenario, world.overrides).posterior.settings(seed) if drawn else ()
    result = sim.run(sim.load(world.scenario, (*settings, *world.overrides)), seed)
    return [float(figure.of(result)) for figure in FIGURES]


def page(found: Sequence[Answer], flipped: Sequence[Flip], seeds: Sequence[int]) -> str:
    """docs/claims.md."""
    return "\n".join([
        "# What the model says of the claims this project began with",
        "",
        "The project grew from an article of April 2025 on American chip export policy. Each of its claims is put to the model.",
        f"Figures are medians over {len(seeds)} paired seeds, each with its draw of the posterior, and what 90% of the runs lie",
        "between: luck and doubt about fitted parameters, not faults of structure. `chokepoint claims` makes the page from runs of",
        "the shipped scenarios: figures, verdicts and the last table are computed, the notes below each claim are ours.",
        "",
        *(line for number, answer in enumerate(found, 1) for line in _section(number, answer)),
        *_flip_lines(flipped),
    ])


def _section(number: int, answer: Answer) -> list[str]:
    rows = [(figure.label, _said(value.value), f"{_said(value.low)} to {_said(value.high)}", figure.unit)
            for figure, value in zip(answer.claim.figures, answer.spreads, strict=True)]
    low, high = answer.claim.claimed
    return [
        f"## {number}. {answer.claim.said}",
        "",
        f"**{answer.verdict}** It holds where the first figure is {_range(low, high)}.",
        "",
        table(("figure", "median", "90% of runs", "unit"), rows),
        "",
        f"*Under which assumptions.* {answer.claim.assumes}",
        "",
        f"*What would flip it.* {answer.claim.flips}",
        "",
    ]


def _range(low: float, high: float) -> str:
    return f"at least {_said(low)}" if math.isinf(high) else f"from {_said(low)} to {_said(high)}"


def _flip_lines(flipped: Sequence[Flip]) -> list[str]:
    """Every claim's first figure under each departure; in bold where the claim's answer is another than at the centre."""
    centre = flipped[0]
    rows = [(", ".join(f"`{setting}`" for setting in one.settings) or "the centre",
             *(_cell(*cell) for cell in zip(one.values, one.holds, centre.holds, strict=True))) for one in flipped]
    return [
        "## What flips them",
        "",
        "The first figure of each claim, on one seed at the posterior's centre and with one thing changed: the clearing, or an",
        "influential parameter at an end of its range. A tick says that the claim holds; bold, that the change flips it.",
        "",
        table(("changed", *(f"claim {number}" for number in range(1, len(CLAIMS) + 1))), rows),
    ]


def _cell(value: float, holds: bool, usual: bool) -> str:
    text = f"{_said(value)} {'✓' if holds else '✗'}"
    return f"**{text}**" if holds != usual else text


def _said(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
