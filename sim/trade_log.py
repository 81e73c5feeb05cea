"""Trade log: one row a trade, column by column, filled week by week and joined once at the end of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.record import TRADE_COLUMNS


@dataclass
class TradeLog:
    """Trades of a run; `add` takes columns of equal length or scalars that stand for every row."""

    parts: list[dict[str, NDArray[Any]]] = field(default_factory=list)

    def add(self, n: int, **columns: Any) -> None:
        """Append n trades; a column left out is 0 for amounts and -1 for rows."""
        if not n:
            return
        part: dict[str, NDArray[Any]] = {}
        for name, dtype in TRADE_COLUMNS.items():
            given = columns.get(name, 0 if name.endswith("_cents") else -1)
            part[name] = np.broadcast_to(np.asarray(given, dtype=dtype), (n,))
        self.parts.append(part)

    def joined(self) -> dict[str, NDArray[Any]]:
        """All trades, each column one array, in the order they were made."""
        if not self.parts:
            return {name: np.zeros(0, dtype=dtype) for name, dtype in TRADE_COLUMNS.items()}
        return {name: np.concatenate([part[name] for part in self.parts]).astype(dtype, copy=False)
                for name, dtype in TRADE_COLUMNS.items()}
