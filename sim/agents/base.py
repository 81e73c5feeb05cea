"""Actor: a Mesa agent that is a named row; its state is columns, read through properties, written by nobody here."""

from __future__ import annotations

from typing import Any, ClassVar

from sim.mesa_core import Agent
from sim.registry import Registry

AGENTS: Registry[type[Actor]] = Registry("agent kind")


class Actor(Agent):  # type: ignore[misc]
    """One actor of the world.

    row       its row among actors; own_row among actors of its kind.
    A rule is written once: `decide` in the singular for the few, `decide_all` on columns for the many.
    """

    kind: ClassVar[str] = ""

    def __init__(self, model: Any, name: str, row: int, own_row: int) -> None:
        super().__init__(model)
        self.name, self.row, self.own_row = name, row, own_row

    @property
    def cash_cents(self) -> int:
        """Balance of its account, cents."""
        return int(self.model.ledger.cash_cents[self.row])

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name}>"
