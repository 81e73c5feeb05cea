"""Outcome: one number read off a run, written `metric[dim=label]@window:statistic`.

`lag_months@2025`, `smuggled_chips[route=malaysia]@2024Q3`, `lag_months:max`. Without a window the whole run counts;
without a statistic weeks combine as the metric declares (a flow is summed, a stock is its last week's, a price
averaged).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sim.clock import Clock
from sim.errors import UsageError, nearest
from sim.panel import Panel

_FORM = re.compile(
    r"(?P<metric>\w+)(\[(?P<filters>[^\]]*)\])?(@(?P<window>[\w:.-]+?))?(:(?P<statistic>last|max|min|mean|sum))?"
)

_STATISTICS: dict[str, Callable[[NDArray[np.float64]], Any]] = {
    "last": lambda series: series[-1],
    "max": np.max,
    "min": np.min,
    "mean": np.mean,
    "sum": np.sum,
}


class Readable(Protocol):
    """What an outcome is read off: a `sim.results.Result`, or a stand-in with the same two words."""

    @property
    def clock(self) -> Clock: ...

    def panel(self, name: str) -> Panel: ...


@dataclass(frozen=True)
class Outcome:
    """metric, the labels its series must carry, the window and the statistic over its weeks ("" for the metric's
    own)."""

    text: str
    metric: str
    filters: tuple[tuple[str, tuple[str, ...]], ...] = ()
    window: str = ""
    statistic: str = ""

    @classmethod
    def parse(cls, text: str) -> Outcome:
        """Raises UsageError when the text has another form."""
        match = _FORM.fullmatch(text.strip())
        if match is None:
            raise UsageError(
                f'"{text}" is no outcome; write metric[dim=label]@window:statistic, such as lag_months@2025'
            )
        pairs = [part.partition("=") for part in (match["filters"] or "").split(",") if part]
        if any(not mark or not labels for _, mark, labels in pairs):
            raise UsageError(f'"{text}": a filter is written dim=label or dim=label|label')
        filters = tuple((dim.strip(), tuple(labels.strip().split("|"))) for dim, _, labels in pairs)
        return cls(text.strip(), match["metric"], filters, match["window"] or "", match["statistic"] or "")

    @classmethod
    def of(cls, words: Mapping[str, Any]) -> Outcome:
        """From a scenario's entry `{metric, where: {dim: label}, window, statistic}`. Raises UsageError on other
        keys."""
        unknown = sorted(set(words) - {"metric", "where", "window", "statistic", "note", "title"})
        if unknown or "metric" not in words:
            raise UsageError(f"an outcome has metric, where, window and statistic; not {', '.join(unknown) or 'these'}")
        where = ",".join(
            f"{dim}={'|'.join([said] if isinstance(said, str) else said)}"
            for dim, said in words.get("where", {}).items()
        )
        return cls.parse(
            words["metric"]
            + (f"[{where}]" if where else "")
            + (f"@{words['window']}" if words.get("window") else "")
            + (f":{words['statistic']}" if words.get("statistic") else "")
        )

    def check(self, dims: Mapping[str, Sequence[str]], clock: Clock) -> None:
        """Whether runs can answer it, told before one is made. dims: observable -> its dimensions. Raises UsageError on an
        unknown observable, dimension or window, and on a window outside the run."""
        if self.metric not in dims:
            raise UsageError(f'{self.text}: "{self.metric}" is no observable; {nearest(self.metric, sorted(dims))}')
        for dim, _ in self.filters:
            if dim not in dims[self.metric]:
                known = ", ".join(dims[self.metric]) or "none"
                raise UsageError(f'{self.text}: {self.metric} has no dimension "{dim}"; it has: {known}')
        try:
            weeks = clock.window(self.window) if self.window else np.ones(clock.n_ticks)
        except ValueError as error:
            raise UsageError(f"{self.text}: {error}") from error
        if not weeks.any():
            raise UsageError(f"{self.text}: no week of the run, {clock.start} to {clock.end}, lies in {self.window}")

    def check_labels(self, labels: Mapping[str, Sequence[str]]) -> None:
        """Raises UsageError on a label that is none of its dimension's in any world that is run. labels: by dimension; one
        that is not there is not checked."""
        for dim, wanted in self.filters:
            for label in wanted:
                if dim in labels and label not in labels[dim]:
                    raise UsageError(f'{self.text}: no world that is run has a {dim} "{label}"; '
                                     f"{nearest(label, sorted(labels[dim]))}")

    def read(self, result: Readable) -> float:
        """The number; NaN where no week of the window has a value. Raises UsageError on an unknown dimension or
        window."""
        panel = result.panel(self.metric)
        try:
            chosen = panel.select(**{dim: list(labels) for dim, labels in self.filters})
            weights = result.clock.window(self.window) if self.window else np.ones(panel.values.shape[1])
        except (KeyError, ValueError) as error:
            raise UsageError(f"{self.text}: {error.args[0]}") from error
        if not chosen.keys:
            return float("nan") if chosen.over_time == "mean" else 0.0
        if not self.statistic:
            return float(chosen.by().over(weights)[0])
        series = chosen.total()[weights > 0]
        known = series[~np.isnan(series)]
        return float(_STATISTICS[self.statistic](known)) if len(known) else float("nan")
