"""Facts: what was observed, as data. A file of facts says for each what to read off a run, the band it should lie in, and
where the figure came from; any file of this form is scored without touching code.

    facts:
      N06:
        title: H20 units shipped to China in 2024
        tag: emerges                     given | emerges | not_scored (the last two with a reason)
        observation: {observable: units_delivered, filters: {chip: H20, region: CN, basis: customer_hq}, window: 2024, scale: 1e6}
        low: 0.8, central: 0.96, high: 1.2, unit: million units
        band: source                     source (a published interval) | analyst | none (a point)
        group: epoch_revenue_model       facts that stand on one origin count as one group
        confidence: medium               high | medium | low
        mechanism: redesign              what the model without is a rival (see RIVALS in experiments.scoring)
        earlier: {2022: 0.1, 2023: 0.3}  the same figure before, by window: what naive rivals know

`docs/validation.md` lists every statistic. Raises ScenarioError with every fault of a file: file, line, what was read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from sim.clock import Clock
from sim.errors import Fault, ScenarioError, UsageError, nearest
from sim.metrics import METRICS, metrics
from sim.panel import Panel
from sim.quantity import Day, fault, shown
from sim.record import EVENT_KINDS, Event
from sim.scenario_io import SUFFIXES, merged, read_layers, shipped_folder

Statistic = Literal["sum", "last", "mean", "max", "min", "ratio", "change", "growth", "share", "total", "order", "date_of_first",
                    "days_between", "count"]
PLAIN = ("sum", "last", "mean", "max", "min")
"""Statistics over the weeks of one window; without any, weeks combine as the observable declares."""

EVENT_FIELDS = ("actor", "chip", "other", "rule", "text")
DAYS_PER_YEAR = 365.25
HALF_A_TICK_DAYS = 3.5


class Readable(Protocol):
    """What a fact is read off: a `sim.results.Result`, or a stand-in with the same words."""

    @property
    def clock(self) -> Clock: ...

    @property
    def events(self) -> list[Event]: ...

    def panel(self, name: str) -> Panel: ...


def _window(said: Any) -> Any:
    return str(said) if isinstance(said, int) and not isinstance(said, bool) else said


def _labels(said: Any) -> Any:
    if not isinstance(said, Mapping):
        return said
    return {dim: labels if isinstance(labels, list) else [labels] for dim, labels in said.items()}


Window = Annotated[str, BeforeValidator(_window)]
Filters = Annotated[dict[str, list[str]], BeforeValidator(_labels)]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Observation(_Data):
    """How one number is read off a run.

    observable  a metric of sim.metrics, or with `event` instead a kind of event.
    filters     labels by dimension of the metric (of an event: actor, chip, other, rule, text); series that pass count as one.
    window      week, month, calendar or fiscal quarter, half, year, or two days; all weeks when empty.
    statistic   see Statistic; of: what is divided, added or timed; over: what it is divided by.
    since       change, growth: the window compared with. among: share: the filters of the whole.
    windows     order: the windows in which the figure should be rising or falling (`direction`).
    across      how series combine where not as the metric declares: max for the best of several labs.
    scale       the reading is divided by it, so that it is in the fact's unit.
    """

    statistic: Statistic | None = None
    observable: str = ""
    event: str = ""
    filters: Filters = {}
    window: Window = ""
    since: Window = ""
    windows: list[Window] = []
    direction: Literal["rising", "falling"] = "rising"
    among: Filters = {}
    across: Literal["sum", "mean", "max", "min", "median"] | None = None
    above: float | None = None
    day: Day | None = None
    of: Observation | None = None
    over: Observation | None = None
    terms: list[Observation] = []
    scale: float = 1.0

    @model_validator(mode="after")
    def _whole(self) -> Observation:
        if not self.scale:
            raise fault("scale is 0", "write what the reading is divided by, such as 1e9", ("scale",))
        for key, wanted in _NEEDS.get(self.statistic or "", ()):
            if not getattr(self, key):
                raise fault(f"the statistic {self.statistic} has no {key}", f"write {key}: {wanted}")
        if self.statistic in _COMPOSED or self.day is not None:
            return self
        if bool(self.observable) == bool(self.event):
            raise fault("names no observable" if not self.event else "names an observable and an event",
                        "write observable: NAME, or event: KIND")
        if self.event and self.statistic not in ("date_of_first", "count"):
            raise fault(f"the statistic {self.statistic or 'of weeks'} does not go with an event",
                        "write date_of_first or count")
        self._known()
        return self

    def _known(self) -> None:
        """Every name that can be checked without a run; raises a fault."""
        if self.event:
            if self.event not in EVENT_KINDS:
                raise fault(f'"{self.event}" is no kind of event', nearest(self.event, sorted(EVENT_KINDS)), ("event",))
            dims: tuple[str, ...] = EVENT_FIELDS
        else:
            names = [metric.name for metric in metrics()]
            if self.observable not in names:
                raise fault(f'"{self.observable}" is no observable', nearest(self.observable, names), ("observable",))
            dims = METRICS[self.observable].dims
        for key in ("filters", "among"):
            for dim in getattr(self, key):
                if dim not in dims:
                    wanted = nearest(dim, list(dims)) if dims else "leave filters out; it has no dimension"
                    raise fault(f'{self.observable or self.event} has no filter "{dim}"', wanted, (key, dim))

    @property
    def parts(self) -> tuple[Observation, ...]:
        """The observations this one is made of."""
        return tuple(part for part in (self.of, self.over, *self.terms) if part is not None)

    def leaves(self, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Observation]]:
        """Itself and every part, each with where it stands."""
        yield at, self
        for key in ("of", "over"):
            part = getattr(self, key)
            if part is not None:
                yield from part.leaves((*at, key))
        for row, part in enumerate(self.terms):
            yield from part.leaves((*at, "terms", str(row)))

    @property
    def is_duration(self) -> bool:
        return self.statistic == "days_between"

    def read(self, run: Readable) -> float:
        """The number, in the fact's unit; NaN where the run has none. Raises UsageError for an unknown window."""
        try:
            return _READERS.get(self.statistic or "", _plain)(self, run) / self.scale
        except (KeyError, ValueError) as error:
            raise UsageError(f"{self.observable or self.event}: {error.args[0]}") from error


_COMPOSED = ("ratio", "total", "days_between")
_NEEDS: dict[str, tuple[tuple[str, str], ...]] = {
    "ratio": (("of", "{observable: ...}"), ("over", "{observable: ...}")),
    "change": (("window", "2024"), ("since", "2023")),
    "growth": (("window", "2024"), ("since", "2023")),
    "share": (("filters", "{chip: H20}"),),
    "total": (("terms", "[{observable: ...}, ...]"),),
    "order": (("windows", "[2023, 2024]"),),
    "days_between": (("of", "{day: 2022-10-07}"), ("over", "{event: redesign_announced, statistic: date_of_first}")),
}


class Dated(_Data):
    """One member of a sequence: its own window and band."""

    window: Window
    low: float
    central: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> Dated:
        _check_band(self.low, self.central, self.high)
        return self


class Fact(_Data):
    """One observed fact; see the head of this file. `sequence`: dated members, all of which must pass, and whose order the
    observation states."""

    title: str
    tag: Literal["given", "emerges", "not_scored"]
    reason: str = ""
    observation: Observation | None = None
    sequence: list[Dated] = []
    low: float
    central: float
    high: float
    unit: str
    period: str = ""
    band: Literal["source", "analyst", "none"]
    group: str
    confidence: Literal["high", "medium", "low"]
    mechanism: str = ""
    world: str = ""
    earlier: dict[str, float] = {}
    source: str
    evidence: str = ""
    topic: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Fact:
        _check_band(self.low, self.central, self.high)
        if self.tag != "emerges" and not self.reason:
            raise fault(f"a fact tagged {self.tag} says no reason", "write reason: why the model cannot earn it")
        if self.tag == "emerges" and self.observation is None:
            raise fault("a fact tagged emerges has no observation", "write observation: {observable: ...}")
        if self.sequence and (self.observation is None or self.observation.statistic != "order"):
            raise fault("a sequence has no order", "write observation: {statistic: order, windows: [...]}")
        return self

    @cached_property
    def readings(self) -> tuple[Observation, ...]:
        """What to read: the observation; of a sequence each dated member, then the order."""
        if self.observation is None:
            return ()
        dated = [self.observation.model_copy(update={"statistic": None, "window": item.window, "windows": []})
                 for item in self.sequence]
        return (*dated, self.observation)


def _check_band(low: float, central: float, high: float) -> None:
    if not low <= central <= high:
        raise fault(f"{low:g}, {central:g}, {high:g} are not in order", "write low <= central <= high")


class FactFile(_Data):
    """A file of facts."""

    schema_: int = Field(1, alias="schema")
    title: str = ""
    summary: str = ""
    facts: dict[str, Fact] = Field(min_length=1)


@dataclass(frozen=True)
class Facts:
    """A file of facts as read: its facts by id, and the line of every key for messages."""

    file: str
    facts: Mapping[str, Fact]
    line: Callable[[tuple[str, ...]], int]

    def check_labels(self, labels: Mapping[str, tuple[str, ...]], clock: Clock, ids: list[str]) -> None:
        """Raises ScenarioError for every filter label and window that a world does not know. `labels` by dimension."""
        faults = [found for name in ids for found in self._faults_of(name, labels, clock)]
        if faults:
            raise ScenarioError(faults)

    def _faults_of(self, name: str, labels: Mapping[str, tuple[str, ...]], clock: Clock) -> Iterator[Fault]:
        observation = self.facts[name].observation
        for at, part in observation.leaves() if observation else ():
            where = ("facts", name, "observation", *at)
            for key in ("filters", "among"):
                for dim, wanted in getattr(part, key).items():
                    for label in wanted:
                        if dim in labels and label not in labels[dim]:
                            yield self._fault((*where, key, dim), f'this world has no {dim} "{label}"',
                                              nearest(label, sorted(labels[dim])))
            for window in (part.window, part.since, *part.windows):
                try:
                    clock.span(window) if window else None
                except ValueError as error:
                    yield self._fault((*where, "window"), str(error), "")

    def _fault(self, at: tuple[str, ...], said: str, wanted: str) -> Fault:
        return Fault(self.file, _nearest_line(self.line, at), ".".join(at), said, wanted)


def read_facts(said: str) -> Facts:
    """The facts of a path, or of a shipped name such as `open`. Raises ScenarioError, UsageError."""
    shipped = shipped_folder() / "facts"
    known = sorted(file.stem for file in shipped.glob("*.yaml"))
    path = Path(said) if Path(said).suffix in SUFFIXES else shipped / f"{said}.yaml"
    if not path.is_file():
        raise UsageError(f'no facts "{said}"; {nearest(said, known)}; or write the path of a file')
    layers = read_layers(path)
    lines = layers[-1]
    try:
        return Facts(lines.file, FactFile.model_validate(merged(layers)).facts, lines.line)
    except ValidationError as error:
        raise ScenarioError(list(dict.fromkeys(_fault_of(lines.file, lines.line, item) for item in error.errors()))) from None


def _fault_of(file: str, line: Callable[[tuple[str, ...]], int], item: Any) -> Fault:
    context = item.get("ctx", {})
    at = (*(str(part) for part in item["loc"]), *(str(part) for part in context.get("at", ())))
    key = ".".join(at) or "the file"
    where = _nearest_line(line, at)
    if item["type"] == "fault":
        return Fault(file, where, key, str(context["said"]), str(context["wanted"]))
    if item["type"] == "extra_forbidden":
        return Fault(file, where, key, "is no key here", nearest(at[-1], _keys_at(at)))
    if item["type"] == "missing":
        return Fault(file, where, key, "is missing", f"write {at[-1]}: ...")
    wanted = str(item["msg"])
    return Fault(file, where, key, f"{shown(item['input'])} does not do", wanted[:1].lower() + wanted[1:])


def _keys_at(at: tuple[str, ...]) -> list[str]:
    model: type[BaseModel] = FactFile if len(at) == 1 else Fact if len(at) == 3 else Dated if "sequence" in at else Observation
    return [field.alias or name for name, field in model.model_fields.items()]


def _nearest_line(line: Callable[[tuple[str, ...]], int], at: tuple[str, ...]) -> int:
    return next((found for end in range(len(at), 0, -1) if (found := line(at[:end]))), 1)


# --- reading ----------------------------------------------------------------------------------------------------------


_COMBINED: Mapping[str, Any] = {"sum": np.nansum, "mean": np.nanmean, "max": np.nanmax, "min": np.nanmin, "median": np.nanmedian}
"""How the series of several keys become one, each week that any of them is known."""


def _series(panel: Panel, across: str | None) -> NDArray[np.float64]:
    """The chosen series as one, (n_ticks,)."""
    if across is None or not panel.keys:
        return panel.total()
    known = ~np.isnan(panel.values).all(axis=0)
    combined = np.full(panel.values.shape[1], np.nan)
    combined[known] = _COMBINED[across](panel.values[:, known], axis=0)
    return combined


def _plain(said: Observation, run: Readable) -> float:
    return _over(said, run, said.window, said.filters)


def _over(said: Observation, run: Readable, window: str, filters: Mapping[str, list[str]]) -> float:
    """One window of one observable; NaN when no week of the window is in the run."""
    panel = run.panel(said.observable).select(**dict(filters))
    weights = run.clock.window(window) if window else np.ones(run.clock.n_ticks)
    inside = weights > 0
    if not inside.any() or _beyond(run.clock, window):
        return float("nan")
    if said.across is None and said.statistic in (None, "ratio", "change", "growth", "share", "order", "sum"):
        if not panel.keys:
            return float("nan") if panel.over_time == "mean" and said.statistic != "sum" else 0.0
        whole = panel.by()
        if said.statistic == "sum" and whole.base is not None:
            part = whole.base[0, inside] * weights[inside]
            return float(np.nansum(whole.values[0, inside] * part))
        return float(whole.over(weights)[0])
    series = _series(panel, said.across)[inside]
    share = weights[inside]
    known = ~np.isnan(series)
    if not known.any():
        return float("nan")
    series, share = series[known], share[known]
    by = said.statistic if said.statistic in PLAIN else panel.over_time
    if by == "last":
        return float(series[-1])
    if by in ("max", "min"):
        return float(series.max() if by == "max" else series.min())
    total = float((series * share).sum())
    return total if by == "sum" else total / float(share.sum())


def _beyond(clock: Clock, window: str) -> bool:
    """Whether a window reaches out of the run by more than the days that weeks cannot match."""
    if not window:
        return False
    first, after = clock.span(window)
    slack = timedelta(days=6)
    return first < clock.start - slack or after > clock.end + slack


def _divided(part: float, whole: float) -> float:
    return part / whole if whole and not np.isnan(whole) else float("nan")


def _ratio(said: Observation, run: Readable) -> float:
    assert said.of is not None and said.over is not None
    return _divided(said.of.read(run), said.over.read(run))


def _change(said: Observation, run: Readable) -> float:
    """Share by which the figure moves from one window to the other."""
    before = _over(said, run, said.since, said.filters)
    return _divided(_over(said, run, said.window, said.filters) - before, before)


def _growth(said: Observation, run: Readable) -> float:
    """Factor a year between the middles of two windows; of a figure in logs the power of ten."""
    before, after = (_over(said, run, window, said.filters) for window in (said.since, said.window))
    years = (_middle(run.clock, said.window) - _middle(run.clock, said.since)).days / DAYS_PER_YEAR
    if METRICS[said.observable].unit.startswith("log10"):
        return float(10.0 ** ((after - before) / years))
    ratio = _divided(after, before)
    return float(ratio ** (1.0 / years)) if ratio > 0 else float("nan")


def _middle(clock: Clock, window: str) -> date:
    first, after = clock.span(window)
    return first + (after - first) / 2


def _share(said: Observation, run: Readable) -> float:
    """The chosen series over those that pass `among`."""
    part, whole = (_over(said, run, said.window, filters) for filters in (said.filters, said.among))
    return _divided(part, whole)


def _total(said: Observation, run: Readable) -> float:
    return float(sum(term.read(run) for term in said.terms))


def _order(said: Observation, run: Readable) -> float:
    """1 when the figure moves the stated way from each window to the next, else 0."""
    values = [_over(said, run, window, said.filters) for window in said.windows]
    steps = np.diff(values) if said.direction == "rising" else -np.diff(values)
    return float((steps > 0).all()) if not np.isnan(values).any() else float("nan")


def _date_of_first(said: Observation, run: Readable) -> float:
    """Day (proleptic ordinal) of the week of the first event, or of the first week in which the figure is over `above`."""
    if said.day is not None:
        return float(said.day.toordinal())
    ticks = _ticks(said, run)
    return float(run.clock.date_of(ticks[0]).toordinal()) if ticks else float("nan")


def _days_between(said: Observation, run: Readable) -> float:
    """Days from `of` to `over`, each a given day or the first of a kind of event."""
    assert said.of is not None and said.over is not None
    return _date_of_first(said.over, run) - _date_of_first(said.of, run)


def _count(said: Observation, run: Readable) -> float:
    """Weeks of the window with such an event: parts told in one week are one wave."""
    return float(len(_ticks(said, run)))


def _ticks(said: Observation, run: Readable) -> list[int]:
    weights = run.clock.window(said.window) if said.window else np.ones(run.clock.n_ticks)
    if said.event:
        ticks = {event.tick for event in run.events if event.kind == said.event
                 and all(getattr(event, dim) in labels for dim, labels in said.filters.items())}
    else:
        series = _series(run.panel(said.observable).select(**dict(said.filters)), said.across)
        ticks = set(np.flatnonzero(np.nan_to_num(series) > (said.above or 0.0)).tolist())
    return sorted(tick for tick in ticks if 0 <= tick < run.clock.n_ticks and weights[tick] > 0)


_READERS: dict[str, Callable[[Observation, Readable], float]] = {
    "ratio": _ratio, "change": _change, "growth": _growth, "share": _share, "total": _total, "order": _order,
    "date_of_first": _date_of_first, "days_between": _days_between, "count": _count,
}
