"""Government: signs the record when scripted; when adaptive, reviews what it last saw published and decides by a stated objective.

Washington scores its choices and takes the best, nothing being worth 0:
    tighten   the greater of ln(training worth shipped / its cap) and leakage over its limit less 1;
              less lobby x China's share of sales
    enforce   leakage over its limit less 1, less the cost of officers
    loosen    lobby x (usual share - China's share of sales), where what ships stays under half the cap
Beijing restrains its buyers by
    restrain = sigmoid(6 (ready - r) - 4 (advantage - a) + 1.5 incident + leverage),
ready the part of next year's wants that domestic parts can serve, advantage the worth per dollar of the best lawful
foreign part over that of the best domestic one, incident 1 where a part was barred within half a year, leverage twice
China's share of vendors' sales; and climbs a ladder with it, one rung a review: nothing, guidance, customs, mandate for
state centres. Its subsidy follows dependence. The form is the model's statement of an objective, not a fit; its weights
are assumptions under which neither term decides alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from sim.agents.base import AGENTS, Actor

USUAL_SHARE = 0.2
"""China's share of vendors' sales before controls."""

OFFICERS_COST = 0.25
"""Score that half as many officers again must be worth."""

RUNGS = (0.5, 0.65, 0.8)
"""Restraint from which guidance, customs and the mandate follow."""

SUBSIDY_PER_DEPENDENCE = 0.2
"""Part of the cost of capacity borne where all new compute is foreign."""


@AGENTS.register("government")
class Government(Actor):
    """One government; its stance is the scenario's."""

    kind: ClassVar[str] = "government"

    @property
    def stance(self) -> str:
        """scripted: the record of rules binds as dated; adaptive: it adds decrees of its own."""
        return str(self.model.scenario.governments.get(self.name, "scripted"))


@dataclass(frozen=True)
class Sight:
    """What a government last saw published, over a year.

    shipped   training worth of foreign parts lawfully shipped to China, H100 weights a year
    leakage   part of China's new foreign training worth that passed a rule
    exposure  China's share of foreign vendors' sales
    best_tpp  of the lawful part that carried most of it; flagship_tpp of the best part that has a successor; 0 for none
    ready, advantage, incident    see restrain
    dependence  foreign part of China's new inference worth
    """

    shipped: float
    leakage: float
    exposure: float
    best_tpp: float
    flagship_tpp: float
    ready: float
    advantage: float
    incident: float
    dependence: float


def washington(sight: Sight, cap: float, limit: float, lobby: float) -> Literal["tighten", "enforce", "loosen", ""]:
    """The choice of highest score; empty where none is worth anything."""
    over = math.log(sight.shipped / cap) if sight.shipped > cap else 0.0
    leak = max(0.0, sight.leakage / limit - 1.0)
    scores = {
        "tighten": (max(over, leak) - lobby * sight.exposure) if sight.best_tpp > 0 else 0.0,
        "enforce": leak - OFFICERS_COST,
        "loosen": lobby * (USUAL_SHARE - sight.exposure) if sight.shipped < cap / 2 and sight.flagship_tpp > 0 else 0.0,
    }
    best = max(sorted(scores), key=lambda choice: scores[choice])
    return best if scores[best] > 0 else ""  # type: ignore[return-value]


def restrain(sight: Sight, ready_share: float, advantage_ratio: float) -> float:
    """How far Beijing would hold its buyers back, in (0, 1)."""
    score = (
        6.0 * (sight.ready - ready_share)
        - 4.0 * (sight.advantage - advantage_ratio)
        + 1.5 * sight.incident
        + 2.0 * sight.exposure
    )
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, score))))


def rung_of(restraint: float) -> int:
    """Rung of the ladder: 0 nothing, 1 guidance, 2 customs, 3 mandate."""
    return sum(restraint >= least for least in RUNGS)


def ladder(rung: int, dependence: float) -> list[dict[str, Any]]:
    """Effects of Beijing's standing decree on a rung, as a scenario would write them."""
    foreign = {"market": ["datacentre"], "none": [{"design": ["CN"]}]}
    effects: list[dict[str, Any]] = [{"lever": "subsidy", "rate": round(SUBSIDY_PER_DEPENDENCE * dependence, 3)}]
    if rung >= 1:
        effects.append({"lever": "purchase_guidance", "chips": foreign, "factor": 0.5 if rung == 1 else 0.1})
    if rung >= 2:
        effects.append({"lever": "customs_inspection", "inspected": 0.3, "grey_tolerated": False})
    if rung >= 3:
        effects.append({"lever": "procurement_mandate", "chips": foreign, "end_uses": ["state"], "domestic_share": 1})
    return effects
