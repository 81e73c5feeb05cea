"""The race of the clearing: its answer, its three kinds of books, and instance files, good, odd and bad."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from experiments.bench_books import SIZES, plain_book, write_instance
from experiments.bench_clearing import answer, ortools_surplus
from experiments.commands.bench import command
from sim.clearing.network import clear
from sim.errors import UsageError
from tests.sim.books import simple

KEYS = {"size", "seeds", "ratio_ortools_cold", "ratio_ortools_warm", "ratio_highs_cold", "ratio_highs_warm", "surplus_equal",
        "gap", "ms_cold", "ms_warm", "passes", "bytes_per_lane", "bandwidth_share"}


@pytest.mark.parametrize("books", ["random", "plain", "ticks"])
def test_the_race_says_what_it_measured(books: str) -> None:
    done = CliRunner().invoke(command, ["clearing", "--size", "tiny", "--seeds", "2", "--books", books, "--json"])
    said = json.loads(done.output)
    assert set(said) >= KEYS and said["seeds"] == 2 and said["surplus_equal"] and said["gap"] == 0
    assert said["ratio_ortools_warm"] > 0 and said["ratio_highs_warm"] > 0


def test_an_instance_is_answered_as_it_is_cleared(tmp_path: Path) -> None:
    book, lanes = plain_book(SIZES["tiny"], 1)
    write_instance(tmp_path / "book.npz", book, lanes)
    said = answer(tmp_path / "book.npz")
    trades, _ = clear(book, lanes, 0, 0)
    assert said["surplus"] == trades.surplus == ortools_surplus(book, lanes) and said["gap"] == 0
    assert said["lane_flow"] == trades.lane_flow.tolist()
    assert all((price is None) == bool(np.isnan(known)) for price, known in
               zip(said["offer_price"], trades.offer_price, strict=True))


ODD = {
    "offer and buyer without a lane": simple([10, 12], [3, 3], [[(20, 2)], [(30, 2)]], [(0, 0, 1, 9)]),
    "caps of nought": simple([10, 12], [0, 3], [[(20, 0)], [(30, 2)]], [(0, 0, 1, 9), (1, 1, 1, 0), (1, 0, 1, 9)]),
    "one lane twice": simple([10], [9], [[(20, 9)]], [(0, 0, 3, 2), (0, 0, 3, 4), (0, 0, 1, 1)]),
    "a lane that pays": simple([10], [4], [[(5, 9)]], [(0, 0, -8, 3)]),
    "free chips": simple([0], [4], [[(0, 9), (0, 1)]], [(0, 0, 0, 3)]),
    "no buyer at all": simple([10], [4], [], []),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_instance_clears(name: str, tmp_path: Path) -> None:
    book, lanes = ODD[name]
    write_instance(tmp_path / "book.npz", book, lanes)
    said = answer(tmp_path / "book.npz")
    assert said["gap"] == 0 and said["surplus"] == ortools_surplus(book, lanes)
    sold = np.bincount(lanes.lane_offer, said["lane_flow"], len(book.offer_ask))
    assert [price is None for price in said["offer_price"]] == (sold == 0).tolist()


@pytest.mark.parametrize(("column", "row", "value"), [
    ("offer_ask", 0, -1), ("tranche_value", 1, 99), ("tranche_cap", 0, -2), ("lane_offer", 1, 5), ("lane_buyer", 0, -1),
    ("lane_cap", 1, -3), ("lane_cost", 0, 2**61)])
def test_a_bad_instance_is_refused_with_the_row_named(column: str, row: int, value: int, tmp_path: Path) -> None:
    book, lanes = simple([10, 12], [5, 5], [[(50, 4), (40, 2)], [(60, 4)]], [(0, 0, 1, 99), (1, 1, 1, 99)])
    getattr(lanes if column.startswith("lane") else book, column)[row] = value
    path = tmp_path / "book.npz"
    write_instance(path, book, lanes)
    with pytest.raises(UsageError, match=rf"{column}\[{row}\]"):
        answer(path)


def test_a_file_that_is_no_instance_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "short.npz", offer_ask=np.zeros(1, np.int64))
    with pytest.raises(UsageError, match="lacks offer_cap"):
        answer(tmp_path / "short.npz")
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(UsageError, match="no instance"):
        answer(tmp_path / "text.npz")
