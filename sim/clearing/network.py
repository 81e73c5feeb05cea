"""The exact clearing: a network simplex on whole chips and cents, proved optimal by an integer dual on every solve.

A book is a pure min-cost flow (spatial price equilibrium: Enke 1951; Samuelson 1952; Takayama & Judge 1971): offers
send chips over lanes to buyers, buyers fill their tranches in order, what is not sold stays with the seller. Nodes are
the offers 0..n-1, the buyers n..n+m-1 and the root n+m, which pays for tranches and keeps unsold chips. Potentials are
prices: p at an offer's door, mu delivered to a buyer.

The tree is strongly feasible at a cold start (Cunningham 1976). Most buyers are leaves: only their parent arc is kept,
and mu is read off it, so a pivot touches offers and the few buyers between them. Tranches of a buyer fill in order, so
one pointer stands for all of them. A warm start keeps last tick's tree, recomputes flows leaf to root, and re-hangs a
node where a flow leaves its bounds.

Among equal optima the trades are chosen on the face of zero reduced cost: first the buyers at the margin share alike
(steps of marginal cost that rise with the share of the tranche filled), then lanes go by a hash of (seller, buyer,
epoch).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sim.clearing.base import Book, BookError, Fold, Ints, Lanes, Quotas, Trades, typed
from sim.errors import InvariantError
from sim.keyed_random import philox

_INF = 1 << 62
_TRANCHE = -1
"""Parent arc of a buyer that hangs on the root by a tranche, and of an offer that hangs there by its unsold chips."""


class _Net(NamedTuple):
    """The book as arrays in buyer order; caps that can never bind are cut to just above what can flow."""

    ptr: Ints
    off: NDArray[np.int32]
    to: NDArray[np.int32]
    cost: Ints
    cap: Ints
    ask: Ints
    supply: Ints
    demand: Ints
    tptr: Ints
    tval: Ints
    tcap: Ints


class _Tree(NamedTuple):
    """A basis and its flows. parent_arc: a lane, or _TRANCHE; state of a lane: 1 empty, -1 full, 0 in the tree or
    closed."""

    parent_arc: Ints
    parent: Ints
    depth: Ints
    child: Ints
    next: Ints
    previous: Ints
    price: Ints
    slack: Ints
    bought: Ints
    low: Ints
    high: Ints
    value: Ints
    step: Ints
    flow: Ints
    state: NDArray[np.int8]


class _Face(NamedTuple):
    """The optimal face: what ties are chosen among, and the constraints that hold the price interval."""

    price: Ints
    mu: Ints
    base: Ints
    width: Ints
    hash: Ints
    lanes: Ints
    lane_state: NDArray[np.int8]
    buyers: Ints
    offers: Ints
    marked: NDArray[np.int8]
    tight_above: NDArray[np.int8]
    tight_below: NDArray[np.int8]
    above: Ints
    below: Ints
    top: Ints
    bottom: Ints
    walk: Ints
    zero: Ints


class Basis:
    """What one clearing leaves the next: the tree on a fixed index of lanes, and the room it works in. Consumed by
    `clear`."""

    def __init__(self, n: int, m: int, n_tranches: int, lanes: Lanes) -> None:
        n_lanes = len(lanes.lane_offer)
        nodes = n + m + 1
        order = np.argsort(lanes.lane_buyer, kind="stable")
        self.lane_offer = lanes.lane_offer.copy()
        self.lane_buyer = lanes.lane_buyer.copy()
        self.order = order
        self.n, self.m = n, m
        self.pivots = 0
        """Pivots of the last solve, those over ties included."""
        self.passes = 0.0
        self.warm = False
        ptr = np.zeros(m + 1, np.int64)
        np.cumsum(np.bincount(lanes.lane_buyer, minlength=m), out=ptr[1:])

        def ints(size: int) -> Ints:
            return np.zeros(size, np.int64)

        self.net = _Net(
            ptr=ptr, off=lanes.lane_offer[order].astype(np.int32), to=lanes.lane_buyer[order].astype(np.int32),
            cost=ints(n_lanes), cap=ints(n_lanes), ask=ints(n), supply=ints(n), demand=ints(m), tptr=ints(m + 1),
            tval=ints(n_tranches), tcap=ints(n_tranches))

        def bytes_(size: int) -> NDArray[np.int8]:
            return np.zeros(size, np.int8)

        self.tree = _Tree(
            parent_arc=ints(nodes), parent=ints(nodes), depth=ints(nodes), child=ints(nodes), next=ints(nodes),
            previous=ints(nodes), price=ints(n), slack=ints(n), bought=ints(m), low=ints(m), high=ints(m),
            value=ints(m), step=ints(m), flow=ints(n_lanes), state=bytes_(n_lanes))
        self.face = _Face(
            price=ints(n), mu=ints(m), base=ints(m), width=ints(m), hash=ints(n_lanes), lanes=ints(n_lanes + n + m),
            lane_state=bytes_(n_lanes), buyers=ints(m), offers=ints(n), marked=bytes_(m), tight_above=bytes_(nodes),
            tight_below=bytes_(nodes), above=ints(n_lanes), below=ints(n_lanes), top=ints(nodes), bottom=ints(nodes),
            walk=ints(nodes), zero=ints(n))
        self.kept_arc = ints(nodes)
        self.kept_step = ints(m)

    def fits(self, n: int, m: int, lanes: Lanes) -> bool:
        """Whether the lanes are the ones this tree was built on, row by row."""
        return (n == self.n and m == self.m and np.array_equal(lanes.lane_offer, self.lane_offer)
                and np.array_equal(lanes.lane_buyer, self.lane_buyer))

    def room_for(self, n_tranches: int) -> None:
        """Widen the tranche columns when a tick brings more of them."""
        if len(self.net.tval) < n_tranches:
            room = 2 * n_tranches
            self.net = self.net._replace(tval=np.zeros(room, np.int64), tcap=np.zeros(room, np.int64))


_REASONS = {
    1: ("offer_cap", "is negative; chips for sale are 0 or more"),
    2: ("offer_ask", "is negative; an ask is 0 or more"),
    3: ("tranche_buyer", "is no row of buyer_key"),
    4: ("tranche_cap", "is negative; chips wanted are 0 or more"),
    5: ("tranche_value", "is above the tranche before it; values never rise within a buyer"),
    6: ("tranche_value", "is negative; a value is 0 or more"),
    7: ("lane_cap", "is negative; a lane's cap is 0 or more"),
    8: ("offer_ask", "times the chips that could trade may overflow 62 bits"),
    9: ("tranche_value", "times the chips that could trade may overflow 62 bits"),
    10: ("lane_cost", "times the chips that could trade may overflow 62 bits"),
    11: ("offer_cap", "is too many chips; below 2**61 in all would do"),
    12: ("tranche_cap", "is too many chips; below 2**61 in all would do"),
}


def clear(book: Book, lanes: Lanes, epoch: int, seed: int, basis: Basis | None = None,
          quotas: Quotas | None = None) -> tuple[Trades, Basis]:
    """The optimum of a book, unique, with midpoint prices and the proof.

    epoch, seed   what ties are drawn from, beside the keys.
    basis         what an earlier clearing on the same lanes returned; it is consumed. It changes the time, never the
                  result;
                  on other lanes it is left aside.
    quotas        caps over groups of lanes.
    Returns the trades and the basis for the next clearing. Raises BookError on a bad book, InvariantError if the
    proof fails.
    """
    book, lanes = typed(book, lanes)
    if quotas is not None:
        under = Fold(book, lanes, quotas)
        trades, basis = clear(under.book, under.lanes, epoch, seed, basis)
        return under.fold(trades), basis
    n, m = len(book.offer_ask), len(book.buyer_key)
    warm = basis is not None and basis.fits(n, m, lanes)
    if basis is None or not warm:
        _check_ends(lanes, n, m)
        basis = Basis(n, m, len(book.tranche_buyer), lanes)
    basis.room_for(len(book.tranche_buyer))
    _load_or_refuse(book, lanes, basis)
    return _solve(book, basis, int(epoch), int(seed), warm and basis.warm), basis


def _check_ends(lanes: Lanes, n: int, m: int) -> None:
    for name, column, limit in (("lane_offer", lanes.lane_offer, n), ("lane_buyer", lanes.lane_buyer, m)):
        bad = np.flatnonzero((column < 0) | (column >= limit))
        if len(bad):
            raise BookError(f"{name}[{bad[0]}] is {column[bad[0]]}; it must lie in 0..{limit - 1}")


def _load_or_refuse(book: Book, lanes: Lanes, basis: Basis) -> None:
    code, row = _load(basis.net, basis.order, book.offer_ask, book.offer_cap, book.tranche_buyer, book.tranche_value,
                      book.tranche_cap, lanes.lane_cost, lanes.lane_cap)
    if code:
        basis.warm = False
        column, why = _REASONS[code]
        value = getattr(lanes if column.startswith("lane") else book, column)[row]
        raise BookError(f"{column}[{row}] is {value}: it {why}")


def _solve(book: Book, basis: Basis, epoch: int, seed: int, warm: bool) -> Trades:
    net, tree, face = basis.net, basis.tree, basis.face
    n, m, n_lanes = basis.n, basis.m, len(basis.order)
    flow = np.empty(n_lanes, np.int64)
    offer_price, buyer_price = np.empty(n), np.empty(m)
    basis.warm = False
    code, surplus, dual, pivots, scanned = _run(
        net, tree, face, basis.kept_arc, basis.kept_step, basis.order, book.offer_key, book.buyer_key, epoch, seed,
        warm, flow, offer_price, buyer_price)
    if code == 2:
        raise InvariantError("clearing: the network simplex did not end within its pivots, warm or cold")
    if code == 1 or surplus != dual:
        raise InvariantError(f"clearing: no proof; surplus {surplus}, dual {dual}, feasible {code == 0}")
    basis.warm = True
    basis.pivots = pivots
    basis.passes = scanned / max(n_lanes, 1)
    return Trades(flow, offer_price, buyer_price, int(surplus), int(dual))


# Kernels


@njit(cache=True, error_model="numpy")
def _load(net, order, ask, supply, tranche_buyer, tranche_value, tranche_cap, lane_cost, lane_cap):  # type: ignore[no-untyped-def]
    """Check a book and lay it out by buyer. Returns (0, 0), or the number of a fault and its row."""
    n, m, n_lanes = net.ask.shape[0], net.demand.shape[0], order.shape[0]
    total_supply, total_demand = 0.0, 0.0
    largest, largest_code, largest_row = 0, 8, 0
    for i in range(n):
        if supply[i] < 0:
            return 1, i
        if ask[i] < 0:
            return 2, i
        total_supply += supply[i]
        if ask[i] > largest:
            largest, largest_code, largest_row = ask[i], 8, i
        if total_supply > 2.0**61:
            return 11, i
        net.ask[i] = ask[i]
        net.supply[i] = supply[i]
    count = net.tptr
    for j in range(m + 1):
        count[j] = 0
    grouped = True
    for t in range(tranche_buyer.shape[0]):
        j = tranche_buyer[t]
        if j < 0 or j >= m:
            return 3, t
        if tranche_cap[t] < 0:
            return 4, t
        if tranche_value[t] < 0:
            return 6, t
        if tranche_value[t] > largest:
            largest, largest_code, largest_row = tranche_value[t], 9, t
        total_demand += tranche_cap[t]
        if total_demand > 2.0**61:
            return 12, t
        if t > 0 and j < tranche_buyer[t - 1]:
            grouped = False
        if tranche_cap[t] > 0:
            count[j + 1] += 1
    for j in range(m):
        count[j + 1] += count[j]
    demand = net.demand
    for j in range(m):
        demand[j] = 0
    fill = 0
    place = count.copy() if not grouped else count
    last = np.full(m, -1, np.int64) if not grouped else demand
    before = -1
    for t in range(tranche_buyer.shape[0]):
        j = tranche_buyer[t]
        if grouped:
            if t > 0 and tranche_buyer[t - 1] == j and tranche_value[t] > tranche_value[t - 1]:
                return 5, t
        else:
            before = last[j]
            if before >= 0 and tranche_value[t] > tranche_value[before]:
                return 5, t
            last[j] = t
        if tranche_cap[t] > 0:
            if not grouped:
                fill = place[j]
                place[j] += 1
            net.tval[fill] = tranche_value[t]
            net.tcap[fill] = tranche_cap[t]
            demand[j] += tranche_cap[t]
            fill += 1
    for s in range(n_lanes):
        e = order[s]
        if lane_cap[e] < 0:
            return 7, e
        cost = lane_cost[e]
        size = cost if cost >= 0 else -cost
        if size > largest or size < 0:
            if size < 0:
                return 10, e
            largest, largest_code, largest_row = size, 10, e
        most = min(supply[net.off[s]], demand[net.to[s]])
        net.cost[s] = cost
        net.cap[s] = lane_cap[e] if lane_cap[e] <= most else (most + 1 if most > 0 else 0)
    could_trade = min(total_supply, total_demand) + 2.0
    if 8.0 * largest * could_trade >= 2.0**62 or 2.0 * (min(n, m) + 2.0) * largest >= 2.0**60:
        return largest_code, largest_row
    return 0, 0


@njit(cache=True, error_model="numpy")
def _detach(tree, x):  # type: ignore[no-untyped-def]
    before, after = tree.previous[x], tree.next[x]
    if before >= 0:
        tree.next[before] = after
    else:
        tree.child[tree.parent[x]] = after
    if after >= 0:
        tree.previous[after] = before


@njit(cache=True, error_model="numpy")
def _attach(tree, x):  # type: ignore[no-untyped-def]
    p = tree.parent[x]
    first = tree.child[p]
    tree.next[x] = first
    tree.previous[x] = -1
    tree.child[p] = x
    if first >= 0:
        tree.previous[first] = x


@njit(cache=True, error_model="numpy")
def _hang(net, tree):  # type: ignore[no-untyped-def]
    """Parents and child lists from the parent arcs; leaves among the buyers stay out of the lists."""
    n, m = net.ask.shape[0], net.demand.shape[0]
    root = n + m
    for x in range(root + 1):
        tree.child[x] = -1
    for i in range(n):
        e = tree.parent_arc[i]
        tree.parent[i] = root if e < 0 else n + net.to[e]
        _attach(tree, i)
    for x in range(n, root):
        e = tree.parent_arc[x]
        tree.parent[x] = root if e < 0 else net.off[e]
        if tree.child[x] >= 0:
            _attach(tree, x)
    tree.depth[root] = 0


@njit(cache=True, error_model="numpy")
def _settle(tree, net, start, cost, ask):  # type: ignore[no-untyped-def]
    """Depths and prices of everything linked below `start`, top down, from scratch."""
    n = net.ask.shape[0]
    x = tree.child[start]
    while x >= 0:
        tree.depth[x] = tree.depth[tree.parent[x]] + 1
        if x < n:
            e = tree.parent_arc[x]
            if e < 0:
                tree.price[x] = ask[x]
            else:
                j = net.to[e]
                up = tree.parent_arc[n + j]
                mu = tree.value[j] if up < 0 else tree.price[net.off[up]] + cost[up]
                tree.price[x] = mu - cost[e]
        if tree.child[x] >= 0:
            x = tree.child[x]
            continue
        while x != start and tree.next[x] < 0:
            x = tree.parent[x]
        if x == start:
            break
        x = tree.next[x]


@njit(cache=True, error_model="numpy")
def _place(net, tree, j, keep):  # type: ignore[no-untyped-def]
    """Hang buyer j on the tranche its purchases end in; `keep` is the tranche it hung on before, kept where it still
    fits."""
    first, end = net.tptr[j], net.tptr[j + 1]
    bought, low = tree.bought[j], 0
    k = first
    while k < end - 1 and (bought > low + net.tcap[k] or (bought == low + net.tcap[k] and k != keep)):
        low += net.tcap[k]
        k += 1
    tree.step[j] = k
    tree.low[j] = low
    tree.high[j] = low + net.tcap[k] if k < end else low
    tree.value[j] = net.tval[k] if k < end else 0


@njit(cache=True, error_model="numpy")
def _cold(net, tree):  # type: ignore[no-untyped-def]
    """Nothing traded: offers hang on their unsold chips, buyers on their first tranche; strongly feasible."""
    n, m = net.ask.shape[0], net.demand.shape[0]
    for x in range(n + m):
        tree.parent_arc[x] = _TRANCHE
    for e in range(net.cap.shape[0]):
        tree.flow[e] = 0
        tree.state[e] = 1 if net.cap[e] > 0 else 0
    for i in range(n):
        tree.slack[i] = net.supply[i]
    for j in range(m):
        tree.bought[j] = 0
        _place(net, tree, j, np.int64(-1))
    _hang(net, tree)
    _settle(tree, net, n + m, net.cost, net.ask)


@njit(cache=True, error_model="numpy")
def _fill_leaf(net, tree, j, inflow, sold, done, kept_step):  # type: ignore[no-untyped-def]
    """Flow on the parent lane of buyer j from what it wants at its price; re-hang it, or the offer, where that cannot
    be."""
    n = net.ask.shape[0]
    first, end = net.tptr[j], net.tptr[j + 1]
    e = tree.parent_arc[n + j]
    tree.bought[j] = inflow[j]
    if done[n + j]:
        tree.step[j] = end
        return
    if e < 0:
        _place(net, tree, j, first + kept_step[j])
        return
    i = net.off[e]
    mu = tree.price[i] + net.cost[e]
    want, k = 0, first
    while k < end and (net.tval[k] > mu or (net.tval[k] == mu and k < first + kept_step[j])):
        want += net.tcap[k]
        k += 1
    flow = want - inflow[j]
    room = net.supply[i] - sold[i]
    exact = 0 <= flow <= net.cap[e] and flow <= room
    flow = max(0, min(flow, min(net.cap[e], room)))
    tree.flow[e] = flow
    sold[i] += flow
    inflow[j] += flow
    tree.bought[j] = inflow[j]
    if exact:
        tree.step[j] = k
        return
    tree.parent_arc[n + j] = _TRANCHE
    _place(net, tree, j, np.int64(-1))
    if 0 < flow < net.cap[e]:
        tree.parent_arc[i] = e
        done[i] = 1


@njit(cache=True, error_model="numpy")
def _fill_offer(net, tree, i, inflow, sold, done):  # type: ignore[no-untyped-def]
    """What offer i has left goes up its parent lane as far as lane and buyer can take it; the rest stays unsold."""
    n = net.ask.shape[0]
    e = tree.parent_arc[i]
    left = net.supply[i] - sold[i]
    tree.slack[i] = 0
    if done[i]:
        return
    if e < 0:
        tree.slack[i] = left
        return
    j = net.to[e]
    room = net.demand[j] - inflow[j]
    flow = min(left, min(net.cap[e], room))
    tree.flow[e] = flow
    inflow[j] += flow
    sold[i] += flow
    tree.slack[i] = left - flow
    if flow == left:
        return
    tree.parent_arc[i] = _TRANCHE
    if 0 < flow < net.cap[e]:
        tree.parent_arc[n + j] = e
        done[n + j] = 1


@njit(cache=True, error_model="numpy")
def _rebuild(net, tree, face, kept_arc, kept_step):  # type: ignore[no-untyped-def]
    """A feasible tree as near to the kept one as the new book allows, flows from leaf to root."""
    n, m = net.ask.shape[0], net.demand.shape[0]
    root = n + m
    inflow, sold, done = face.top, face.bottom, face.tight_above
    for x in range(root):
        inflow[x], sold[x], done[x] = 0, 0, 0
        e = kept_arc[x]
        if e >= 0 and net.cap[e] == 0:
            e = _TRANCHE
        tree.parent_arc[x] = e
        if e >= 0:
            tree.state[e] = 0
    for j in range(m):
        for e in range(net.ptr[j], net.ptr[j + 1]):
            flow = 0
            if tree.state[e] < 0 and net.cap[e] > 0:
                i, cap = net.off[e], net.cap[e]
                if inflow[j] + cap <= net.demand[j] and sold[i] + cap <= net.supply[i]:
                    flow = cap
            tree.flow[e] = flow
            inflow[j] += flow
            sold[net.off[e]] += flow
        first, end = net.tptr[j], net.tptr[j + 1]
        k = min(first + kept_step[j], end - 1)
        tree.value[j] = net.tval[k] if k >= first else 0
    _hang(net, tree)
    _settle(tree, net, root, net.cost, net.ask)
    n_walk = _walk(tree, root, face.walk)
    for j in range(m):
        if tree.child[n + j] < 0:
            _fill_leaf(net, tree, j, inflow, sold, done, kept_step)
    for w in range(n_walk - 1, -1, -1):
        x = face.walk[w]
        if x < n:
            _fill_offer(net, tree, x, inflow, sold, done)
        else:
            _fill_leaf(net, tree, x - n, inflow, sold, done, kept_step)
    for e in range(net.cap.shape[0]):
        cap = net.cap[e]
        tree.state[e] = 0 if cap == 0 else (-1 if tree.flow[e] == cap else 1)
    for x in range(root):
        if tree.parent_arc[x] >= 0:
            tree.state[tree.parent_arc[x]] = 0
    _hang(net, tree)
    _settle(tree, net, root, net.cost, net.ask)


@njit(cache=True, error_model="numpy")
def _walk(tree, root, walk):  # type: ignore[no-untyped-def]
    """Linked nodes below the root, parents before children."""
    count = 0
    x = tree.child[root]
    while x >= 0:
        walk[count] = x
        count += 1
        if tree.child[x] >= 0:
            x = tree.child[x]
            continue
        while x != root and tree.next[x] < 0:
            x = tree.parent[x]
        if x == root:
            break
        x = tree.next[x]
    return count


@njit(cache=True, error_model="numpy")
def _simplex(net, tree, face, ties, n_lanes, n_buyers, n_offers, pieces, stair, block, most):  # type: ignore[no-untyped-def]
    """Pivot until no arc prices in. With `ties` costs are hashes and only the face's lanes, buyers and offers may
    enter.

    Returns pivots done and lanes priced; pivots == most means it did not end.
    """
    n, m = net.ask.shape[0], net.demand.shape[0]
    root = n + m
    cost = face.hash if ties else net.cost
    ask = face.zero if ties else net.ask
    off, cap, to, flow, state = net.off, net.cap, net.to, tree.flow, tree.state
    price, parent_arc, parent, depth = tree.price, tree.parent_arc, tree.parent, tree.depth
    pivots, priced, cursor = 0, 0, 0
    positions = n_lanes + n_buyers + n_offers if ties else m + 1
    while pivots < most:
        best, kind, arc, scanned, visited = 0, -1, -1, 0, 0
        while visited < positions:
            if ties:
                scanned += 1
                if cursor < n_lanes:
                    e = face.lanes[cursor]
                    up = parent_arc[n + to[e]]
                    mu = tree.value[to[e]] if up < 0 else price[off[up]] + cost[up]
                    gain = state[e] * (mu - price[off[e]] - cost[e])
                    if gain > best:
                        best, kind, arc = gain, 0, e
                elif cursor < n_lanes + n_buyers:
                    j = face.buyers[cursor - n_lanes]
                    up = parent_arc[n + j]
                    width = face.width[j]
                    if up >= 0 and width > 0:
                        mu = price[off[up]] + cost[up]
                        z = tree.bought[j] - face.base[j]
                        if z < width:
                            gain = -((pieces * (z + 1) + width - 1) // width - 1) * stair - mu
                            if gain > best:
                                best, kind, arc = gain, 2, j
                        if z > 0:
                            gain = mu + ((pieces * z + width - 1) // width - 1) * stair
                            if gain > best:
                                best, kind, arc = gain, 3, j
                else:
                    i = face.offers[cursor - n_lanes - n_buyers]
                    if parent_arc[i] >= 0 and -price[i] > best:
                        best, kind, arc = -price[i], 4, i
            elif cursor < m:
                j = cursor
                start, end = net.ptr[j], net.ptr[j + 1]
                up = parent_arc[n + j]
                mu = tree.value[j] if up < 0 else price[off[up]] + cost[up]
                for e in range(start, end):
                    gain = state[e] * (mu - price[off[e]] - cost[e])
                    if gain > best:
                        best, kind, arc = gain, 0, e
                if up >= 0:
                    k = tree.step[j]
                    if k < net.tptr[j + 1] and net.tval[k] - mu > best:
                        best, kind, arc = net.tval[k] - mu, 2, j
                    if k > net.tptr[j] and mu - net.tval[k - 1] > best:
                        best, kind, arc = mu - net.tval[k - 1], 3, j
                scanned += end - start
            else:
                for i in range(n):
                    if parent_arc[i] >= 0 and ask[i] - price[i] > best:
                        best, kind, arc = ask[i] - price[i], 4, i
                scanned += n
            cursor += 1
            visited += 1
            if cursor == positions:
                cursor = 0
            if best > 0 and scanned >= block:
                break
        priced += scanned
        if best == 0:
            break
        pivots += 1

        # The entering arc runs from a to b; `room` is what it can still take that way.
        if kind == 0:
            i, x = off[arc], n + to[arc]
            depth[x] = depth[parent[x]] + 1
            if state[arc] > 0:
                a, b, room = i, x, cap[arc]
            else:
                a, b, room = x, i, cap[arc]
        elif kind == 4:
            a, b, room = arc, root, _INF
        else:
            j = arc
            depth[n + j] = depth[parent[n + j]] + 1
            bought = tree.bought[j]
            if ties:
                width, base = face.width[j], face.base[j]
                z = bought - base
                k = (pieces * (z + 1) + width - 1) // width - 1 if kind == 2 else (pieces * z + width - 1) // width - 1
                low, high = base + width * k // pieces, base + width * (k + 1) // pieces
                value = -k * stair
            else:
                k = tree.step[j] if kind == 2 else tree.step[j] - 1
                low = bought if kind == 2 else bought - net.tcap[k]
                high = low + net.tcap[k]
                value = net.tval[k]
            room = high - low
            if kind == 2:
                a, b = n + j, root
            else:
                a, b = root, n + j

        # Round the cycle: down to a (nearest a wins a tie), the arc itself, up from b (nearest the join wins a tie).
        delta, leaving, side = room, -1, 0
        x, y = a, b
        while x != y:
            if depth[x] > depth[y]:
                e = parent_arc[x]
                if x < n:
                    left = tree.slack[x] if e < 0 else flow[e]
                elif e < 0:
                    left = tree.bought[x - n] - tree.low[x - n]
                else:
                    left = cap[e] - flow[e]
                if left < delta:
                    delta, leaving, side = left, x, 1
                x = parent[x]
            else:
                e = parent_arc[y]
                if y < n:
                    left = _INF if e < 0 else cap[e] - flow[e]
                elif e < 0:
                    left = tree.high[y - n] - tree.bought[y - n]
                else:
                    left = flow[e]
                if left <= delta:
                    delta, leaving, side = left, y, 2
                y = parent[y]
        join = x
        if delta > 0:
            x = a
            while x != join:
                e = parent_arc[x]
                if x < n:
                    if e < 0:
                        tree.slack[x] -= delta
                    else:
                        flow[e] -= delta
                elif e < 0:
                    tree.bought[x - n] -= delta
                else:
                    flow[e] += delta
                x = parent[x]
            y = b
            while y != join:
                e = parent_arc[y]
                if y < n:
                    if e < 0:
                        tree.slack[y] += delta
                    else:
                        flow[e] += delta
                elif e < 0:
                    tree.bought[y - n] += delta
                else:
                    flow[e] -= delta
                y = parent[y]
            if kind == 0:
                flow[arc] += delta if state[arc] > 0 else -delta
            elif kind == 2:
                tree.bought[arc] += delta
            elif kind == 3:
                tree.bought[arc] -= delta
            else:
                tree.slack[arc] += delta
        if side == 0:
            if kind == 0:
                state[arc] = -state[arc]
            elif kind == 2:
                tree.step[arc] = k + 1
            else:
                tree.step[arc] = k
            continue

        # The leaving arc takes its bound.
        e = parent_arc[leaving]
        if e >= 0:
            state[e] = 1 if flow[e] == 0 else -1
        elif leaving >= n and tree.bought[leaving - n] == tree.high[leaving - n] > tree.low[leaving - n]:
            tree.step[leaving - n] += 1
        top = a if side == 1 else b
        other = b if side == 1 else a
        entering = arc if kind == 0 else _TRANCHE
        if kind == 0:
            state[arc] = 0
        elif kind != 4:
            tree.step[j], tree.low[j], tree.high[j], tree.value[j] = k, low, high, value

        # Hang the cut part from the entering arc, its path turned round.
        x = top
        linked = x < n or tree.child[x] >= 0
        while True:
            if linked:
                _detach(tree, x)
            linked = True
            if x == leaving:
                break
            x = parent[x]
        old = parent[leaving]
        if n <= old < root and tree.child[old] < 0:
            _detach(tree, old)
        x, above, arc_above = top, other, entering
        while True:
            next_up, next_arc = parent[x], parent_arc[x]
            parent[x], parent_arc[x] = above, arc_above
            if x == leaving:
                break
            above, arc_above, x = x, next_arc, next_up
        x = leaving
        while True:
            if x < n or tree.child[x] >= 0:
                _attach(tree, x)
            if x == top:
                break
            x = parent[x]
        if n <= other < root and (top < n or tree.child[top] >= 0) and tree.child[other] == top and tree.next[top] < 0:
            _attach(tree, other)

        # Everything linked in the cut part moves by the same price.
        shift = best if side == 1 else -best
        x = top
        if x < n or tree.child[x] >= 0:
            while True:
                depth[x] = depth[parent[x]] + 1
                if x < n:
                    price[x] += shift
                if tree.child[x] >= 0:
                    x = tree.child[x]
                    continue
                while x != top and tree.next[x] < 0:
                    x = parent[x]
                if x == top:
                    break
                x = tree.next[x]
    return pivots, priced


@njit(cache=True, error_model="numpy")
def _prove(net, tree, face):  # type: ignore[no-untyped-def]
    """The dual value of the tree's prices, the margin of each buyer, and what the face is made of.

    Fills face.price and face.mu (cents), base and width (chips bought above the margin and wanted at it), the lanes
    at zero
    reduced cost outside the tree, and the lanes that bound prices from above and below where the tree alone does not.
    Returns (dual, zero lanes, bounds above, bounds below).
    """
    n, m = net.ask.shape[0], net.demand.shape[0]
    root = n + m
    dual = 0
    for i in range(n):
        face.price[i] = tree.price[i]
        dual += net.supply[i] * (tree.price[i] - net.ask[i])
    tight_above, tight_below = face.tight_above, face.tight_below
    tight_above[root] = 1
    tight_below[root] = 1
    for w in range(_walk(tree, root, face.walk)):
        _tighten(net, tree, face, face.walk[w])
    n_zero, n_above, n_below = 0, 0, 0
    for j in range(m):
        x = n + j
        if tree.child[x] < 0:
            _tighten(net, tree, face, x)
        up = tree.parent_arc[x]
        mu = tree.value[j] if up < 0 else tree.price[net.off[up]] + net.cost[up]
        face.mu[j] = mu
        base, width = 0, 0
        for k in range(net.tptr[j], net.tptr[j + 1]):
            if net.tval[k] > mu:
                base += net.tcap[k]
                dual += net.tcap[k] * (net.tval[k] - mu)
            elif net.tval[k] == mu:
                width += net.tcap[k]
            else:
                break
        face.base[j] = base
        face.width[j] = width
        above_j, below_j = tight_above[x], tight_below[x]
        for e in range(net.ptr[j], net.ptr[j + 1]):
            cap = net.cap[e]
            if cap == 0:
                continue
            i = net.off[e]
            gain = mu - tree.price[i] - net.cost[e]
            if gain > 0:
                dual += cap * gain
            elif gain == 0 and tree.state[e] != 0:
                face.lanes[n_zero] = e
                n_zero += 1
            if not (above_j and tight_above[i]) and ((tree.flow[e] < cap and not above_j)
                                                    or (tree.flow[e] > 0 and not tight_above[i])):
                face.above[n_above] = e
                n_above += 1
            if not (below_j and tight_below[i]) and ((tree.flow[e] < cap and not tight_below[i])
                                                    or (tree.flow[e] > 0 and not below_j)):
                face.below[n_below] = e
                n_below += 1
    return dual, n_zero, n_above, n_below


@njit(cache=True, error_model="numpy")
def _tighten(net, tree, face, x):  # type: ignore[no-untyped-def]
    """Whether the path of tree arcs from the root pins the price of x from above, and from below."""
    n = net.ask.shape[0]
    e = tree.parent_arc[x]
    if x < n:
        down = tree.slack[x] > 0 if e < 0 else tree.flow[e] > 0
        up = e < 0 or tree.flow[e] < net.cap[e]
    elif e < 0:
        down = tree.bought[x - n] > tree.low[x - n]
        up = tree.bought[x - n] < tree.high[x - n]
    else:
        down = tree.flow[e] < net.cap[e]
        up = tree.flow[e] > 0
    face.tight_above[x] = face.tight_above[tree.parent[x]] and down
    face.tight_below[x] = face.tight_below[tree.parent[x]] and up


@njit(cache=True, error_model="numpy")
def _interval(net, tree, face, n_above, n_below):  # type: ignore[no-untyped-def]
    """The highest and lowest equilibrium prices: shortest paths on the residual network, over the nodes the tree
    leaves loose."""
    n, m = net.ask.shape[0], net.demand.shape[0]
    top, bottom = face.top, face.bottom
    for i in range(n):
        top[i] = face.price[i] if face.tight_above[i] or tree.slack[i] > 0 else _INF
        bottom[i] = face.price[i] if face.tight_below[i] else net.ask[i]
    for j in range(m):
        last, first = _INF, -_INF
        if not face.tight_above[n + j] or not face.tight_below[n + j]:
            low = 0
            for k in range(net.tptr[j], net.tptr[j + 1]):
                if tree.bought[j] > low:
                    last = net.tval[k]
                low += net.tcap[k]
                if tree.bought[j] < low:
                    first = net.tval[k]
                    break
        top[n + j] = face.mu[j] if face.tight_above[n + j] else last
        bottom[n + j] = face.mu[j] if face.tight_below[n + j] else first
    _relax(net, tree, top, face.above, n_above, np.int64(1))
    _relax(net, tree, bottom, face.below, n_below, np.int64(-1))


@njit(cache=True, error_model="numpy")
def _relax(net, tree, label, lanes, count, sign):  # type: ignore[no-untyped-def]
    """Lower labels (sign 1) or raise them (sign -1) along lanes until all hold; sweeps run both ways in turn."""
    n = net.ask.shape[0]
    forward = True
    moved = True
    while moved:
        moved = False
        for s in range(count):
            e = lanes[s] if forward else lanes[count - 1 - s]
            i, x = net.off[e], n + net.to[e]
            cost = net.cost[e]
            if sign > 0:
                if tree.flow[e] < net.cap[e] and label[i] < _INF and label[i] + cost < label[x]:
                    label[x] = label[i] + cost
                    moved = True
                if tree.flow[e] > 0 and label[x] < _INF and label[x] - cost < label[i]:
                    label[i] = label[x] - cost
                    moved = True
            else:
                if tree.flow[e] < net.cap[e] and label[x] > -_INF and label[x] - cost > label[i]:
                    label[i] = label[x] - cost
                    moved = True
                if tree.flow[e] > 0 and label[i] + cost > label[x]:
                    label[x] = label[i] + cost
                    moved = True
        forward = not forward


@njit(cache=True, error_model="numpy")
def _tie_hash(seed, seller, buyer, epoch):  # type: ignore[no-untyped-def]
    """31 bits by seller, buyer and epoch; each odd epoch turns the order of the even one before it round."""
    mixed = seller ^ ((buyer << np.uint64(29)) | (buyer >> np.uint64(35)))
    bits = np.int64(philox(seed, mixed, epoch >> 1, 0) >> np.uint64(33))
    return bits if epoch & 1 == 0 else 2147483647 - bits


@njit(cache=True, error_model="numpy")
def _choose(net, tree, face, offer_key, buyer_key, epoch, seed, n_zero, block, most):  # type: ignore[no-untyped-def]
    """Move to the one point of the optimal face that shares the margin alike and breaks what is left by hash."""
    n, m = net.ask.shape[0], net.demand.shape[0]
    stair = (2 * min(n, m) + 4) << 31
    loose = n_zero > 0
    n_lanes, n_buyers, n_offers = n_zero, np.int64(0), np.int64(0)
    marked = face.marked
    for s in range(n_zero):
        e = face.lanes[s]
        face.lane_state[s] = tree.state[e]
        marked[net.to[e]] = 1
    for i in range(n):
        if face.price[i] == net.ask[i]:
            face.offers[n_offers] = i
            n_offers += 1
            loose = loose or tree.parent_arc[i] >= 0
    for j in range(m):
        up = tree.parent_arc[n + j]
        if up >= 0 and face.width[j] > 0:
            marked[j] = 1
            loose = True
        if marked[j] or tree.child[n + j] >= 0:
            face.buyers[n_buyers] = j
            n_buyers += 1
        marked[j] = 0
    if not loose:
        return 0, 0
    for i in range(n):
        e = tree.parent_arc[i]
        if e >= 0:
            face.lanes[n_lanes] = e
            n_lanes += 1
    for s in range(n_buyers):
        e = tree.parent_arc[n + face.buyers[s]]
        if e >= 0:
            face.lanes[n_lanes] = e
            n_lanes += 1
    for s in range(n_lanes):
        e = face.lanes[s]
        face.hash[e] = _tie_hash(seed, offer_key[net.off[e]], buyer_key[net.to[e]], epoch)
    widest = 0
    for s in range(n_buyers):
        widest = max(widest, face.width[face.buyers[s]])
    pivots, priced, pieces = 0, 0, np.int64(16)
    while True:
        for s in range(n_buyers):
            j = face.buyers[s]
            if tree.parent_arc[n + j] < 0:
                _step_down(tree, face, j, pieces, stair)
        _settle(tree, net, n + m, face.hash, face.zero)
        more, seen = _simplex(net, tree, face, np.int64(1), n_lanes, n_buyers, n_offers, pieces, stair, block, most)
        pivots += more
        priced += seen
        if more == most or pieces >= 256 or widest <= pieces:
            return pivots, priced
        pieces *= 16


@njit(cache=True, error_model="numpy")
def _step_down(tree, face, j, pieces, stair):  # type: ignore[no-untyped-def]
    """Put buyer j's tranche arc on the step of its margin that its purchases stand in."""
    width, z = face.width[j], tree.bought[j] - face.base[j]
    k = (pieces * (min(z, width - 1) + 1) + width - 1) // width - 1
    tree.low[j] = face.base[j] + width * k // pieces
    tree.high[j] = face.base[j] + width * (k + 1) // pieces
    tree.value[j] = -k * stair


@njit(cache=True, error_model="numpy")
def _report(net, tree, face, order, flow, offer_price, buyer_price):  # type: ignore[no-untyped-def]
    """Trades in the caller's order, midpoint prices, and surplus re-added from the flows alone. Returns (feasible,
    surplus)."""
    n, m = net.ask.shape[0], net.demand.shape[0]
    sold = face.walk
    for i in range(n):
        sold[i] = 0
    surplus, feasible = 0, True
    for j in range(m):
        bought = 0
        for e in range(net.ptr[j], net.ptr[j + 1]):
            x = tree.flow[e]
            flow[order[e]] = x
            if x != 0:
                feasible = feasible and 0 <= x <= net.cap[e]
                bought += x
                sold[net.off[e]] += x
                surplus -= x * (net.cost[e] + net.ask[net.off[e]])
        feasible = feasible and bought <= net.demand[j]
        buyer_price[j] = 0.5 * (face.top[n + j] + face.bottom[n + j]) if bought > 0 else np.nan
        for k in range(net.tptr[j], net.tptr[j + 1]):
            if bought <= 0:
                break
            surplus += min(bought, net.tcap[k]) * net.tval[k]
            bought -= net.tcap[k]
    for i in range(n):
        feasible = feasible and sold[i] <= net.supply[i]
        offer_price[i] = 0.5 * (face.top[i] + face.bottom[i]) if sold[i] > 0 else np.nan
    return feasible, surplus


@njit(cache=True, error_model="numpy")
def _run(net, tree, face, kept_arc, kept_step, order, offer_key, buyer_key, epoch, seed, warm,  # type: ignore[no-untyped-def]
         flow, offer_price, buyer_price):
    """One clearing. Returns (0 proved, 1 infeasible, 2 did not end; surplus, dual, pivots, lanes priced)."""
    n, m, n_lanes = net.ask.shape[0], net.demand.shape[0], net.cap.shape[0]
    block = max(64, int(np.sqrt(n_lanes)))
    most = 200 * (n + m) + 10 * n_lanes + 1000
    pivots, priced = 0, 0
    none = np.int64(0)
    while True:
        limit = most // 10 if warm else most
        if warm:
            _rebuild(net, tree, face, kept_arc, kept_step)
        else:
            _cold(net, tree)
        done, seen = _simplex(net, tree, face, np.int64(0), none, none, none, none, none, block, limit)
        pivots += done
        priced += seen
        ended = done < limit
        if ended:
            for x in range(n + m):
                kept_arc[x] = tree.parent_arc[x]
            for j in range(m):
                kept_step[j] = tree.step[j] - net.tptr[j]
            dual, n_zero, n_above, n_below = _prove(net, tree, face)
            _interval(net, tree, face, n_above, n_below)
            done, seen = _choose(net, tree, face, offer_key, buyer_key, epoch, seed, n_zero, block, 10 * most)
            pivots += done
            priced += seen
            ended = done < 10 * most
            for s in range(n_zero):
                tree.state[face.lanes[s]] = face.lane_state[s]
            for x in range(n + m):
                if kept_arc[x] >= 0:
                    tree.state[kept_arc[x]] = 0
        if ended:
            feasible, surplus = _report(net, tree, face, order, flow, offer_price, buyer_price)
            return 0 if feasible else 1, surplus, dual, pivots, priced
        if not warm:
            return 2, 0, 0, pivots, priced
        warm = False
