"""Unit words used in names, tables and charts, and the few conversions between them."""

from __future__ import annotations

H100_TPP = 15824
"""tpp of an H100: 989 dense TFLOP/s at 16 bits; the yardstick of `h100e` (ECCN 3A090 technical notes)."""

H100_FP16_TFLOPS = 989.0
H100_IO_GBPS = 900.0
H100_MEMBW_GBPS = 3350.0
H100_MEMORY_GB = 80.0

HOURS_PER_WEEK = 168
WEEKS_PER_YEAR = 365.25 / 7
WEEKS_PER_MONTH = WEEKS_PER_YEAR / 12
CENTS_PER_USD = 100


def h100e(tpp: float) -> float:
    """Chips of this tpp in H100 equivalents: an accounting unit, not a worth."""
    return tpp / H100_TPP


def cents(usd: float) -> int:
    """US dollars to whole cents, half up."""
    return int(usd * CENTS_PER_USD + 0.5)
