"""What is worked out from an object once: asked once, anew for a copy, let go with the object."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sim.kept import kept


@dataclass(frozen=True)
class Frozen:
    """Something to ask."""

    value: int


def test_asked_once_anew_for_a_copy_and_let_go() -> None:
    asked: list[int] = []

    @kept
    def double(subject: Frozen) -> int:
        asked.append(subject.value)
        return 2 * subject.value

    one = Frozen(3)
    assert (double(one), double(one), asked) == (6, 6, [3])
    other = replace(one, value=4)
    assert (double(other), double(one), asked) == (8, 6, [3, 4])
    del one
    again = [Frozen(value) for value in range(100)]  # some of them where the first one lay
    assert [double(subject) for subject in again] == [2 * value for value in range(100)]
