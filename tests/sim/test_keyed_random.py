"""Keyed draws: the generator is Philox4x32-10, a draw hangs on names alone, and no hash seed or row order reaches it."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from sim.keyed_random import key_of, keys_of, normal, philox, uniform, uniforms


@pytest.mark.parametrize(("draw", "tick", "seed", "key", "answer"), [
    (0, 0, 0, 0, 0x6627E8D5_E169C58D),
    (2**32 - 1, 2**32 - 1, 2**64 - 1, 2**64 - 1, 0x408F276D_41C83B0E),
    (0x243F6A88, 0x85A308D3, 0x03707344_13198A2E, 0x299F31D0_A4093822, 0xD16CFE09_94FDCCEB),
])
def test_known_answers(draw: int, tick: int, seed: int, key: int, answer: int) -> None:
    """The published vectors of Random123 (kat_vectors, philox4x32 10), first two words."""
    assert int(philox(np.uint64(seed), np.uint64(key), np.uint64(tick), np.uint64(draw))) == answer


def test_a_key_is_the_same_for_every_hash_seed() -> None:
    code = "from sim.keyed_random import *; k = key_of('deal', 'nvidia', 7); print(k, uniform(1, k, 2, 3).hex())"
    said = {subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True,
                           text=True, check=True).stdout for seed in ("0", "1", "12345")}
    assert len(said) == 1


def test_a_key_hangs_on_every_name_and_their_order() -> None:
    keys = {key_of("a", "b"), key_of("b", "a"), key_of("ab"), key_of("a", "b", ""), key_of("a b"), key_of("a", "c")}
    assert len(keys) == 6
    assert keys_of("deal", ["x", "y"])[1] == key_of("deal", "y")


def test_another_row_shifts_nobody_elses_luck() -> None:
    few, many = keys_of("deal", ["a", "b"]), keys_of("deal", ["new", "a", "b"])
    assert np.array_equal(uniforms(1, few, 5, 0), uniforms(1, many, 5, 0)[1:])
    assert uniform(1, few[0], 5, 0) == uniforms(1, few, 5, 0)[0]


@pytest.mark.parametrize("vary", ["seed", "key", "tick", "draw"])
def test_draws_are_uniform_and_independent_along_every_argument(vary: str) -> None:
    count = 20_000
    at = {name: np.zeros(count, np.uint64) for name in ("seed", "key", "tick", "draw")}
    at[vary] = np.arange(count, dtype=np.uint64)
    drawn = np.array([uniform(*point) for point in zip(at["seed"], at["key"], at["tick"], at["draw"], strict=True)])
    assert drawn.min() > 0.0 and drawn.max() < 1.0
    expected, counts = count / 20, np.histogram(drawn, 20, (0, 1))[0]
    assert ((counts - expected) ** 2 / expected).sum() < 43.8, "chi-squared of 19 degrees at 0.001"
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 4 / np.sqrt(count)


def test_normal_draws_have_mean_nought_and_spread_one() -> None:
    keys = keys_of("n", [str(i) for i in range(20_000)])
    drawn = np.array([normal(3, key, 1, 0) for key in keys])
    assert abs(drawn.mean()) < 4 / np.sqrt(len(keys))
    assert drawn.std() == pytest.approx(1.0, abs=0.02)
    assert (np.abs(drawn) > 1.96).mean() == pytest.approx(0.05, abs=0.006)
