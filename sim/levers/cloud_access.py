"""Cloud access: renting a machine abroad counts as an export to the tenant."""

from __future__ import annotations

from typing import ClassVar, Literal

from sim.levers.base import Force, Lever, Mask, lever
from sim.quantity import Share
from sim.terms import CloudDuty, Draft


@lever("cloud_access")
class CloudAccess(Lever):
    """Rental in scope is barred; who must know the tenant, and how often a front is found out."""

    activities: ClassVar[tuple[str, ...]] = ("rental",)

    lever: Literal["cloud_access"] = "cloud_access"
    bearer: Literal["host", "vendor"] = "host"
    kyc_detection: Share

    def apply(self, terms: Draft, cells: Mask, force: Force) -> None:
        terms.bar(cells, force.rule)
        terms.cloud.append(CloudDuty(force.rule, cells, self.bearer, self.kyc_detection.at(force.day)))
