"""Runs: one computation for equal requests, the least asked forgotten, a full queue said at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from viz.runs import QueueFullError, Runs


def test_thirty_equal_requests_are_one_run() -> None:
    runs: Runs[int] = Runs(workers=2)
    gate = threading.Event()

    def make() -> int:
        gate.wait(5)
        return 42

    with ThreadPoolExecutor(30) as pool:
        asked = [pool.submit(runs.get, "key", make) for _ in range(30)]
        gate.set()
        assert [future.result(5) for future in asked] == [42] * 30
    assert runs.computed == 1
    assert runs.get("key", lambda: 7) == 42


def test_a_full_queue_says_so_and_recovers() -> None:
    runs: Runs[str] = Runs(workers=1, most_waiting=1)
    gate = threading.Event()

    def slow() -> str:
        gate.wait(5)
        return "done"

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(runs.get, 1, slow), pool.submit(runs.get, 2, slow)
        while len(runs._flying) < 2:
            threading.Event().wait(0.01)
        with pytest.raises(QueueFullError):
            runs.get(3, slow)
        gate.set()
        assert (first.result(5), second.result(5)) == ("done", "done")
    assert runs.get(3, slow) == "done"


def test_a_failure_is_told_to_all_and_not_kept() -> None:
    runs: Runs[int] = Runs()

    def fail() -> int:
        raise ValueError("no such world")

    with pytest.raises(ValueError, match="no such world"):
        runs.get("key", fail)
    assert runs.get("key", lambda: 1) == 1


def test_the_least_asked_is_forgotten() -> None:
    runs: Runs[int] = Runs(most=2)
    for key in (1, 2):
        runs.get(key, lambda key=key: key)  # type: ignore[misc]
    runs.get(1, lambda: 0)
    runs.get(3, lambda: 3)
    assert runs.known(2) is None and runs.known(1) == 1


def test_what_takes_too_long_is_given_up() -> None:
    runs: Runs[int] = Runs()
    gate = threading.Event()
    with pytest.raises(TimeoutError):
        runs.get("key", lambda: int(gate.wait(5)), timeout_s=0.05)
    gate.set()


def test_quiet_is_counted_from_the_last_end() -> None:
    """What bands wait for: nothing under way, and nothing just ended, by success or failure."""
    runs: Runs[int] = Runs()
    assert runs.quiet_s == float("inf")
    seen: list[float] = []
    runs.get(1, lambda: seen.append(runs.quiet_s) or 1)  # type: ignore[func-returns-value]
    assert seen == [0.0] and 0 <= runs.quiet_s < 5
    before = runs._ended
    with pytest.raises(ZeroDivisionError):
        runs.get(2, lambda: 1 // 0)
    assert runs._ended > before
