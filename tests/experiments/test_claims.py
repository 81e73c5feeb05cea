"""Claims: a verdict is the share of runs in which the claim holds; a flip is another answer than at the centre."""

from __future__ import annotations

import math

import pytest

from experiments.claims import CLAIMS, FIGURES, Answer, Flip, answers, flips, page
from experiments.pairing import Interval
from experiments.screening import ends_of_most_influential, read_csv
from sim.errors import UsageError


def answer(holds: int, runs: int) -> Answer:
    claim = CLAIMS[2]
    return Answer(claim, tuple(Interval(90.0, 80.0, 120.0, runs) for _ in claim.figures), (holds, runs))


@pytest.mark.parametrize(("holds", "runs", "verdict"), [
    (20, 20, "Holds in the model, in 20 of 20 runs."), (18, 20, "Holds in the model, in 18 of 20 runs."),
    (9, 20, "Undecided: it holds in 9 of 20 runs."), (2, 20, "Does not hold in the model: in 2 of 20 runs."),
    (0, 0, "The model cannot say."),
])
def test_a_verdict_is_the_share_of_runs_in_which_the_claim_holds(holds: int, runs: int, verdict: str) -> None:
    assert answer(holds, runs).verdict == verdict


def test_the_page_says_every_figure_and_what_flips_a_claim() -> None:
    found = [Answer(claim, tuple(Interval(1.0, 0.5, 1.5, 4) for _ in claim.figures), (4, 4)) for claim in CLAIMS]
    centre = Flip((), (1.0,) * len(CLAIMS), (True,) * len(CLAIMS))
    moved = Flip(("clearing=equilibrium",), (2.0, *(1.0,) * (len(CLAIMS) - 1)), (False, *(True,) * (len(CLAIMS) - 1)))
    text = page(found, [centre, moved], range(1, 5))
    assert all(figure.label in text for figure in FIGURES)
    assert "| `clearing=equilibrium` | **2 ✗** | 1 ✓ |" in text


def test_the_ends_of_the_most_influential_are_settings() -> None:
    lines = read_csv("parameter,free,low,high,fact,half_widths\n"
                     "behaviour.a,free,1,2,S01,0.5\nbehaviour.b,fixed,3,4,S01,1.5\nbehaviour.c,fixed,3,4,,0\n")
    assert ends_of_most_influential(lines) == [("behaviour.b=3",), ("behaviour.b=4",), ("behaviour.a=1",), ("behaviour.a=2",)]
    with pytest.raises(UsageError, match="chokepoint screen"):
        read_csv("fact,value\nS01,5\n")


@pytest.mark.slow
def test_one_seed_answers_every_claim_and_another_clearing_is_read() -> None:
    found = answers((1,))
    assert [one.holds[1] for one in found] == [1] * len(CLAIMS)
    assert not any(math.isnan(spread.value) for one in found for spread in one.spreads)
    centre, other = flips([("clearing=posted_price",)], 1)
    assert centre.settings == () and centre.values != other.values
