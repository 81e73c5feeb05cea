"""Kept: what is worked out from an object that never changes, once, and let go with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from weakref import ref

S = TypeVar("S")
T = TypeVar("T")


def kept(make: Callable[[S], T]) -> Callable[[S], T]:
    """Decorator of a function of one frozen object: its answer is remembered by the object's identity, so that an altered copy
    is asked anew, and forgotten when the object goes."""
    found: dict[int, tuple[ref[Any], T]] = {}

    @wraps(make)
    def ask(subject: S) -> T:
        key = id(subject)
        if key not in found:
            answer = make(subject)
            found[key] = ref(subject, lambda _: found.pop(key, None)), answer
        return found[key][1]

    return ask
