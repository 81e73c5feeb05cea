"""Quota: a limit on quantity, per model, country or customer, or over all deals in scope."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import model_validator

from sim.levers.base import Force, Lever, Mask, Sphere, lever
from sim.quantity import Of, Quantity, Weeks, fault
from sim.scope import Names
from sim.terms import CHARGE, Draft, Quota

Chips = Annotated[Quantity, Of("chips", 0)]
TotalTpp = Annotated[Quantity, Of("tpp", 0)]
HomeShare = Annotated[Quantity, Of("share of home sales", 0)]


@lever("quota")
class QuotaLever(Lever):
    """At most so much.

    chips_cap, tpp_cap, home_share   the cap, in one of three units; home_share in chips of the same part sold in
                                     `home`.
    per          what each cap is for; `model` with home_share is a (chip, destination) node of the network.
    every        weeks after which the cap is renewed; once for the whole life of the rule when absent.
    allocation   who gets it where it binds.
    """

    sphere: ClassVar[Sphere] = "either"

    lever: Literal["quota"] = "quota"
    chips_cap: Chips | None = None
    tpp_cap: TotalTpp | None = None
    home_share: HomeShare | None = None
    home: Annotated[str, Names("place")] = ""
    per: Literal["all", "model", "country", "customer"] = "all"
    every: Weeks | None = None
    allocation: Literal["pro_rata", "first_come", "auction"] = "pro_rata"

    @model_validator(mode="after")
    def _one_cap(self) -> QuotaLever:
        stated = [cap for cap in (self.chips_cap, self.tpp_cap, self.home_share) if cap is not None]
        if len(stated) != 1:
            raise fault(f"a quota with {len(stated)} caps", "write one of chips_cap, tpp_cap, home_share")
        if (self.home_share is None) != (not self.home):
            raise fault(
                "home_share and home go together", "write both, such as home_share: 0.5 and home: US", ("home",)
            )
        return self

    def apply(self, terms: Draft, cells: Mask, force: Force) -> None:
        caps = (("chips", self.chips_cap), ("tpp", self.tpp_cap), ("home_share", self.home_share))
        unit, cap = next((unit, cap) for unit, cap in caps if cap is not None)
        period_weeks = round(self.every.at(force.day)) if self.every else None
        terms.quota.append(
            Quota(
                force.rule,
                cells,
                unit,
                cap.at(force.day),
                self.per,
                self.home,
                period_weeks,
                force.since_tick,
                self.allocation,
            )
        )
        terms.bind(cells, force.rule, CHARGE)

    def in_words(self, day: date) -> str:
        """The cap as a sentence's end, such as "at most 75000 chips per customer"."""
        if self.home_share is not None:
            cap = f"{self.home_share.at(day):.0%} of sales in {self.home}"
        elif self.chips_cap is not None:
            cap = f"{self.chips_cap.at(day):,.0f} chips"
        else:
            cap = f"{self.tpp_cap.at(day):,.0f} tpp" if self.tpp_cap else ""
        each = "" if self.per == "all" else f" per {self.per}"
        return f"at most {cap}{each}" + (f", every {self.every.at(day):g} weeks" if self.every else "")
