"""Retroactive duty: what a rule can still do about chips delivered before it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

import numpy as np

from sim.levers.base import Force, Lever, Mask, lever, weeks_after
from sim.quantity import Of, Quantity, Share, Weeks
from sim.scope import Places
from sim.terms import Draft, Retroactive

Yearly = Annotated[Quantity, Of("share per year", 0, 1)]


@lever("retroactive")
class RetroactiveLever(Lever):
    """By place, for nothing can lift a chip out of a hall abroad.

    inside      out of reach: support and spares end; foreign-linked hosts may not resell or rent to listed users.
                failure_yearly is what then breaks unrepaired, software_yearly what ageing software costs.
    reachable   allies and hubs: leases to `owners`' tenants end `notice` weeks on, stock of their firms must be sold.
    buy_back    price offered for such stock, share of list; owners who value the chip less take it.
    """

    activities: ClassVar[tuple[str, ...]] = ("transfer", "rental")

    lever: Literal["retroactive"] = "retroactive"
    inside: Places = ("CN", "HK", "MO")
    reachable: Places
    owners: Places = ("D5",)
    failure_yearly: Yearly = Quantity(value=0.09, low=0.05, high=0.15, unit="share per year", source="assumption")
    software_yearly: Yearly = Quantity(value=0.08, low=0.03, high=0.15, unit="share per year", source="assumption")
    notice: Weeks
    buy_back: Share | None = None

    def turns(self, since: date) -> list[date]:
        return [*super().turns(since), weeks_after(since, self.notice.at(since))]

    def apply(self, terms: Draft, cells: Mask, force: Force) -> None:
        members, classes, day = force.atlas.members, force.classes, force.day
        inside, reachable, owners = (tuple(members(words)) for words in (self.inside, self.reachable, self.owners))
        notice_weeks = self.notice.at(day)
        to_listed = np.isin(classes.place, inside) & (classes.listed == 1)
        terms.bar(cells & to_listed[:, None], force.rule)
        if force.day >= weeks_after(force.since, notice_weeks):
            to_owners = np.isin(classes.place, reachable) & np.isin(classes.buyer_hq, owners)
            terms.bar(cells & to_owners[:, None], force.rule)
        terms.retroactive.append(
            Retroactive(
                force.rule,
                force.chips,
                inside,
                reachable,
                owners,
                self.failure_yearly.at(day),
                self.software_yearly.at(day),
                notice_weeks,
                self.buy_back.at(day) if self.buy_back else 0.0,
                force.since_tick,
            )
        )
