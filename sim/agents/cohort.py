"""Cohort: one Mesa agent for all drawn labs of a country and kind of money; their state is columns like any lab's."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sim.agents.base import Actor


class Cohort(Actor):
    """Drawn labs that the record tells as one: `rows` are their rows among labs, `accounts` among actors."""

    kind: ClassVar[str] = "cohort"

    def __init__(self, model: Any, name: str, rows: NDArray[np.int64], accounts: NDArray[np.int64]) -> None:
        super().__init__(model, name, int(accounts[0]), int(rows[0]))
        self.rows, self.accounts = rows, accounts

    @property
    def cash_cents(self) -> int:
        """Balance of all its labs' accounts, cents."""
        return int(self.model.ledger.cash_cents[self.accounts].sum(dtype=np.int64))

    @property
    def stock_chips(self) -> NDArray[np.int64]:
        """Chips in place by part and channel, (chips, 4), over all its labs."""
        return np.asarray(self.model.ledger.stock[self.rows].sum(axis=0, dtype=np.int64))
