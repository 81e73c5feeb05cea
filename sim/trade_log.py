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

AMOUNTS = ("chips", "paid_cents", "list_cents", "tax_cents", "share_cents")


@dataclass
class TradeLog:
    """Trades of a run; `add` takes columns of equal length or scalars that stand for every row.

    told_actor, when given, is the row under which the record tells each actor: trades that are alike when told are one row then.
    """

    told_actor: NDArray[np.int64] | None = None
    parts: list[NDArray[Any]] = field(default_factory=list)
    """One array of ROW a batch of trades."""

    def add(self, n: int, **columns: Any) -> None:
        """Append n trades; a column left out is 0 for amounts and -1 for rows."""
        if not n:
            return
        part = np.full(n, EMPTY, dtype=ROW)
        for name, given in columns.items():
            part[name] = given
        self.parts.append(part if self.told_actor is None else _folded(part, self.told_actor))

    def joined(self) -> dict[str, NDArray[Any]]:
        """All trades, each column one array, in the order they were made."""
        whole = np.concatenate(self.parts) if self.parts else np.zeros(0, dtype=ROW)
        return {name: np.ascontiguousarray(whole[name]) for name in TRADE_COLUMNS}


def _folded(part: NDArray[Any], told_actor: NDArray[np.int64]) -> NDArray[Any]:
    """Trades with actors as told; those that differ in amounts alone are added up."""
    for name in ("seller", "buyer"):
        part[name] = told_actor[part[name]]
    code = np.zeros(len(part), dtype=np.int64)
    for name in TRADE_COLUMNS:
        if name not in AMOUNTS and (part[name] != part[name][0]).any():
            _, at = np.unique(part[name], return_inverse=True)
            _, code = np.unique(code * (int(at.max()) + 1) + at, return_inverse=True)
    _, first, code = np.unique(code, return_index=True, return_inverse=True)
    told = part[first]
    for name in AMOUNTS:
        total = np.zeros(len(first), dtype=np.int64)
        np.add.at(total, code, part[name])
        told[name] = total
    return told
