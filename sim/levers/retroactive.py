"""Retroactive duty: what a rule can still do about chips delivered before it."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

import numpy as np

from sim.levers.base import Force, Lever, Mask, lever, weeks_after
from sim.quantity import Share, Weeks
from sim.scope import Places
from sim.terms import Draft, Retroactive


@lever("retroactive")
class RetroactiveLever(Lever):
    """By place, for nothing can lift a chip out of a hall abroad.

    inside      out of reach: support and spares end; foreign-linked hosts may not resell or rent to listed users.
    reachable   allies and hubs: leases to `owners`' tenants end `notice` weeks on, stock of their firms must be sold.
    buy_back    price the vendor offers, share of list, for chips of `owners` wherever they stand; those who value the chip
                less take it.
    """

    activities: ClassVar[tuple[str, ...]] = ("transfer", "rental")

    lever: Literal["retroactive"] = "retroactive"
    inside: Places = ("CN", "HK", "MO")
    reachable: Places
    owners: Places = ("D5",)
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
                notice_weeks,
                self.buy_back.at(day) if self.buy_back else 0.0,
                force.since_tick,
            )
        )
