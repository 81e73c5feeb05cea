"""The easel draws what `charts.svg` draws, in another process or, where that is gone, here."""

from __future__ import annotations

from datetime import date

from experiments import charts
from experiments.easel import Easel

SPEC = charts.lines([date(2024, 1, 1), date(2024, 4, 1)], {"a": [1.0, 2.0]}, "chips")


def test_the_easel_draws_as_charts_do_even_when_its_process_dies() -> None:
    here = charts.svg(SPEC, "one")
    with Easel() as easel:
        assert easel.svg(SPEC, "one") == here
        for process in easel._pool._processes.values():
            process.kill()
        assert easel.svg(SPEC, "one") == here
