"""Ledger: the only writer of chips and money, with a journal of every posting and a check of both each tick.

Chips (int64) are always in exactly one place: ready at their maker, finished under its title, in transit, with a
distributor, with a lab, scrapped or seized. Money (int64 cents) only moves: accounts, the outside ones included, sum to zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.errors import InvariantError
from sim.kernel import kernel

Ints = NDArray[np.int64]

OUTSIDE = ("funders", "suppliers", "carriers", "treasury_other")
"""Accounts beyond the actors: who pays budgets in, who is paid for inputs, for freight, and the tax offices without an actor."""

OWNED = ("licensed", "domestic", "grey", "resale")
"""Channels by which a chip can be owned."""

TRANSIT_WEEKS = 12
TITLE_WEEKS = 12

KINDS = ("budget", "purchase", "mark-up", "freight", "duty", "share", "rent", "input", "penalty", "lapse", "buy-back")


@dataclass
class Ledger:
    """Where every chip and every cent is.

    ready     (chips,)                            with the maker, deliverable
    finished  (TITLE_WEEKS, chips)                complete, ring by the week its title passes
    transit   TRANSIT_WEEKS lists                 ring by week of arrival: shipments, columns of lab, chip, channel, chips
    moving    (TRANSIT_WEEKS, distributors, chips)
    stock     (labs, chips, 4)                    in place, by channel
    held      (distributors, chips)
    scrapped, seized  (chips,)
    cash_cents (actors + OUTSIDE,)
    """

    n_actors: int
    n_labs: int
    n_distributors: int
    n_chips: int
    tick: int = 0
    ready: Ints = field(init=False)
    finished: Ints = field(init=False)
    transit: list[list[tuple[Ints, Ints, Ints, Ints]]] = field(init=False)
    moving: Ints = field(init=False)
    stock: Ints = field(init=False)
    held: Ints = field(init=False)
    scrapped: Ints = field(init=False)
    seized: Ints = field(init=False)
    cash_cents: Ints = field(init=False)
    created: Ints = field(init=False)
    """Chips that exist: those there at the start and those made since."""
    postings: list[tuple[int, int, Ints, Ints, Ints]] = field(default_factory=list)
    """The money journal: tick, kind, payers, payees, cents."""
    carried: Ints = field(init=False)
    """Sums by account of the journal's closed part, (actors + OUTSIDE,)."""
    movements: list[tuple[int, str, Ints]] = field(default_factory=list)
    """The chip journal of creation and loss: tick, made | relabelled | scrapped | seized, chips by part."""

    def __post_init__(self) -> None:
        labs, distributors, chips, owned = self.n_labs, self.n_distributors, self.n_chips, len(OWNED)
        self.ready = _zeros(chips)
        self.finished = _zeros(TITLE_WEEKS, chips)
        self.transit = [[] for _ in range(TRANSIT_WEEKS)]
        self.moving = _zeros(TRANSIT_WEEKS, distributors, chips)
        self.stock = _zeros(labs, chips, owned)
        self.held = _zeros(distributors, chips)
        self.scrapped, self.seized, self.created = _zeros(chips), _zeros(chips), _zeros(chips)
        self.cash_cents = _zeros(self.n_actors + len(OUTSIDE))
        self.carried = _zeros(self.n_actors + len(OUTSIDE))

    def outside(self, name: str) -> int:
        """Row of an outside account."""
        return self.n_actors + OUTSIDE.index(name)

    # chips

    def open_with(self, stock: Ints, held: Ints, ready: Ints) -> None:
        """Place the chips there at the start."""
        self.stock[:], self.held[:], self.ready[:] = stock, held, ready
        self.created += stock.sum(axis=(0, 2)) + held.sum(axis=0) + ready

    def make(self, chips: Ints, title_weeks: int) -> None:
        """Completed chips (chips,) enter the world; their title passes after title_weeks."""
        self.created += chips
        self.finished[(self.tick + title_weeks) % TITLE_WEEKS] += chips
        self.movements.append((self.tick, "made", chips.copy()))

    def relabel(self, part: int, other: int) -> int:
        """Undelivered cards of a fused part are sold as another part of the same die from now on; returns how many."""
        moved = int(self.ready[part] + self.finished[:, part].sum())
        self.ready[other] += self.ready[part]
        self.finished[:, other] += self.finished[:, part]
        self.ready[part] = 0
        self.finished[:, part] = 0
        change = np.zeros_like(self.created)
        change[part], change[other] = -moved, moved
        self.created += change
        self.movements.append((self.tick, "relabelled", change))
        return moved

    def receive(self) -> None:
        """What arrives this week: titles pass to deliverable stock, transit ends in stock."""
        week = self.tick % TITLE_WEEKS
        self.ready += self.finished[week]
        self.finished[week] = 0
        week = self.tick % TRANSIT_WEEKS
        for lab, chip, channel, chips in self.transit[week]:
            np.add.at(self.stock, (lab, chip, channel), chips)
        self.held += self.moving[week]
        self.transit[week] = []
        self.moving[week] = 0

    def ship_to_labs(self, lab: Ints, chip: Ints, channel: Ints, chips: Ints, weeks: Ints) -> None:
        """Chips leave a seller (already taken from it) for labs, one row a shipment, arriving after `weeks` (1 to 11)."""
        for ahead in sorted(set(weeks.tolist())):
            rows = weeks == ahead
            self.transit[(self.tick + ahead) % TRANSIT_WEEKS].append((lab[rows], chip[rows], channel[rows], chips[rows]))

    def ship_to_distributors(self, distributor: Ints, chip: Ints, chips: Ints, weeks: Ints) -> None:
        np.add.at(self.moving, ((self.tick + weeks) % TRANSIT_WEEKS, distributor, chip), chips)

    def take_ready(self, chips: Ints) -> None:
        """Chips leave makers' deliverable stock, (chips,)."""
        self.ready -= chips

    def take_held(self, distributor: Ints, chip: Ints, chips: Ints) -> None:
        """Chips leave distributors' stock, one row a sale."""
        np.subtract.at(self.held, (distributor, chip), chips)

    def scrap(self, lab: Ints, chip: Ints, channel: Ints, chips: Ints) -> None:
        """Cards in place fail for good, one row a lab, part and channel."""
        np.subtract.at(self.stock, (lab, chip, channel), chips)
        gone = np.zeros_like(self.created)
        np.add.at(gone, chip, chips)
        self.scrapped += gone
        self.movements.append((self.tick, "scrapped", gone))

    def seize_held(self, taken: Ints) -> None:
        """Goods seized at distributors, (distributors, chips)."""
        self.held -= taken
        gone = taken.sum(axis=0)
        self.seized += gone
        self.movements.append((self.tick, "seized", gone))

    def take_stock(self, sold: Ints) -> None:
        """Chips leave labs' stock for sale, (labs, chips, 4); the buyer's side is `ship_*`."""
        self.stock -= sold

    def on_the_way(self) -> Ints:
        """Chips in transit to labs, (chips,)."""
        out = np.zeros_like(self.created)
        shipments = [shipment for week in self.transit for shipment in week]
        if shipments:
            np.add.at(out, np.concatenate([chip for _, chip, _, _ in shipments]),
                      np.concatenate([chips for _, _, _, chips in shipments]))
        return out

    def owned(self) -> Ints:
        """Chips in place by lab and part, whatever their channel, (labs, chips)."""
        return np.asarray(_over_channels(self.stock))

    # money

    def pay(self, kind: str, payer: Ints | int, payee: Ints | int, cents: Ints) -> None:
        """Move cents from payers to payees, one row a posting; scalars stand for every row."""
        payers = payer if isinstance(payer, np.ndarray) else np.full(len(cents), payer)
        payees = payee if isinstance(payee, np.ndarray) else np.full(len(cents), payee)
        _post(self.cash_cents, payers, payees, cents)
        self.postings.append((self.tick, KINDS.index(kind), payers, payees, cents))

    # proof

    def check(self) -> None:
        """Every chip in one place and every cent accounted for, or InvariantError naming tick, part and both sides."""
        in_place, below = _by_chip(self.stock)
        there = (self.ready + self.finished.sum(axis=0) + self.on_the_way() + self.moving.sum(axis=(0, 1))
                 + in_place + self.held.sum(axis=0) + self.scrapped + self.seized)
        wrong = np.flatnonzero(there != self.created)
        if len(wrong):
            chip = int(wrong[0])
            raise InvariantError(f"tick {self.tick}, chip {chip}: {there[chip]:,} in place, {self.created[chip]:,} made")
        for name, short in (("ready", (self.ready < 0).any()), ("stock", below), ("held", (self.held < 0).any())):
            if short:
                raise InvariantError(f"tick {self.tick}: chips below zero in {name}")
        total = int(self.cash_cents.sum())
        if total:
            raise InvariantError(f"tick {self.tick}: accounts sum to {total} cents, not to 0")

    def carry_forward(self) -> None:
        """Close the journal: its sums by account are carried, its postings let go. For worlds too large to keep every posting."""
        self.carried = self.resummed_cash()
        self.postings.clear()

    def resummed_cash(self) -> Ints:
        """The accounts as the journal alone gives them: an audit independent of the running columns."""
        cash = self.carried.copy()
        for _, _, payers, payees, cents in self.postings:
            np.subtract.at(cash, payers, cents)
            np.add.at(cash, payees, cents)
        return cash


def _zeros(*shape: int) -> Ints:
    return np.zeros(shape, dtype=np.int64)


@kernel
def _by_chip(chips: Any) -> Any:
    """Chips by part, (chips,), of an array (labs, chips, channels), and whether a cell is below zero."""
    labs, parts, channels = chips.shape
    cells, signs = np.zeros(parts * channels, dtype=np.int64), np.zeros(parts * channels, dtype=np.int64)
    for row in chips.reshape(labs, parts * channels):
        for j in range(len(row)):
            cells[j] += row[j]
            signs[j] |= row[j]  # the sign bit stays where a cell has it
    out = np.zeros(parts, dtype=np.int64)
    for c in range(parts):
        for k in range(channels):
            out[c] += cells[c * channels + k]
    return out, (signs < 0).any()


@kernel
def _over_channels(chips: Any) -> Any:
    labs, parts, channels = chips.shape
    out = np.zeros((labs, parts), dtype=np.int64)
    for i in range(labs):
        for c in range(parts):
            for k in range(channels):
                out[i, c] += chips[i, c, k]
    return out


@kernel
def _post(cash: Any, payers: Any, payees: Any, cents: Any) -> None:
    for i in range(cents.shape[0]):
        cash[payers[i]] -= cents[i]
        cash[payees[i]] += cents[i]
