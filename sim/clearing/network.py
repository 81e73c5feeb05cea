"""The exact clearing: a network simplex on whole chips and cents, proved optimal by an integer dual on every solve.

A book is a pure min-cost flow (spatial price equilibrium: Enke 1951; Samuelson 1952; Takayama & Judge 1971): offers
send chips over lanes to buyers, buyers fill their tranches in order, what is not sold stays with the seller. Nodes are
the offers 0..n-1, the buyers n..n+m-1 and the root n+m, which pays for tranches and keeps unsold chips. Potentials are
prices: p at an offer's door, mu delivered to a buyer.

The tree is strongly feasible at a cold start (Cunningham 1976). Most buyers are leaves: only their parent arc is kept,
and mu is read off it, so a pivot touches offers and the few buyers between them. Tranches of a buyer fill in order, so
one pointer stands for all of them. A warm start keeps last tick's tree, recomputes flows leaf to root, and re-hangs a
node where a flow leaves its bounds. Where many offers are alike, the start is the optimum with one offer a kind.

Among equal optima the trades are chosen on the face of zero reduced cost: first the buyers at the margin share alike
(steps of marginal cost that rise with the share of the tranche filled), then lanes go by a hash of (seller, buyer,
epoch), which buyers alike hold in turn.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.clearing.base import Book, BookError, Fold, Ints, Keys, Lanes, Quotas, Trades, typed
from sim.errors import InvariantError
from sim.kernel import kernel
from sim.keyed_random import philox

_INF = 1 << 61
_PARENT, _DEPTH, _UP, _DOWN, _CHILD, _NEXT, _BEFORE = 0, 1, 2, 3, 4, 5, 6
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
    """A basis and its flows.

    node         (n+m+1, 8): parent, depth, chips that can still go up the parent arc and down it, first child, next and
                 previous sibling. One cache line a node, for a pivot walks nodes. Leaves among buyers are in no list.
    parent_arc   (n+m,) a lane, or _TRANCHE.
    price        (n,) at the offer's door.
    bought, low, high, value, step   (m,) chips bought; chips below the tranche in the tree and with it, its value and
                 its row (with a lane in the tree instead: the first row not full).
    slack        (n,) unsold chips.
    state        (E,) 1 empty, -1 full, 0 in the tree or closed. flow (E,) is written from it and the nodes by _sync.
    """

    node: Ints
    parent_arc: Ints
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
    mark: Keys
    twin: NDArray[np.int8]
    table: Ints


class Basis:
    """What one clearing leaves the next: the tree on a fixed index of lanes, and the room it works in. Consumed by
    `clear`.

    All columns of one type lie in one array, cut up by `_lay`, for a call is charged for each array it is given.
    """

    def __init__(self, n: int, m: int, n_tranches: int, lanes: Lanes) -> None:
        n_lanes = len(lanes.lane_offer)
        self.n, self.m, self.n_lanes = n, m, n_lanes
        self.pivots = 0
        """Pivots of the last solve, those over ties included."""
        self.passes = 0.0
        self.state = np.zeros(2, np.int64)
        """Whether a tree is kept, and a sum over it, so that one that was tampered with is not walked."""
        self.whole = np.zeros(_whole_size(n, m, n_lanes), np.int64)
        self.short = np.zeros(2 * n_lanes, np.int32)
        self.byte = np.zeros(_byte_size(n, m, n_lanes), np.int8)
        self.tranches = np.zeros(2 * n_tranches, np.int64)
        column, row = _index(self.whole, self.short, self.byte, self.tranches, n, m, lanes.lane_offer, lanes.lane_buyer)
        if column:
            name, limit = (("lane_offer", n), ("lane_buyer", m))[column - 1]
            raise BookError(f"{name}[{row}] is {getattr(lanes, name)[row]}; it must lie in 0..{limit - 1}")

    def fits(self, n: int, m: int, lanes: Lanes) -> bool:
        """Whether book and lanes have the size this tree was built on; `_load` compares the lanes themselves."""
        return n == self.n and m == self.m and len(lanes.lane_offer) == self.n_lanes

    def room_for(self, n_tranches: int) -> None:
        """Widen the tranche columns when a tick brings more of them."""
        if len(self.tranches) < 2 * n_tranches:
            self.tranches = np.zeros(4 * n_tranches, np.int64)

    def laid(self) -> tuple[_Net, _Tree, _Face, Ints, Ints, Ints]:
        """The columns by name: net, tree, face, kept arcs, kept steps and the order of lanes by buyer."""
        net, tree, face, kept_arc, kept_step, order = _lay(self.whole, self.short, self.byte, self.tranches, self.n, self.m)
        return net, tree, face, kept_arc, kept_step, order


_MANY = 64
"""Offers from which those alike are looked for."""

_CHUNK = 64
"""Lanes of one buyer that are priced at a look: where offers are many, all of a buyer's are more than a pivot is worth."""

_OTHER_LANES, _INFEASIBLE, _ENDLESS, _TAMPERED = 13, 14, 15, 16
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
    if basis is None or not basis.fits(n, m, lanes):
        basis = Basis(n, m, len(book.tranche_buyer), lanes)
    return _solve(book, lanes, basis, int(epoch), int(seed))


def _solve(book: Book, lanes: Lanes, basis: Basis, epoch: int, seed: int) -> tuple[Trades, Basis]:
    """Clear on a basis of the book's size; on a new one where its lanes are others than those it was built on."""
    n, m, n_lanes = basis.n, basis.m, basis.n_lanes
    flow = np.empty(n_lanes, np.int64)
    offer_price, buyer_price = np.empty(n), np.empty(m)
    basis.room_for(len(book.tranche_buyer))
    code, surplus, dual, pivots, scanned = _run(
        basis.whole, basis.short, basis.byte, basis.tranches, basis.state, book.offer_ask, book.offer_cap,
        book.tranche_buyer, book.tranche_value, book.tranche_cap, lanes.lane_offer, lanes.lane_buyer, lanes.lane_cost,
        lanes.lane_cap, book.offer_key, book.buyer_key, epoch, seed, flow, offer_price, buyer_price)
    if code == _OTHER_LANES:
        return _solve(book, lanes, Basis(n, m, len(book.tranche_buyer), lanes), epoch, seed)
    if code in _REASONS:
        column, why = _REASONS[code]
        value = getattr(lanes if column.startswith("lane") else book, column)[surplus]
        raise BookError(f"{column}[{surplus}] is {value}: it {why}")
    if code == _TAMPERED:
        raise InvariantError("clearing: the basis is not the one the last clearing left")
    if code == _ENDLESS:
        raise InvariantError("clearing: the network simplex did not end within its pivots, warm or cold")
    if code == _INFEASIBLE or surplus != dual:
        basis.state[0] = 0
        raise InvariantError(f"clearing: no proof; surplus {surplus}, dual {dual}, feasible {code == 0}")
    basis.pivots = pivots
    basis.passes = scanned / max(n_lanes, 1)
    return Trades(flow, offer_price, buyer_price, int(surplus), int(dual)), basis


# Kernels


@kernel(error_model="numpy")
def _whole_size(n, m, n_lanes):  # type: ignore[no-untyped-def]
    """Length of the int64 array of a basis; the last of it is a hash table of buyers, at most half full."""
    table = 2
    while table <= 2 * m + 1:
        table *= 2
    return 8 * n_lanes + 21 * n + 28 * m + 15 + table


@kernel(error_model="numpy")
def _byte_size(n, m, n_lanes):  # type: ignore[no-untyped-def]
    """Length of the int8 array of a basis."""
    return 2 * n_lanes + 2 * n + 4 * m + 2


@kernel(error_model="numpy")
def _cut(column, at, size):  # type: ignore[no-untyped-def]
    return column[at:at + size], at + size


@kernel(error_model="numpy")
def _lay(whole, short, byte, tranches, n, m):  # type: ignore[no-untyped-def]
    """The columns of a basis, cut from its four arrays: see `Basis.laid`."""
    n_lanes, nodes = short.shape[0] // 2, n + m + 1
    room = tranches.shape[0] // 2
    rows, at = _cut(whole, 0, 8 * nodes)
    order, at = _cut(whole, at, n_lanes)
    ptr, at = _cut(whole, at, m + 1)
    cost, at = _cut(whole, at, n_lanes)
    cap, at = _cut(whole, at, n_lanes)
    ask, at = _cut(whole, at, n)
    supply, at = _cut(whole, at, n)
    demand, at = _cut(whole, at, m)
    tptr, at = _cut(whole, at, m + 1)
    net = _Net(ptr, short[:n_lanes], short[n_lanes:], cost, cap, ask, supply, demand, tptr, tranches[:room], tranches[room:])
    parent_arc, at = _cut(whole, at, nodes)
    price, at = _cut(whole, at, n)
    slack, at = _cut(whole, at, n)
    bought, at = _cut(whole, at, m)
    low, at = _cut(whole, at, m)
    high, at = _cut(whole, at, m)
    value, at = _cut(whole, at, m)
    step, at = _cut(whole, at, m)
    flow, at = _cut(whole, at, n_lanes)
    tree = _Tree(rows.reshape(nodes, 8), parent_arc, price, slack, bought, low, high, value, step, flow, byte[:n_lanes])
    offer_price, at = _cut(whole, at, n)
    mu, at = _cut(whole, at, m)
    base, at = _cut(whole, at, m)
    width, at = _cut(whole, at, m)
    hash, at = _cut(whole, at, n_lanes)
    lanes, at = _cut(whole, at, n_lanes + n + m)
    buyers, at = _cut(whole, at, m)
    offers, at = _cut(whole, at, n)
    above, at = _cut(whole, at, n_lanes)
    below, at = _cut(whole, at, n_lanes)
    top, at = _cut(whole, at, nodes)
    bottom, at = _cut(whole, at, nodes)
    walk, at = _cut(whole, at, nodes)
    zero, at = _cut(whole, at, n)
    mark, at = _cut(whole, at, m)
    kept_arc, at = _cut(whole, at, nodes)
    kept_step, at = _cut(whole, at, m)
    lane_state, to = _cut(byte, n_lanes, n_lanes)
    marked, to = _cut(byte, to, m)
    tight_above, to = _cut(byte, to, nodes)
    tight_below, to = _cut(byte, to, nodes)
    face = _Face(offer_price, mu, base, width, hash, lanes, lane_state, buyers, offers, marked, tight_above, tight_below,
                 above, below, top, bottom, walk, zero, mark.view(np.uint64), byte[to:], whole[at:])
    return net, tree, face, kept_arc, kept_step, order


@kernel(error_model="numpy")
def _index(whole, short, byte, tranches, n, m, lane_offer, lane_buyer):  # type: ignore[no-untyped-def]
    """Lanes in order of buyer, as they come within one. Returns (0, 0), or the number of the column with an end that is no row
    (1 offers, 2 buyers) and its place."""
    net, _, _, _, _, order = _lay(whole, short, byte, tranches, n, m)
    ptr, off, to = net.ptr, net.off, net.to
    for e in range(lane_offer.shape[0]):
        if not 0 <= lane_offer[e] < n:
            return 1, e
    for e in range(lane_buyer.shape[0]):
        j = lane_buyer[e]
        if not 0 <= j < m:
            return 2, e
        ptr[j + 1] += 1
    for j in range(m):
        ptr[j + 1] += ptr[j]
    for e in range(lane_offer.shape[0]):
        j = lane_buyer[e]
        s = ptr[j]
        ptr[j] += 1
        order[s], off[s], to[s] = e, lane_offer[e], j
    for j in range(m, 0, -1):
        ptr[j] = ptr[j - 1]
    ptr[0] = 0
    return 0, 0


@kernel(error_model="numpy")
def _load(net, order, ask, supply, tranche_buyer, tranche_value, tranche_cap,  # type: ignore[no-untyped-def]
          lane_offer, lane_buyer, lane_cost, lane_cap):
    """Check a book and lay it out by buyer. Returns (0, 0), or the number of a fault and its row."""
    ask_of, cap, cost_of, demand, off, supply_of = net.ask, net.cap, net.cost, net.demand, net.off, net.supply
    tcap, to, count, tval = net.tcap, net.to, net.tptr, net.tval
    n, m, n_lanes = ask_of.shape[0], demand.shape[0], order.shape[0]
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
        ask_of[i] = ask[i]
        supply_of[i] = supply[i]
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
            tval[fill] = tranche_value[t]
            tcap[fill] = tranche_cap[t]
            demand[j] += tranche_cap[t]
            fill += 1
    for s in range(n_lanes):
        e = order[s]
        if lane_offer[e] != off[s] or lane_buyer[e] != to[s]:
            return _OTHER_LANES, e
        if lane_cap[e] < 0:
            return 7, e
        cost = lane_cost[e]
        size = cost if cost >= 0 else -cost
        if size > largest or size < 0:
            if size < 0:
                return 10, e
            largest, largest_code, largest_row = size, 10, e
        most = min(supply[off[s]], demand[to[s]])
        cost_of[s] = cost
        cap[s] = lane_cap[e] if lane_cap[e] <= most else (most + 1 if most > 0 else 0)
    could_trade = min(total_supply, total_demand) + 2.0
    if 8.0 * largest * could_trade >= 2.0**62 or 2.0 * (min(n, m) + 2.0) * largest >= 2.0**60:
        return largest_code, largest_row
    return 0, 0


@kernel(error_model="numpy")
def _sealed(arcs):  # type: ignore[no-untyped-def]
    """A sum that changes when any arc does, or two change places."""
    seal = 0
    for x in range(arcs.shape[0]):
        seal = seal * 1_000_003 + arcs[x]
    return seal


@kernel(error_model="numpy")
def _detach(node, x):  # type: ignore[no-untyped-def]
    before, after = node[x, _BEFORE], node[x, _NEXT]
    if before >= 0:
        node[before, _NEXT] = after
    else:
        node[node[x, _PARENT], _CHILD] = after
    if after >= 0:
        node[after, _BEFORE] = before


@kernel(error_model="numpy")
def _attach(node, x):  # type: ignore[no-untyped-def]
    p = node[x, _PARENT]
    first = node[p, _CHILD]
    node[x, _NEXT] = first
    node[x, _BEFORE] = -1
    node[p, _CHILD] = x
    if first >= 0:
        node[first, _BEFORE] = x


@kernel(error_model="numpy")
def _hang(net, tree):  # type: ignore[no-untyped-def]
    """Parents and child lists from the parent arcs; leaves among the buyers stay out of the lists."""
    ask, demand, off, to = net.ask, net.demand, net.off, net.to
    node, parent_arc = tree.node, tree.parent_arc
    n, m = ask.shape[0], demand.shape[0]
    root = n + m
    for x in range(root + 1):
        node[x, _CHILD] = -1
    for i in range(n):
        e = parent_arc[i]
        node[i, _PARENT] = root if e < 0 else n + to[e]
        _attach(node, i)
    for x in range(n, root):
        e = parent_arc[x]
        node[x, _PARENT] = root if e < 0 else off[e]
        if node[x, _CHILD] >= 0:
            _attach(node, x)
    node[root, _DEPTH] = 0


@kernel(error_model="numpy")
def _settle(tree, net, start, cost, ask):  # type: ignore[no-untyped-def]
    """Depths and prices of everything linked below `start`, top down, from scratch."""
    ask_of, off, to = net.ask, net.off, net.to
    node, parent_arc, price, value = tree.node, tree.parent_arc, tree.price, tree.value
    n = ask_of.shape[0]
    x = node[start, _CHILD]
    while x >= 0:
        node[x, _DEPTH] = node[node[x, _PARENT], _DEPTH] + 1
        if x < n:
            e = parent_arc[x]
            if e < 0:
                price[x] = ask[x]
            else:
                j = to[e]
                up = parent_arc[n + j]
                mu = value[j] if up < 0 else price[off[up]] + cost[up]
                price[x] = mu - cost[e]
        if node[x, _CHILD] >= 0:
            x = node[x, _CHILD]
            continue
        while x != start and node[x, _NEXT] < 0:
            x = node[x, _PARENT]
        if x == start:
            break
        x = node[x, _NEXT]


@kernel(error_model="numpy")
def _dress(net, tree):  # type: ignore[no-untyped-def]
    """Room up and down each parent arc, from the flows."""
    ask, cap, demand = net.ask, net.cap, net.demand
    bought, flow, high, low, node = tree.bought, tree.flow, tree.high, tree.low, tree.node
    parent_arc, slack = tree.parent_arc, tree.slack
    n, m = ask.shape[0], demand.shape[0]
    for i in range(n):
        e = parent_arc[i]
        node[i, _UP] = _INF if e < 0 else cap[e] - flow[e]
        node[i, _DOWN] = slack[i] if e < 0 else flow[e]
    for j in range(m):
        e = parent_arc[n + j]
        node[n + j, _UP] = high[j] - bought[j] if e < 0 else flow[e]
        node[n + j, _DOWN] = bought[j] - low[j] if e < 0 else cap[e] - flow[e]


@kernel(error_model="numpy")
def _sync(net, tree):  # type: ignore[no-untyped-def]
    """Flows, unsold chips and purchases from the states of lanes and the rooms of nodes."""
    ask, cap, demand = net.ask, net.cap, net.demand
    bought, flow, low, node, parent_arc = tree.bought, tree.flow, tree.low, tree.node, tree.parent_arc
    slack, state = tree.slack, tree.state
    n, m = ask.shape[0], demand.shape[0]
    for e in range(cap.shape[0]):
        flow[e] = cap[e] if state[e] < 0 else 0
    for i in range(n):
        e = parent_arc[i]
        slack[i] = node[i, _DOWN] if e < 0 else 0
        if e >= 0:
            flow[e] = node[i, _DOWN]
    for j in range(m):
        e = parent_arc[n + j]
        if e >= 0:
            flow[e] = node[n + j, _UP]
        else:
            bought[j] = low[j] + node[n + j, _DOWN]


@kernel(error_model="numpy")
def _sync_face(net, tree, face, n_lanes, n_buyers):  # type: ignore[no-untyped-def]
    """Flows and unsold chips where ties can have moved them."""
    cap, flow, node, parent_arc, state = net.cap, tree.flow, tree.node, tree.parent_arc, tree.state
    lanes, buyers = face.lanes, face.buyers
    n = net.ask.shape[0]
    for s in range(n_lanes):
        e = lanes[s]
        flow[e] = cap[e] if state[e] < 0 else 0
    for i in range(n):
        e = parent_arc[i]
        tree.slack[i] = node[i, _DOWN] if e < 0 else 0
        if e >= 0:
            flow[e] = node[i, _DOWN]
    for s in range(n_buyers):
        x = n + buyers[s]
        e = parent_arc[x]
        if e >= 0:
            flow[e] = node[x, _UP]


@kernel(error_model="numpy")
def _place(tptr, tval, tcap, bought, low, high, value, step, j, keep):  # type: ignore[no-untyped-def]
    """Hang buyer j on the tranche its purchases end in; `keep` is the one it hung on before, if it still fits."""
    first, end = tptr[j], tptr[j + 1]
    below = 0
    k = first
    while k < end - 1 and (bought[j] > below + tcap[k] or (bought[j] == below + tcap[k] and k != keep)):
        below += tcap[k]
        k += 1
    step[j] = k
    low[j] = below
    high[j] = below + tcap[k] if k < end else below
    value[j] = tval[k] if k < end else 0


@kernel(error_model="numpy")
def _cold(net, tree):  # type: ignore[no-untyped-def]
    """Nothing traded: offers hang on their unsold chips, buyers on their first tranche; strongly feasible."""
    ask, cap, cost, demand, supply, tcap = net.ask, net.cap, net.cost, net.demand, net.supply, net.tcap
    tptr, tval = net.tptr, net.tval
    bought, flow, high, low, parent_arc = tree.bought, tree.flow, tree.high, tree.low, tree.parent_arc
    slack, state, step, value = tree.slack, tree.state, tree.step, tree.value
    n, m = ask.shape[0], demand.shape[0]
    for x in range(n + m):
        parent_arc[x] = _TRANCHE
    for e in range(cap.shape[0]):
        flow[e] = 0
        state[e] = 1 if cap[e] > 0 else 0
    for i in range(n):
        slack[i] = supply[i]
    for j in range(m):
        bought[j] = 0
        _place(tptr, tval, tcap, bought, low, high, value, step, j, np.int64(-1))
    _hang(net, tree)
    _settle(tree, net, n + m, cost, ask)
    _dress(net, tree)


@kernel(error_model="numpy")
def _rebuild(net, tree, face, kept_arc, kept_step):  # type: ignore[no-untyped-def]
    """A feasible tree as near to the kept one as the new book allows, flows from leaf to root.

    A buyer on a lane takes what it wants at its price; an offer on a lane sends up all it has left. Where lane, offer
    or buyer cannot take that much, the node is hung on the root, or the two change places.
    """
    ask, cap_of, cost, demand, off, ptr, supply = net.ask, net.cap, net.cost, net.demand, net.off, net.ptr, net.supply
    tcap, to, tptr, tval = net.tcap, net.to, net.tptr, net.tval
    bought, flow, high, low, node = tree.bought, tree.flow, tree.high, tree.low, tree.node
    parent_arc, price, slack, state, step = tree.parent_arc, tree.price, tree.slack, tree.state, tree.step
    value = tree.value
    sold, done, inflow, walk = face.bottom, face.tight_above, face.top, face.walk
    n, m = ask.shape[0], demand.shape[0]
    root = n + m
    for x in range(root):
        inflow[x], sold[x], done[x] = 0, 0, 0
        e = kept_arc[x]
        if e >= 0 and cap_of[e] == 0:
            e = _TRANCHE
        parent_arc[x] = e
        if e >= 0:
            state[e] = 0
    for j in range(m):
        for e in range(ptr[j], ptr[j + 1]):
            chips = 0
            if state[e] < 0 and cap_of[e] > 0:
                i, room = off[e], cap_of[e]
                if inflow[j] + room <= demand[j] and sold[i] + room <= supply[i]:
                    chips = room
                    inflow[j] += room
                    sold[i] += room
            flow[e] = chips
        k = min(tptr[j] + kept_step[j], tptr[j + 1] - 1)
        value[j] = tval[k] if k >= tptr[j] else 0
    _hang(net, tree)
    _settle(tree, net, root, cost, ask)
    n_walk = _walk(node, root, walk)
    for s in range(m + n_walk):
        x = n + s if s < m else walk[n_walk - 1 - (s - m)]
        if s < m and node[x, _CHILD] >= 0:
            continue
        e = parent_arc[x]
        if x < n:
            left = supply[x] - sold[x]
            slack[x] = 0 if e >= 0 else left
            if e < 0 or done[x]:
                continue
            j = to[e]
            chips = min(left, min(cap_of[e], demand[j] - inflow[j]))
            flow[e] = chips
            inflow[j] += chips
            slack[x] = left - chips
            if chips < left:
                parent_arc[x] = _TRANCHE
                if 0 < chips < cap_of[e]:
                    parent_arc[n + j] = e
                    done[n + j] = 1
            continue
        j = x - n
        first, end = tptr[j], tptr[j + 1]
        keep = first + kept_step[j]
        if done[x]:
            bought[j], step[j] = inflow[j], end
            continue
        if e >= 0:
            i = off[e]
            mu = price[i] + cost[e]
            want, k = 0, first
            while k < end and (tval[k] > mu or (tval[k] == mu and k < keep)):
                want += tcap[k]
                k += 1
            chips = want - inflow[j]
            room = supply[i] - sold[i]
            exact = 0 <= chips <= cap_of[e] and chips <= room
            chips = max(0, min(chips, min(cap_of[e], room)))
            flow[e] = chips
            sold[i] += chips
            inflow[j] += chips
            if exact:
                bought[j], step[j] = inflow[j], k
                continue
            keep = -1
            parent_arc[x] = _TRANCHE
            if 0 < chips < cap_of[e]:
                parent_arc[i] = e
                done[i] = 1
        bought[j] = inflow[j]
        _place(tptr, tval, tcap, bought, low, high, value, step, j, keep)
    for e in range(cap_of.shape[0]):
        cap = cap_of[e]
        state[e] = 0 if cap == 0 else (-1 if flow[e] == cap else 1)
    for x in range(root):
        if parent_arc[x] >= 0:
            state[parent_arc[x]] = 0
    _hang(net, tree)
    _settle(tree, net, root, cost, ask)
    _dress(net, tree)


@kernel(error_model="numpy")
def _group(net, table, groups, group):  # type: ignore[no-untyped-def]
    """Which offers are alike: the same ask and the same open lanes at the same costs, none with a cap of its own that could bind.
    group (n,) gets the row of a group, -1 without chips; groups (n,) the first offer of each. Returns how many groups."""
    ask, cap, cost, demand, off, supply, to = net.ask, net.cap, net.cost, net.demand, net.off, net.supply, net.to
    n, last = ask.shape[0], table.shape[0] - 1
    marks = np.empty(n, np.uint64)
    for i in range(n):
        marks[i] = _mix(np.uint64(0x9E3779B97F4A7C15), np.uint64(ask[i]), np.uint64(1))
    for e in range(cap.shape[0]):
        if cap[e] > 0:
            i, j = off[e], to[e]
            marks[i] = _mix(marks[i], np.uint64(j), np.uint64(cost[e]))
            if cap[e] < min(supply[i], demand[j]):
                marks[i] = _mix(marks[i], np.uint64(i), np.uint64(2))
    table[:] = -1
    count = 0
    for i in range(n):
        group[i] = -1
        if supply[i] == 0:
            continue
        s = np.int64(marks[i] >> np.uint64(20)) & last
        while table[s] >= 0 and marks[groups[table[s]]] != marks[i]:
            s = (s + 1) & last
        if table[s] < 0:
            table[s] = count
            groups[count] = i
            count += 1
        group[i] = table[s]
    return count


@kernel(error_model="numpy")
def _start_from_groups(net, kept_arc, kept_step, state, tranche_buyer, tranche_value, tranche_cap):  # type: ignore[no-untyped-def]
    """A tree to start from, where many offers are alike: the optimum with one offer a group, its goods dealt out in order of rows.
    Returns whether there is one, with its pivots and lanes priced."""
    ask, cap, cost, off, supply, to = net.ask, net.cap, net.cost, net.off, net.supply, net.to
    n, m = ask.shape[0], net.demand.shape[0]
    group, groups = np.empty(n, np.int64), np.empty(n, np.int64)
    count = _group(net, np.empty(4 << int(np.log2(n + 1)), np.int64), groups, group)
    if 3 * count > n:
        return False, 0, 0
    first = np.zeros(n, np.bool_)
    for g in range(count):
        first[groups[g]] = True
    n_lanes = 0
    for e in range(cap.shape[0]):
        if first[off[e]] and cap[e] > 0:
            n_lanes += 1
    offer, buyer = np.empty(n_lanes, np.int64), np.empty(n_lanes, np.int64)
    lane_cost, lane_cap = np.empty(n_lanes, np.int64), np.empty(n_lanes, np.int64)
    asks, chips = ask[groups[:count]], np.zeros(count, np.int64)
    for i in range(n):
        if group[i] >= 0:
            chips[group[i]] += supply[i]
    s = 0
    for e in range(cap.shape[0]):
        if first[off[e]] and cap[e] > 0:
            g = group[off[e]]
            offer[s], buyer[s], lane_cost[s] = g, to[e], cost[e]
            lane_cap[s] = cap[e] if cap[e] < min(supply[off[e]], net.demand[to[e]]) else chips[g] + 1
            s += 1
    whole = np.zeros(_whole_size(count, m, n_lanes), np.int64)
    short, byte = np.zeros(2 * n_lanes, np.int32), np.zeros(_byte_size(count, m, n_lanes), np.int8)
    tranches = np.zeros(2 * tranche_buyer.shape[0], np.int64)
    _index(whole, short, byte, tranches, count, m, offer, buyer)
    few, tree, face, _, _, order = _lay(whole, short, byte, tranches, count, m)
    code, _ = _load(few, order, asks, chips, tranche_buyer, tranche_value, tranche_cap, offer, buyer, lane_cost, lane_cap)
    _cold(few, tree)
    most, none = 20 * (count + m) + n_lanes + 100, np.int64(0)
    done, seen = _simplex(few, tree, face, none, none, none, none, none, none, 64, most)
    if code or done == most:
        return False, done, seen
    _deal(net, few, tree, group, groups[:count], kept_arc)
    for j in range(m):
        kept_step[j] = tree.step[j] - few.tptr[j]
    state[:] = 1
    return True, done, seen


@kernel(error_model="numpy")
def _deal(net, few, tree, group, last, kept_arc):  # type: ignore[no-untyped-def]
    """Parent arcs of offers and buyers from the tree of the groups: the buyers below a group are served one after the other,
    the offer that two of them share is their link. last (groups,) holds the first offer of each, and is used up."""
    off, ptr, supply = net.off, net.ptr, net.supply
    n, m, count = supply.shape[0], net.demand.shape[0], last.shape[0]
    lane, left, then = np.empty(n, np.int64), supply.copy(), np.full(n, -1, np.int64)
    at = last.copy()
    for i in range(n):
        kept_arc[i] = _TRANCHE
        g = group[i]
        if g >= 0 and i != last[g]:
            then[last[g]] = i
            last[g] = i
    for j in range(m):
        e = tree.parent_arc[count + j]
        kept_arc[n + j] = _TRANCHE
        if e < 0:
            continue
        g, need = few.off[e], tree.node[count + j, _UP]
        for s in range(ptr[j], ptr[j + 1]):
            lane[off[s]] = s
        i = at[g]
        while need >= left[i] and then[i] >= 0:
            kept_arc[i] = lane[i]
            need -= left[i]
            i = then[i]
        kept_arc[n + j] = lane[i]
        left[i] -= need
        at[g] = i
    for g in range(count):
        e = tree.parent_arc[g]
        if e < 0:
            continue
        j = few.to[e]
        for s in range(ptr[j], ptr[j + 1]):
            lane[off[s]] = s
        i = at[g]
        while i >= 0:
            kept_arc[i] = lane[i]
            i = then[i]


@kernel(error_model="numpy")
def _walk(node, root, walk):  # type: ignore[no-untyped-def]
    """Linked nodes below the root, parents before children."""
    count = 0
    x = node[root, _CHILD]
    while x >= 0:
        walk[count] = x
        count += 1
        if node[x, _CHILD] >= 0:
            x = node[x, _CHILD]
            continue
        while x != root and node[x, _NEXT] < 0:
            x = node[x, _PARENT]
        if x == root:
            break
        x = node[x, _NEXT]
    return count


@kernel(error_model="numpy")
def _best_gain(price, off, cost, state, mu):  # type: ignore[no-untyped-def]
    """The most that a lane of one buyer's would gain by entering, 0 where none would; off, cost and state (E,) hold its lanes.
    Apart from the search for the lane, and on lanes from 0 to the end, so that the compiler prices several at once."""
    best = np.int64(0)
    for e in range(off.shape[0]):
        best = max(best, state[e] * (mu - price[off[e]] - cost[e]))
    return best


@kernel(error_model="numpy")
def _simplex(net, tree, face, ties, n_lanes, n_buyers, n_offers, pieces, stair, block, most):  # type: ignore[no-untyped-def]
    """Pivot until no arc prices in. With `ties` costs are hashes and only the face's lanes, buyers and offers may
    enter.

    Returns pivots done and lanes priced; pivots == most means it did not end.
    """
    ask_of, cap, cost_of, demand, off, ptr = net.ask, net.cap, net.cost, net.demand, net.off, net.ptr
    tcap, to, tptr, tval = net.tcap, net.to, net.tptr, net.tval
    bought_of, low_of, node, parent_arc = tree.bought, tree.low, tree.node, tree.parent_arc
    price, state, step, value_of = tree.price, tree.state, tree.step, tree.value
    base_of, buyers, hash, lanes, offers = face.base, face.buyers, face.hash, face.lanes, face.offers
    width_of, zero = face.width, face.zero
    n, m = ask_of.shape[0], demand.shape[0]
    root = n + m
    cost = hash if ties else cost_of
    ask = zero if ties else ask_of
    pivots, priced, cursor, within = 0, 0, 0, 0
    positions = n_lanes + n_buyers + n_offers if ties else m + 1
    while pivots < most:
        best, kind, arc, scanned, visited = 0, -1, -1, 0, 0 if within == 0 else -1
        while visited < positions:
            if ties:
                scanned += 1
                if cursor < n_lanes:
                    e = lanes[cursor]
                    up = parent_arc[n + to[e]]
                    mu = value_of[to[e]] if up < 0 else price[off[up]] + cost[up]
                    gain = state[e] * (mu - price[off[e]] - cost[e])
                    if gain > best:
                        best, kind, arc = gain, 0, e
                elif cursor < n_lanes + n_buyers:
                    j = buyers[cursor - n_lanes]
                    up = parent_arc[n + j]
                    width = width_of[j]
                    if up >= 0 and width > 0:
                        mu = price[off[up]] + cost[up]
                        z = bought_of[j] - base_of[j]
                        if z < width:
                            gain = -((pieces * (z + 1) + width - 1) // width - 1) * stair - mu
                            if gain > best:
                                best, kind, arc = gain, 2, j
                        if z > 0:
                            gain = mu + ((pieces * z + width - 1) // width - 1) * stair
                            if gain > best:
                                best, kind, arc = gain, 3, j
                else:
                    i = offers[cursor - n_lanes - n_buyers]
                    if parent_arc[i] >= 0 and -price[i] > best:
                        best, kind, arc = -price[i], 4, i
            elif cursor < m:
                j = cursor
                start = ptr[j] + within
                end = min(ptr[j + 1], start + _CHUNK)
                up = parent_arc[n + j]
                mu = value_of[j] if up < 0 else price[off[up]] + cost[up]
                gain = _best_gain(price, off[start:end], cost[start:end], state[start:end], mu)
                if gain > best:
                    best, kind, arc = gain, 0, start
                    while state[arc] * (mu - price[off[arc]] - cost[arc]) < gain:
                        arc += 1
                within = end - ptr[j] if end < ptr[j + 1] else 0
                if up >= 0 and within == 0:
                    k = step[j]
                    if k < tptr[j + 1] and tval[k] - mu > best:
                        best, kind, arc = tval[k] - mu, 2, j
                    if k > tptr[j] and mu - tval[k - 1] > best:
                        best, kind, arc = mu - tval[k - 1], 3, j
                scanned += end - start
            else:
                for i in range(n):
                    if parent_arc[i] >= 0 and ask[i] - price[i] > best:
                        best, kind, arc = ask[i] - price[i], 4, i
                scanned += n
            if within == 0:
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
            node[x, _DEPTH] = node[node[x, _PARENT], _DEPTH] + 1
            if state[arc] > 0:
                a, b, room = i, x, cap[arc]
            else:
                a, b, room = x, i, cap[arc]
        elif kind == 4:
            a, b, room = arc, root, _INF
        else:
            j = arc
            node[n + j, _DEPTH] = node[node[n + j, _PARENT], _DEPTH] + 1
            bought = bought_of[j]
            if ties:
                width, base = width_of[j], base_of[j]
                z = bought - base
                k = (pieces * (z + 1) + width - 1) // width - 1 if kind == 2 else (pieces * z + width - 1) // width - 1
                low, high = base + width * k // pieces, base + width * (k + 1) // pieces
                value = -k * stair
            else:
                k = step[j] if kind == 2 else step[j] - 1
                low = bought if kind == 2 else bought - tcap[k]
                high = low + tcap[k]
                value = tval[k]
            room = high - low
            if kind == 2:
                a, b = n + j, root
            else:
                a, b = root, n + j

        # Round the cycle: down to a (nearest a wins a tie), the arc itself, up from b (nearest the join wins a tie).
        delta, leaving, side = room, -1, 0
        x, y = a, b
        while x != y:
            if node[x, _DEPTH] > node[y, _DEPTH]:
                if node[x, _DOWN] < delta:
                    delta, leaving, side = node[x, _DOWN], x, 1
                x = node[x, _PARENT]
            else:
                if node[y, _UP] <= delta:
                    delta, leaving, side = node[y, _UP], y, 2
                y = node[y, _PARENT]
        join = x
        if delta > 0:
            x = a
            while x != join:
                node[x, _UP] += delta
                node[x, _DOWN] -= delta
                x = node[x, _PARENT]
            y = b
            while y != join:
                node[y, _UP] -= delta
                node[y, _DOWN] += delta
                y = node[y, _PARENT]
        if side == 0:
            if kind == 0:
                state[arc] = -state[arc]
            elif kind == 2:
                bought_of[j] = high
                step[j] = k + 1
            else:
                bought_of[j] = low
                step[j] = k
            continue

        # The leaving arc takes its bound.
        e = parent_arc[leaving]
        if e >= 0:
            state[e] = 1 if node[leaving, _DOWN if leaving < n else _UP] == 0 else -1
        elif leaving >= n:
            y = leaving - n
            bought_of[y] = low_of[y] + node[leaving, _DOWN]
            if node[leaving, _UP] == 0 and node[leaving, _DOWN] > 0:
                step[y] += 1
        top = a if side == 1 else b
        other = b if side == 1 else a
        if kind == 0:
            entering = arc
            up, down = (delta, room - delta) if (state[arc] > 0) == (top >= n) else (room - delta, delta)
            state[arc] = 0
        else:
            entering = _TRANCHE
            up, down = (room - delta, delta) if kind != 3 else (delta, room - delta)
            if kind != 4:
                step[j], low_of[j], value_of[j] = k, low, value

        # Hang the cut part from the entering arc, its path turned round.
        x = top
        linked = x < n or node[x, _CHILD] >= 0
        while True:
            if linked:
                _detach(node, x)
            linked = True
            if x == leaving:
                break
            x = node[x, _PARENT]
        old = node[leaving, _PARENT]
        if n <= old < root and node[old, _CHILD] < 0:
            _detach(node, old)
        x, above, arc_above = top, other, entering
        while True:
            next_up, next_arc, next_room, next_down = node[x, _PARENT], parent_arc[x], node[x, _UP], node[x, _DOWN]
            node[x, _PARENT], node[x, _UP], node[x, _DOWN], parent_arc[x] = above, up, down, arc_above
            if x == leaving:
                break
            above, arc_above, up, down, x = x, next_arc, next_down, next_room, next_up
        while True:
            if x < n or node[x, _CHILD] >= 0:
                _attach(node, x)
            if x == top:
                break
            x = node[x, _PARENT]
        if n <= other < root and node[other, _CHILD] == top and node[top, _NEXT] < 0:
            _attach(node, other)

        # Everything linked in the cut part moves by the same price.
        if x < n or node[x, _CHILD] >= 0:
            shift = best if side == 1 else -best
            while True:
                node[x, _DEPTH] = node[node[x, _PARENT], _DEPTH] + 1
                if x < n:
                    price[x] += shift
                if node[x, _CHILD] >= 0:
                    x = node[x, _CHILD]
                    continue
                while x != top and node[x, _NEXT] < 0:
                    x = node[x, _PARENT]
                if x == top:
                    break
                x = node[x, _NEXT]
    return pivots, priced


@kernel(error_model="numpy")
def _prove(net, tree, face):  # type: ignore[no-untyped-def]
    """The dual value of the tree's prices, the margin of each buyer, and what the face is made of.

    Fills face.price and face.mu (cents), base and width (chips bought above the margin and wanted at it), the lanes
    at zero
    reduced cost outside the tree, and the lanes that bound prices from above and below where the tree alone does not.
    Returns (dual, zero lanes, bounds above, bounds below).
    """
    ask, cap_of, cost, demand, off, ptr, supply = net.ask, net.cap, net.cost, net.demand, net.off, net.ptr, net.supply
    tcap, tptr, tval = net.tcap, net.tptr, net.tval
    bought, flow_of, node, parent_arc, price_of = tree.bought, tree.flow, tree.node, tree.parent_arc, tree.price
    state_of, value = tree.state, tree.value
    above, base_of, below, lanes, mu_of, price = face.above, face.base, face.below, face.lanes, face.mu, face.price
    tight_above, tight_below, walk, width_of = face.tight_above, face.tight_below, face.walk, face.width
    n, m = ask.shape[0], demand.shape[0]
    root = n + m
    dual = 0
    for i in range(n):
        price[i] = price_of[i]
        dual += supply[i] * (price_of[i] - ask[i])
    tight_above[root] = 1
    tight_below[root] = 1
    for w in range(_walk(node, root, walk)):
        _tighten(node, tight_above, tight_below, walk[w])
    n_zero, n_above, n_below = 0, 0, 0
    for j in range(m):
        x = n + j
        if node[x, _CHILD] < 0:
            _tighten(node, tight_above, tight_below, x)
        up = parent_arc[x]
        mu = value[j] if up < 0 else price_of[off[up]] + cost[up]
        mu_of[j] = mu
        base, width = 0, 0
        for k in range(tptr[j], tptr[j + 1]):
            if tval[k] > mu:
                base += tcap[k]
                dual += tcap[k] * (tval[k] - mu)
            elif tval[k] == mu:
                width += tcap[k]
            else:
                break
        base_of[j] = base
        width_of[j] = width
        loose_below, reached = tight_below[x] == 0, up >= 0 or node[x, _CHILD] >= 0
        for e in range(ptr[j], ptr[j + 1]):
            i = off[e]
            gain = mu - price_of[i] - cost[e]
            if gain < 0 and tight_below[i] and flow_of[e] == 0:
                continue
            cap = cap_of[e]
            if gain > 0:
                dual += cap * gain
            elif gain == 0 and state_of[e] != 0:
                lanes[n_zero] = e
                n_zero += 1
                reached = True
            flow = flow_of[e]
            if flow > 0:
                if tight_above[i] == 0:
                    above[n_above] = e
                    n_above += 1
                if loose_below or (tight_below[i] == 0 and flow < cap):
                    below[n_below] = e
                    n_below += 1
            elif cap > 0 and tight_below[i] == 0:
                below[n_below] = e
                n_below += 1
        may_buy = bought[j] > 0 or (width > 0 and reached)
        if tight_above[x] == 0 and may_buy:
            for e in range(ptr[j], ptr[j + 1]):
                if flow_of[e] < cap_of[e] and (flow_of[e] == 0 or tight_above[off[e]]):
                    above[n_above] = e
                    n_above += 1
    return dual, n_zero, n_above, n_below


@kernel(error_model="numpy")
def _tighten(node, tight_above, tight_below, x):  # type: ignore[no-untyped-def]
    """Whether the path of tree arcs from the root pins the price of x from above, and from below."""
    p = node[x, _PARENT]
    tight_above[x] = tight_above[p] and node[x, _DOWN] > 0
    tight_below[x] = tight_below[p] and node[x, _UP] > 0


@kernel(error_model="numpy")
def _interval(net, tree, face, n_above, n_below):  # type: ignore[no-untyped-def]
    """The highest and lowest equilibrium prices: shortest paths on the residual network, over the nodes the tree
    leaves loose."""
    ask, demand, tcap, tptr, tval = net.ask, net.demand, net.tcap, net.tptr, net.tval
    bought, slack = tree.bought, tree.slack
    above, below, bottom, mu, price = face.above, face.below, face.bottom, face.mu, face.price
    tight_above, tight_below, top = face.tight_above, face.tight_below, face.top
    n, m = ask.shape[0], demand.shape[0]
    for i in range(n):
        top[i] = price[i] if tight_above[i] or slack[i] > 0 else _INF
        bottom[i] = price[i] if tight_below[i] else ask[i]
    for j in range(m):
        last, first = _INF, -_INF
        if not tight_above[n + j] or not tight_below[n + j]:
            low = 0
            for k in range(tptr[j], tptr[j + 1]):
                if bought[j] > low:
                    last = tval[k]
                low += tcap[k]
                if bought[j] < low:
                    first = tval[k]
                    break
        top[n + j] = mu[j] if tight_above[n + j] else last
        bottom[n + j] = mu[j] if tight_below[n + j] else first
    _relax(net, tree, top, above, n_above, np.int64(1))
    _relax(net, tree, bottom, below, n_below, np.int64(-1))


@kernel(error_model="numpy")
def _relax(net, tree, label, lanes, count, sign):  # type: ignore[no-untyped-def]
    """Lower labels (sign 1) or raise them (sign -1) along lanes until all hold; sweeps run both ways in turn."""
    ask, cap, cost_of, off, to = net.ask, net.cap, net.cost, net.off, net.to
    flow = tree.flow
    n = ask.shape[0]
    forward = True
    moved = True
    while moved:
        moved = False
        for s in range(count):
            e = lanes[s] if forward else lanes[count - 1 - s]
            i, x = off[e], n + to[e]
            cost = cost_of[e]
            if sign > 0:
                if flow[e] < cap[e] and label[i] < _INF and label[i] + cost < label[x]:
                    label[x] = label[i] + cost
                    moved = True
                if flow[e] > 0 and label[x] < _INF and label[x] - cost < label[i]:
                    label[i] = label[x] - cost
                    moved = True
            else:
                if flow[e] < cap[e] and label[x] > -_INF and label[x] - cost > label[i]:
                    label[i] = label[x] - cost
                    moved = True
                if flow[e] > 0 and label[i] + cost > label[x]:
                    label[x] = label[i] + cost
                    moved = True
        forward = not forward


@kernel(error_model="numpy")
def _tie_hash(seed, seller, buyer, epoch):  # type: ignore[no-untyped-def]
    """31 bits by seller, buyer and epoch; each odd epoch turns the order of the even one before it round."""
    mixed = seller ^ ((buyer << np.uint64(29)) | (buyer >> np.uint64(35)))
    bits = np.int64(philox(seed, mixed, epoch >> 1, 0) >> np.uint64(33))
    return bits if epoch & 1 == 0 else 2147483647 - bits


@kernel(error_model="numpy")
def _find_twins(net, face):  # type: ignore[no-untyped-def]
    """Buyers whose tranches are the same: face.mark (m,) a hash of what each wants, face.twin (m,) 1 where another
    buyer wants the same. Returns how many lanes they have."""
    ptr, tcap, tptr, tval = net.ptr, net.tcap, net.tptr, net.tval
    mark, table, twin = face.mark, face.table, face.twin
    last = table.shape[0] - 1
    for s in range(last + 1):
        table[s] = -1
    count = 0
    for j in range(mark.shape[0]):
        twin[j] = 0
        if tptr[j] == tptr[j + 1]:
            continue
        want = np.uint64(0x9E3779B97F4A7C15)
        for k in range(tptr[j], tptr[j + 1]):
            want = _mix(want, np.uint64(tval[k]), np.uint64(tcap[k]))
        mark[j] = want
        s = np.int64(want >> np.uint64(20)) & last
        while table[s] >= 0 and mark[table[s]] != want:
            s = (s + 1) & last
        if table[s] < 0:
            table[s] = j
            continue
        first = table[s]
        if twin[first] == 0:
            twin[first] = 1
            count += ptr[first + 1] - ptr[first]
        twin[j] = 1
        count += ptr[j + 1] - ptr[j]
    return count


@kernel(error_model="numpy")
def _mix(one, two, three):  # type: ignore[no-untyped-def]
    """64 bits of three."""
    bits = (one ^ two) * np.uint64(0xBF58476D1CE4E5B9)
    bits = ((bits ^ (bits >> np.uint64(29))) + three) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


@kernel(error_model="numpy")
def _take_turns(net, face, offer_key, buyer_key, epoch, seed):  # type: ignore[no-untyped-def]
    """Buyers who want the same of one seller over lanes alike go through the same hashes in turn, one place an epoch.

    A turn takes as many epochs as there are of them, then the hashes are drawn anew; their order is by a hash of
    the buyer, one for all sellers, so that over a turn each stands in every place with each of them. What is alike is
    told from the book alone, so the turn is the same whatever the basis.
    """
    cap, cost, off, ptr = net.cap, net.cost, net.off, net.ptr
    hash, mark, twin = face.hash, face.mark, face.twin
    count = _find_twins(net, face)
    if count == 0:
        return
    lane, key = np.empty(count, np.int64), np.empty(count, np.uint64)
    n_alike = 0
    for j in range(twin.shape[0]):
        if twin[j] == 0:
            continue
        for e in range(ptr[j], ptr[j + 1]):
            if cap[e] > 0:
                alike = _mix(mark[j] ^ offer_key[off[e]], np.uint64(cost[e]), np.uint64(cap[e]))
                place = _mix(np.uint64(seed), buyer_key[j], np.uint64(0))
                lane[n_alike] = e
                key[n_alike] = (alike & np.uint64(0xFFFFFFFF00000000)) | (place >> np.uint64(32))
                n_alike += 1
    order = np.argsort(key[:n_alike])
    start = 0
    while start < n_alike:
        end = start + 1
        alike = key[order[start]] >> np.uint64(32)
        while end < n_alike and key[order[end]] >> np.uint64(32) == alike:
            end += 1
        turn = end - start
        if turn > 1:
            for s in range(start, end):
                e = lane[order[s]]
                place = np.uint64((s - start + epoch) % turn)
                who = _mix(offer_key[off[e]], alike, place)
                hash[e] = np.int64(philox(seed, who, epoch // turn, 1) >> np.uint64(33))
        start = end


@kernel(error_model="numpy")
def _choose(net, tree, face, offer_key, buyer_key, epoch, seed, n_zero, most):  # type: ignore[no-untyped-def]
    """Move to the one point of the optimal face that shares the margin alike and breaks what is left by hash."""
    ask, demand, off, to = net.ask, net.demand, net.off, net.to
    node, parent_arc, state = tree.node, tree.parent_arc, tree.state
    buyers, hash, lane_state, lanes, marked = face.buyers, face.hash, face.lane_state, face.lanes, face.marked
    offers, price, width, zero = face.offers, face.price, face.width, face.zero
    n, m = ask.shape[0], demand.shape[0]
    stair = (2 * min(n, m) + 4) << 31
    loose = n_zero > 0
    n_lanes, n_buyers, n_offers = n_zero, np.int64(0), np.int64(0)
    for s in range(n_zero):
        e = lanes[s]
        lane_state[s] = state[e]
        marked[to[e]] = 1
    for i in range(n):
        if price[i] == ask[i]:
            offers[n_offers] = i
            n_offers += 1
            loose = loose or parent_arc[i] >= 0
    for j in range(m):
        up = parent_arc[n + j]
        if up >= 0 and width[j] > 0:
            marked[j] = 1
            loose = True
        if marked[j] or node[n + j, _CHILD] >= 0:
            buyers[n_buyers] = j
            n_buyers += 1
        marked[j] = 0
    if not loose:
        return 0, 0
    for i in range(n):
        e = parent_arc[i]
        if e >= 0:
            lanes[n_lanes] = e
            n_lanes += 1
    for s in range(n_buyers):
        e = parent_arc[n + buyers[s]]
        if e >= 0:
            lanes[n_lanes] = e
            n_lanes += 1
    for s in range(n_lanes):
        e = lanes[s]
        hash[e] = _tie_hash(seed, offer_key[off[e]], buyer_key[to[e]], epoch)
    _take_turns(net, face, offer_key, buyer_key, epoch, seed)
    block = max(16, int(np.sqrt(n_lanes + n_buyers + n_offers)))
    widest = 0
    for s in range(n_buyers):
        widest = max(widest, width[buyers[s]])
    pivots, priced, pieces = 0, 0, np.int64(16)
    while True:
        for s in range(n_buyers):
            j = buyers[s]
            if parent_arc[n + j] < 0:
                _step_down(tree, face, j, pieces, stair)
        _settle(tree, net, n + m, hash, zero)
        more, seen = _simplex(net, tree, face, np.int64(1), n_lanes, n_buyers, n_offers, pieces, stair, block, most)
        for s in range(n_buyers):
            j = buyers[s]
            if parent_arc[n + j] < 0:
                tree.bought[j] = tree.low[j] + node[n + j, _DOWN]
        pivots += more
        priced += seen
        if more == most or pieces >= 256 or widest <= pieces:
            _sync_face(net, tree, face, n_lanes, n_buyers)
            return pivots, priced
        pieces *= 16


@kernel(error_model="numpy")
def _step_down(tree, face, j, pieces, stair):  # type: ignore[no-untyped-def]
    """Put buyer j's tranche arc on the step of its margin that its purchases stand in."""
    width, z = face.width[j], tree.bought[j] - face.base[j]
    k = (pieces * (min(z, width - 1) + 1) + width - 1) // width - 1
    tree.low[j] = face.base[j] + width * k // pieces
    tree.value[j] = -k * stair
    x = tree.price.shape[0] + j
    tree.node[x, _DOWN] = tree.bought[j] - tree.low[j]
    tree.node[x, _UP] = face.base[j] + width * (k + 1) // pieces - tree.bought[j]


@kernel(error_model="numpy")
def _report(net, tree, face, order, flow, offer_price, buyer_price):  # type: ignore[no-untyped-def]
    """Trades in the caller's order, midpoint prices, and surplus re-added from the flows alone. Returns (feasible,
    surplus)."""
    ask, cap, cost, demand, off, ptr, supply = net.ask, net.cap, net.cost, net.demand, net.off, net.ptr, net.supply
    tcap, tptr, tval = net.tcap, net.tptr, net.tval
    flow_of = tree.flow
    bottom, top, sold = face.bottom, face.top, face.walk
    n, m = ask.shape[0], demand.shape[0]
    for i in range(n):
        sold[i] = 0
    surplus, feasible = 0, True
    for j in range(m):
        bought = 0
        for e in range(ptr[j], ptr[j + 1]):
            x = flow_of[e]
            flow[order[e]] = x
            if x != 0:
                feasible = feasible and 0 <= x <= cap[e]
                bought += x
                sold[off[e]] += x
                surplus -= x * (cost[e] + ask[off[e]])
        feasible = feasible and bought <= demand[j]
        buyer_price[j] = 0.5 * (top[n + j] + bottom[n + j]) if bought > 0 else np.nan
        for k in range(tptr[j], tptr[j + 1]):
            if bought <= 0:
                break
            surplus += min(bought, tcap[k]) * tval[k]
            bought -= tcap[k]
    for i in range(n):
        feasible = feasible and sold[i] <= supply[i]
        offer_price[i] = 0.5 * (top[i] + bottom[i]) if sold[i] > 0 else np.nan
    return feasible, surplus


@kernel(error_model="numpy")
def _run(whole, short, byte, tranches, kept, offer_ask, offer_cap, tranche_buyer, tranche_value,  # type: ignore[no-untyped-def]
         tranche_cap, lane_offer, lane_buyer, lane_cost, lane_cap, offer_key, buyer_key, epoch, seed, flow, offer_price,
         buyer_price):
    """One clearing. Returns (0 or the number of a fault; surplus, or a fault's row of the book; dual, pivots, lanes priced)."""
    n, m, n_lanes = offer_ask.shape[0], buyer_key.shape[0], lane_offer.shape[0]
    net, tree, face, kept_arc, kept_step, order = _lay(whole, short, byte, tranches, n, m)
    warm = kept[0] != 0
    code, row = _load(net, order, offer_ask, offer_cap, tranche_buyer, tranche_value, tranche_cap, lane_offer, lane_buyer,
                      lane_cost, lane_cap)
    kept[0] = 0
    if code:
        return code, row, 0, 0, 0
    if warm and _sealed(kept_arc) != kept[1]:
        return _TAMPERED, 0, 0, 0, 0
    most = 200 * (n + m) + 10 * n_lanes + 1000
    pivots, priced = 0, 0
    none = np.int64(0)
    if n > _MANY and 2 * n > m:
        grouped, pivots, priced = _start_from_groups(net, kept_arc, kept_step, tree.state, tranche_buyer, tranche_value,
                                                     tranche_cap)
        warm = warm or grouped
    while True:
        # From nothing the first gain found is worth taking; near the optimum a longer look saves pivots.
        limit, look = (most // 10, 1) if warm else (most, 4)
        block = max(64, int(np.sqrt(n_lanes)) // look)
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
            _sync(net, tree)
            dual, n_zero, n_above, n_below = _prove(net, tree, face)
            _interval(net, tree, face, n_above, n_below)
            done, seen = _choose(net, tree, face, offer_key, buyer_key, epoch, seed, n_zero, 10 * most)
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
            if not feasible:
                return _INFEASIBLE, surplus, dual, pivots, priced
            kept[0], kept[1] = 1, _sealed(kept_arc)
            return 0, surplus, dual, pivots, priced
        if not warm:
            return _ENDLESS, 0, 0, pivots, priced
        warm = False
