"""Workers: the same answers on any number of them, in the order of the jobs; a dead one is told in words."""

from __future__ import annotations

import os

import pytest

from experiments.workers import each
from sim.errors import ChokepointError


@pytest.mark.parametrize("workers", [1, 2])
def test_answers_come_in_the_order_of_the_jobs(workers: int) -> None:
    heard: list[tuple[int, int]] = []
    assert each(pow, [(3, 2), (2, 3), (5, 1)], workers, lambda done, whole: heard.append((done, whole))) == [9, 8, 5]
    assert heard == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("workers", [1, 2])
def test_what_a_job_raises_comes_through(workers: int) -> None:
    with pytest.raises(ZeroDivisionError):
        each(pow, [(2, 2), (0, -1)], workers)


def test_a_killed_worker_is_told_in_words() -> None:
    with pytest.raises(ChokepointError, match="--workers"):
        each(os._exit, [(1,), (1,)], 2)
