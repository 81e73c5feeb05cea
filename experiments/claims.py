"""Claims: what the model says of each claim of the article this project grew from, with intervals, and what would flip it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np

import sim
from experiments.pairing import Interval, bootstrap
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
from sim.results import Result

RETROACTIVE = Setting("retroactive")


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
    """A claim with its figures over seeds."""

    claim: Claim
    values: tuple[Interval, ...]

    @property
    def verdict(self) -> str:
        """By the interval of the first figure against the range in which the claim holds."""
        first, (low, high) = self.values[0], self.claim.claimed
        if math.isnan(first.value):
            return "The model cannot say."
        if first.low >= low and first.high <= high:
            return "Holds in the model."
        if first.high < low or first.low > high:
            return "Does not hold in the model."
        return "Undecided: the interval crosses the claim's edge."


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
        "Labs plan to grow training threefold a year; cards fail at 5% a year.",
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
        "Both hold at once: a protected home market and a longer lag do not exclude each other.",
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


def answers(seeds: Sequence[int], workers: int = 1, told: Callable[[int, int], None] | None = None) -> list[Answer]:
    """Every claim's figures over seeds, each world run once a seed."""
    figures = [figure for claim in CLAIMS for figure in claim.figures]
    worlds = dict.fromkeys(world for figure in figures for world in (figure.world, figure.minus) if world)
    jobs = [(world, seed) for world in worlds for seed in seeds]
    if workers > 1:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            read = dict(zip(jobs, pool.map(_read, jobs), strict=True))
    else:
        read = {}
        for done, job in enumerate(jobs, 1):
            read[job] = _read(job)
            if told:
                told(done, len(jobs))

    def value(figure: Figure) -> Interval:
        name = figures.index(figure)
        column = np.array([read[figure.world, seed][name] for seed in seeds])
        if figure.minus:
            column = column - np.array([read[figure.minus, seed][name] for seed in seeds])
        return bootstrap(column)

    return [Answer(claim, tuple(value(figure) for figure in claim.figures)) for claim in CLAIMS]


def _read(job: tuple[Setting, int]) -> list[float]:
    """Every figure that one run can give, in order of the claims; NaN where it belongs to other worlds."""
    world, seed = job
    result = sim.run(sim.load(world.scenario, world.overrides), seed)
    figures = [figure for claim in CLAIMS for figure in claim.figures]
    return [float(figure.of(result)) if world in (figure.world, figure.minus) else math.nan for figure in figures]


def page(found: Sequence[Answer], seeds: Sequence[int]) -> str:
    """docs/claims.md."""
    lines = [
        "# What the model says of the claims this project began with",
        "",
        "The project grew from an article of April 2025 on American chip export policy. Each of its claims is put to the model.",
        f"Figures are means over {len(seeds)} paired seeds with 95% intervals over those seeds: they tell the luck of a run",
        "and not the doubt about parameters, which is larger (`chokepoint sensitivity`). `chokepoint claims` makes the page from",
        "runs of the shipped scenarios: figures and verdicts are computed, the notes below them are ours.",
        "",
    ]
    for number, answer in enumerate(found, 1):
        lines += [
            f"## {number}. {answer.claim.said}",
            "",
            f"**{answer.verdict}**",
            "",
            "| figure | value | 95% interval | unit |",
            "|---|---|---|---|",
        ]
        for figure, value in zip(answer.claim.figures, answer.values, strict=True):
            lines.append(
                f"| {figure.label} | {_said(value.value)} | {_said(value.low)} to {_said(value.high)} | {figure.unit} |"
            )
        lines += [
            "",
            f"*Under which assumptions.* {answer.claim.assumes}",
            "",
            f"*What would flip it.* {answer.claim.flips}",
            "",
        ]
    return "\n".join(lines)


def _said(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
