"""Numbers: how tables, charts and sentences say them."""

from __future__ import annotations

import math


def said(value: float, digits: int) -> str:
    """A number for a table: rounded, thousands apart, a dash where there is none and 0 where it is exactly that."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "never"
    shown = digits if abs(value) < 100 else 0
    return "0" if value == 0 else f"{value:,.{shown}f}"


def said_difference(value: float, digits: int) -> str:
    """A difference with its sign, with two figures that mean something or up to two decimals more."""
    if math.isnan(value) or math.isinf(value) or value == 0:
        return said(value, digits)
    fine = max(digits, min(digits + 2, 1 - math.floor(math.log10(abs(value)))))
    shown = f"{value:+,.{fine if abs(value) < 100 else 0}f}"
    return shown if float(shown.replace(",", "")) else f"{'+' if value > 0 else '-'}0"
