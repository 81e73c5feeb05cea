"""Trade log: one row a trade, column by column, filled week by week and joined once at the end of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.record import TRADE_COLUMNS

ROW = np.dtype(list(TRADE_COLUMNS.items()))
"""One trade."""

EMPTY = np.array(tuple(0 if name.endswith("_cents") else -1 for name in TRADE_COLUMNS), dtype=ROW)


@dataclass
class TradeLog:
    """Trades of a run; `add` takes columns of equal length or scalars that stand for every row."""

    parts: list[NDArray[Any]] = field(default_factory=list)
    """One array of ROW a batch of trades."""

    def add(self, n: int, **columns: Any) -> None:
        """Append n trades; a column left out is 0 for amounts and -1 for rows."""
        if not n:
            return
        part = np.full(n, EMPTY, dtype=ROW)
        for name, given in columns.items():
            part[name] = given
        self.parts.append(part)

    def joined(self) -> dict[str, NDArray[Any]]:
        """All trades, each column one array, in the order they were made."""
        whole = np.concatenate(self.parts) if self.parts else np.zeros(0, dtype=ROW)
        return {name: np.ascontiguousarray(whole[name]) for name in TRADE_COLUMNS}
