"""Lab: spends a budget on compute, weighs parts by worth per dollar and wait, stockpiles when it fears a ban.

Orders. A lab divides its plan among the parts it may order by worth per dollar, discounted by expected wait
(a logit on logs), and orders so that what is outstanding matches what it plans to spend until an order of today arrives:
    order = share x plan + (share x (spend over the wait + stock ahead + unspent budget) - outstanding) / gap time,
stock ahead the planned spend of the newsvendor's cover that follows the wait, less what is already bought ahead of budget. A part
nobody fears for gets at most `order_surge_multiple` x its share of the plan; while belief exceeds `credit_belief_share` the whole
lab orders up to `credit_multiple` x the plan of the week of delivery, when money falls due. What was bought ahead beyond the cover
is paid back over `credit_repay_weeks`.
Belief. Hazard per year h(m) = scale (m/12)^exponent, m months since the last closure of a chip lane to the country;
q(H) = 1 - exp(-integral of h over H); each leak heard multiplies (1 - q) by (1 - certainty); an announced bar sets q = 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sim.agents.base import AGENTS, Actor
from sim.kernel import kernel

if TYPE_CHECKING:
    from sim.view import View

Floats = NDArray[np.float64]


@AGENTS.register("lab")
class Lab(Actor):
    """One AI lab or class of labs."""

    kind: ClassVar[str] = "lab"

    @property
    def stock_chips(self) -> NDArray[np.int64]:
        """Chips in place by part and channel, (chips, 4); a copy."""
        return np.array(self.model.ledger.stock[self.own_row])

    @staticmethod
    def decide_all(view: View) -> Floats:
        """Value of this week's orders by lab and part, (labs, chips) USD."""
        return np.asarray(order_value(
            view.plan_usd, view.forward_growth_per_week, view.queue_usd, view.cash_usd, view.cost_usd, view.worth, view.use_share,
            view.orderable, view.wait_weeks, view.region, view.belief, view.cover_weeks, view.behaviour_row,
        ))


def cover_weeks(belief: Floats, horizon_weeks: float, holding_share_per_week: float, most_weeks: float) -> Floats:
    """Weeks of supply worth holding ahead, for beliefs (regions, chips).

    A week-x unit is worth buying early while P(ban before x) exceeds its holding cost: the largest x with
    1 - exp(-lambda x) = holding x, lambda = -ln(1 - q) / horizon (newsvendor with exponential ban time).
    """
    return np.asarray(_cover(belief, horizon_weeks, holding_share_per_week, most_weeks))


def belief_of(months_since: Floats, scale: float, exponent: float, horizon_weeks: float | Floats, before: float | Floats) -> Floats:
    """Belief in a closure within the horizon; months_since is NaN where no lane was ever closed, which gives `before`.

    The integral of scale (m/12)^exponent dm/12 from m to m + H is scale/(exponent+1) [(m+H)^(e+1) - m^(e+1)] in years.
    """
    start = months_since / 12.0
    end = start + horizon_weeks / 52.1786
    power = exponent + 1.0
    mass = scale / power * (end**power - start**power)
    return np.asarray(np.where(np.isnan(months_since), before, -np.expm1(-mass)))


def written_off(months_since: Floats, scale: float, exponent: float, horizon_weeks: float, before: float) -> Floats:
    """Expected share of the horizon's sales that a closure takes, arguments as in belief_of: 1 - mean of P(no closure yet) over
    the horizon (Simpson's rule, a step a month); before the first closure the hazard is even."""
    steps = 12
    until = horizon_weeks * np.arange(1, steps + 1) / steps
    survive = 1.0 - belief_of(months_since[None, :], scale, exponent, until[:, None],
                              1.0 - (1.0 - before) ** (until[:, None] / horizon_weeks))
    weight = np.where(np.arange(1, steps) % 2 == 1, 4.0, 2.0)
    inner = (weight[:, None] * survive[:-1]).cumsum(axis=0)[-1]
    return np.asarray(1.0 - (1.0 + inner + survive[-1]) / (3 * steps))


@kernel
def _cover(belief: Any, horizon: float, holding: float, most: float) -> Any:
    out = np.zeros(belief.shape)
    for r in range(belief.shape[0]):
        for c in range(belief.shape[1]):
            if c and belief[r, c] == belief[r, c - 1]:
                out[r, c] = out[r, c - 1]
                continue
            rate = -np.log1p(-min(max(belief[r, c], 0.0), 0.9999)) / horizon
            if rate <= holding:
                continue
            low, high = 0.0, most
            if 1.0 - np.exp(-rate * most) >= holding * most:
                low = most
            else:
                for _ in range(30):
                    middle = 0.5 * (low + high)
                    if 1.0 - np.exp(-rate * middle) >= holding * middle:
                        low = middle
                    else:
                        high = middle
            out[r, c] = low
    return out


@kernel
def order_value(
    plan_usd: Any, growth: Any, queue_usd: Any, cash_usd: Any, cost_usd: Any, worth: Any, use_share: Any, orderable: Any,
    wait_weeks: Any, region: Any, belief: Any, cover: Any, row: Any,
) -> Any:
    """Orders in USD by lab and part.

    plan_usd (labs,) a week; growth (labs,) expected log growth a week; queue_usd (labs, chips) outstanding orders,
    cash_usd (labs,) unspent budget, negative when ahead of it;
    cost_usd (labs, chips) all-in price of a card; worth (uses, labs, chips) in weights; use_share (labs, uses);
    orderable (labs, chips); wait_weeks, belief, cover (regions, chips); region (labs,).
    row  impatience a week, exponent, host cost USD, gap weeks, surge, credit, credit belief, wait horizon weeks, repay weeks.
    """
    impatience, exponent, host_usd, gap_weeks = row[0], row[1], row[2], row[3]
    surge, credit, credit_belief, horizon, repay_weeks = row[4], row[5], row[6], row[7], row[8]
    n_labs, n_chips = orderable.shape
    out = np.zeros((n_labs, n_chips))
    share = np.zeros(n_chips)
    pull = np.zeros(n_chips)
    for i in range(n_labs):
        plan = plan_usd[i]
        if plan <= 0.0:
            continue
        r = region[i]
        share[:] = 0.0
        for u in range(use_share.shape[1]):
            total = 0.0
            for c in range(n_chips):
                pull[c] = 0.0
                if orderable[i, c] and worth[u, i, c] > 0.0:
                    value = worth[u, i, c] / (cost_usd[i, c] + host_usd) * np.exp(-impatience * wait_weeks[r, c])
                    pull[c] = (value * 1e4) ** exponent
                    total += pull[c]
            if total > 0.0:
                for c in range(n_chips):
                    share[c] += use_share[i, u] * pull[c] / total
        rate, debt, afraid, rest = max(growth[i], 1e-6), max(-cash_usd[i], 0.0), 0.0, 0.0
        credit_left = 0.0
        for c in range(n_chips):
            if share[c] < 1e-4:
                continue
            wait = min(wait_weeks[r, c], horizon)
            later = plan * np.exp(rate * wait)
            ahead = later * (np.exp(rate * cover[r, c]) - 1.0) / rate - debt
            gap = share[c] * ((later - plan) / rate + max(cash_usd[i], 0.0) + max(ahead, 0.0)) - queue_usd[i, c]
            wish = max(share[c] * (plan + min(ahead, 0.0) / repay_weeks) + gap / gap_weeks, 0.0)
            if belief[r, c] > credit_belief:
                out[i, c] = wish
                afraid += wish
                credit_left = max(credit_left, credit * later)
            else:
                out[i, c] = min(wish, share[c] * surge * plan)
                rest += out[i, c]
        keep = min(1.0, max(0.0, credit_left - rest) / afraid) if afraid > 0.0 else 1.0
        for c in range(n_chips):
            if belief[r, c] > credit_belief:
                out[i, c] *= keep
    return out


@kernel
def whole_chips(value_usd: Any, price_usd: Any, fraction: Any) -> Any:
    """Whole cards for order values, the rest carried: (labs, chips) USD and prices (chips,) to int64; fraction is updated."""
    n_labs, n_chips = value_usd.shape
    out = np.zeros((n_labs, n_chips), dtype=np.int64)
    for i in range(n_labs):
        for c in range(n_chips):
            if value_usd[i, c] > 0.0:
                exact = value_usd[i, c] / price_usd[i, c] + fraction[i, c]
                out[i, c] = int(exact)
                fraction[i, c] = exact - out[i, c]
    return out
