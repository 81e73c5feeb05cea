"""Orders at list queue until filled, cancelled or barred; short supply is shared by weight and wait."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.keyed_random import keys_of
from sim.primary import PrimaryBook, share_out

KEYS = keys_of("buyer", [f"buyer {i}" for i in range(8)])


@given(st.lists(st.tuples(st.integers(0, 500), st.floats(0, 50)), min_size=1, max_size=8), st.integers(0, 3000), st.integers(0, 20))
@settings(max_examples=200, deadline=None)
def test_short_supply_is_shared_out_whole(rows: list[tuple[int, float]], available: int, epoch: int) -> None:
    wants = np.array([chips for chips, _ in rows])
    weight = wants * (1.0 + np.array([weeks for _, weeks in rows]))
    available = min(available, int(wants.sum()))
    out = np.zeros(len(wants), dtype=np.int64)
    share_out(available, wants, weight, KEYS[: len(wants)], epoch, out)
    assert out.sum() == available
    assert (out <= wants).all() and (out >= 0).all()


def test_names_decide_ties_and_rows_do_not() -> None:
    wants, weight = np.array([3, 3, 3]), np.array([3.0, 3.0, 3.0])
    forward, backward = np.zeros(3, dtype=np.int64), np.zeros(3, dtype=np.int64)
    share_out(4, wants, weight.copy(), KEYS[:3], 5, forward)
    share_out(4, wants, weight.copy(), KEYS[:3][::-1].copy(), 5, backward)
    assert forward.tolist() == backward[::-1].tolist()


def book_with(queue: list[list[int]]) -> PrimaryBook:
    book = PrimaryBook(len(queue), len(queue[0]), 1)
    book.place(np.array(queue))
    return book


def serve(book: PrimaryBook, ready: list[int], cap: list[list[int]] | None = None) -> list[list[int]]:
    limits = np.array(cap) if cap else book.queue.copy()
    return book.serve(np.array(ready), limits, np.ones(book.n_buyers, dtype=np.int64), KEYS[: book.n_buyers], 0).tolist()


def test_enough_for_all_fills_all() -> None:
    book = book_with([[4], [6]])
    assert serve(book, [20]) == [[4], [6]]
    assert not book.queue.any()


def test_who_waited_longer_gets_more() -> None:
    book = book_with([[100], [0]])
    for _ in range(9):
        book.place(np.array([[0], [0]]))
    book.place(np.array([[0], [100]]))
    (first,), (second,) = serve(book, [50])
    assert first > second and first + second == 50


def test_a_barred_cell_gets_nothing_and_its_queue_can_be_struck_out() -> None:
    book = book_with([[10], [10]])
    assert serve(book, [10], [[0], [10]]) == [[0], [10]]
    struck = book.cancel(np.array([[True], [False]]))
    assert struck.tolist() == [[10], [0]]
    assert not book.queue.any()
