"""The one way to add float columns over actors: in row order, so that an idle row changes no bit.

numpy's sum and matrix product pair rows by position, so a row of zeros reorders the rounding; they are
banned over actor axes (tests/test_floors.py reads the source).
"""

from __future__ import annotations

from sim.kernel import kernel


@kernel
def ordered_sum(x):  # type: ignore[no-untyped-def]
    """Sequential sum of a float vector (n,), rows in id order."""
    total = 0.0
    for i in range(x.shape[0]):
        total += x[i]
    return total


@kernel
def weighted_sum(x, weight):  # type: ignore[no-untyped-def]
    """Sequential sum of x * weight over rows, both (n,)."""
    total = 0.0
    for i in range(x.shape[0]):
        total += x[i] * weight[i]
    return total
