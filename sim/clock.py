"""Clock: weekly ticks inside, dates outside; windows are half-open [since, until)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

WHOLE_WEEK = 0b1111111
"""Bit d is set when day d (Monday = 0) of the week is open."""

_WEEK = re.compile(r"(\d{4})-W(\d{2})")
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_QUARTER = re.compile(r"(\d{4})Q([1-4])")
_HALF = re.compile(r"(\d{4})H([12])")
_YEAR = re.compile(r"(\d{4})")
_RANGE = re.compile(r"(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})")
_FISCAL = re.compile(r"(?P<vendor>[\w-]+):(?P<label>FY\d{2}(Q[1-4])?)")


@dataclass(frozen=True)
class Clock:
    """Ticks of one run.

    start, end   first day of tick 0 (a Monday) and the first day after the last tick.
    fiscal       vendor -> quarter label ("FY25Q1") -> its last day, from the scenario.
    """

    start: date
    end: date
    fiscal: Mapping[str, Mapping[str, date]] = field(default_factory=dict)

    @property
    def n_ticks(self) -> int:
        return (self.end - self.start).days // 7

    def date_of(self, tick: int) -> date:
        """The Monday on which a tick starts."""
        return self.start + timedelta(weeks=int(tick))

    def tick_of(self, day: date) -> int:
        """The tick whose week holds a day; may lie outside [0, n_ticks)."""
        return (day - self.start).days // 7

    def days_before(self, day: date) -> int:
        """Mask of the days of a day's own week that come before it: those a rule that starts then still leaves open."""
        return (1 << ((day - self.start).days % 7)) - 1

    def span(self, window: str) -> tuple[date, date]:
        """First day and first day after, of a window such as 2024, 2024Q3, 2024H1, 2024-07, 2024-W12, nvidia:FY25Q1 or
        2024-01-01..2024-02-15 (both days in). Raises ValueError on any other form or an unknown fiscal quarter."""
        if match := _RANGE.fullmatch(window):
            return date.fromisoformat(match[1]), date.fromisoformat(match[2]) + timedelta(days=1)
        if match := _WEEK.fullmatch(window):
            monday = date.fromisocalendar(int(match[1]), int(match[2]), 1)
            return monday, monday + timedelta(days=7)
        if match := _QUARTER.fullmatch(window):
            return _months(int(match[1]), 3 * int(match[2]) - 2, 3)
        if match := _HALF.fullmatch(window):
            return _months(int(match[1]), 6 * int(match[2]) - 5, 6)
        if match := _YEAR.fullmatch(window):
            return _months(int(match[1]), 1, 12)
        if match := _MONTH.fullmatch(window):
            return _months(int(match[1]), int(match[2]), 1)
        if match := _FISCAL.fullmatch(window):
            return self._fiscal_span(match["vendor"], match["label"])
        raise ValueError(f'"{window}" is no window; write 2024, 2024Q3, 2024H1, 2024-07, 2024-W12, '
                         "2024-01-01..2024-02-15 or nvidia:FY25Q1")

    def window(self, window: str) -> NDArray[np.float64]:
        """Share of each week's days that fall into a window, (n_ticks,) in [0, 1]."""
        first, after = self.span(window)
        begins = np.arange(self.n_ticks) * 7
        low, high = (first - self.start).days, (after - self.start).days
        days = np.minimum(begins + 7, high) - np.maximum(begins, low)
        return np.asarray(np.clip(days, 0, 7) / 7.0)

    def _fiscal_span(self, vendor: str, label: str) -> tuple[date, date]:
        ends = self.fiscal.get(vendor, {})
        labels = sorted(ends, key=lambda name: ends[name])
        wanted = [name for name in labels if name.startswith(label)]
        if not wanted:
            raise ValueError(f'no fiscal quarter "{label}" of {vendor}; known: {", ".join(labels) or "none"}')
        before = labels.index(wanted[0]) - 1
        first = ends[labels[before]] + timedelta(days=1) if before >= 0 else ends[wanted[0]] - timedelta(days=90)
        return first, ends[wanted[-1]] + timedelta(days=1)


def _months(year: int, month: int, n: int) -> tuple[date, date]:
    after = month + n
    return date(year, month, 1), date(year + (after - 1) // 12, (after - 1) % 12 + 1, 1)
