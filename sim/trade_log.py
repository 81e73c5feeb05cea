"""Trade log: one row a trade, column by column, filled week by week and joined once at the end of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.record import TRADE_COLUMNS

AMOUNTS = ("chips", "paid_cents", "list_cents", "tax_cents", "share_cents")

_LEFT_OUT = {name: 0 if name.endswith("_cents") else -1 for name in TRADE_COLUMNS}


class Batch(NamedTuple):
    """Trades booked together: how many, and their columns as they were given."""

    n: int
    columns: dict[str, Any]

    def column(self, name: str) -> Any:
        """(n,), or one figure for all."""
        return self.columns.get(name, _LEFT_OUT[name])


@dataclass
class TradeLog:
    """Trades of a run; `add` takes columns of equal length or scalars that stand for every row, and keeps them.

    told_actor, when given, is the row under which the record tells each actor: trades that are alike when told are one row then.
    """

    told_actor: NDArray[np.int64] | None = None
    batches: list[Batch] = field(default_factory=list)

    def add(self, n: int, **columns: Any) -> None:
        """Append n trades; a column left out is 0 for amounts and -1 for rows."""
        if n:
            batch = Batch(n, columns)
            self.batches.append(batch if self.told_actor is None else _folded(batch, self.told_actor))

    def joined(self) -> dict[str, NDArray[Any]]:
        """All trades, each column one array, in the order they were made."""
        return {name: _joined(self.batches, name) for name in TRADE_COLUMNS}


def _joined(batches: list[Batch], name: str) -> NDArray[Any]:
    whole: NDArray[Any] = np.empty(sum(batch.n for batch in batches), dtype=TRADE_COLUMNS[name])
    at = 0
    for batch in batches:
        whole[at : at + batch.n] = batch.column(name)
        at += batch.n
    return whole


def _folded(batch: Batch, told_actor: NDArray[np.int64]) -> Batch:
    """Trades with actors as told; those that differ in amounts alone are added up."""
    part = {name: _joined([batch], name) for name in TRADE_COLUMNS}
    for name in ("seller", "buyer"):
        part[name] = told_actor[part[name]].astype(TRADE_COLUMNS[name])
    code = np.zeros(batch.n, dtype=np.int64)
    for name in TRADE_COLUMNS:
        if name not in AMOUNTS and (part[name] != part[name][0]).any():
            _, at = np.unique(part[name], return_inverse=True)
            _, code = np.unique(code * (int(at.max()) + 1) + at, return_inverse=True)
    _, first, code = np.unique(code, return_index=True, return_inverse=True)
    told = {name: column[first] for name, column in part.items()}
    for name in AMOUNTS:
        total = np.zeros(len(first), dtype=np.int64)
        np.add.at(total, code, part[name])
        told[name] = total
    return Batch(len(first), told)
