"""Faults a user can mend, gathered and told all at once; and broken invariants, which are ours."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True)
class Fault:
    """One thing wrong with what a user wrote: where it stands, what was read, what would do."""

    file: str
    line: int
    key: str
    said: str
    wanted: str

    def __str__(self) -> str:
        return f"line {self.line}  {self.key}: {self.said}; {self.wanted}" if self.wanted else \
            f"line {self.line}  {self.key}: {self.said}"


class ChokepointError(Exception):
    """Any error whose message is meant for a user; the command line prints it without a traceback."""

    exit_code = 1


class UsageError(ChokepointError):
    """A command, option or argument that cannot be carried out as given."""

    exit_code = 2


class ScenarioError(ChokepointError):
    """A scenario that cannot be used: every fault of it, grouped by file, in the order of lines."""

    exit_code = 3

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = sorted(faults, key=lambda fault: (fault.file, fault.line, fault.key))
        super().__init__(self._text())

    def _text(self) -> str:
        lines: list[str] = []
        for file in dict.fromkeys(fault.file for fault in self.faults):
            own = [fault for fault in self.faults if fault.file == file]
            lines.append(f"{file} has {len(own)} fault{'s' if len(own) > 1 else ''}:")
            lines.extend(f"  {fault}" for fault in own)
        return "\n".join(lines)


class InvariantError(ChokepointError):
    """A law of the simulation was broken (conservation, a proof, a bound): a defect, never a user's fault."""


def nearest(word: str, known: list[str]) -> str:
    """' Did you mean "x"?' when a known word is close, and the known words; empty when none are known."""
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    guess = f'did you mean "{close[0]}"? ' if close else ""
    shown = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
    return f"{guess}known: {shown}" if known else guess.strip()
