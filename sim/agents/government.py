"""Government: signs the record when scripted; when adaptive, reviews what it last saw published and decides by a stated objective.

Washington scores its choices and takes the best, nothing being worth 0:
    tighten   the greater of ln(training worth shipped / its cap) and leakage over its limit less 1;
              less lobby x China's share of sales
    enforce   leakage over its limit less 1, less the cost of officers
    loosen    lobby x (usual share - China's share of sales), where what ships stays under half the cap
Beijing restrains its buyers by
    restrain = sigmoid(w1 (ready - r) - w2 (advantage - a) + w3 incident + w4 exposure),
ready the part of next year's wants that domestic parts can serve, advantage the worth per dollar of the best lawful
foreign part over that of the best domestic one, incident 1 where a part was barred within half a year, exposure China's
share of vendors' sales; and climbs a ladder with it, one rung a review: nothing, guidance, customs, mandate for
state centres. Its subsidy follows dependence. The form is the model's statement of an objective, not a fit; its weights
and rungs are parameters of the scenario, assumptions under which neither term decides alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from sim.agents.base import AGENTS, Actor
from sim.parameters import Behaviour


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


def washington(sight: Sight, behaviour: Behaviour) -> Literal["tighten", "enforce", "loosen", ""]:
    """The choice of highest score; empty where none is worth anything."""
    cap, lobby = behaviour.adaptive_train_cap_h100e.value, behaviour.lobby_weight.value
    limit, usual = behaviour.adaptive_leakage_share.value, behaviour.usual_china_share.value
    over = math.log(sight.shipped / cap) if sight.shipped > cap else 0.0
    leak = max(0.0, sight.leakage / limit - 1.0)
    scores = {
        "tighten": (max(over, leak) - lobby * sight.exposure) if sight.best_tpp > 0 else 0.0,
        "enforce": leak - behaviour.officers_cost_score.value,
        "loosen": lobby * (usual - sight.exposure) if sight.shipped < cap / 2 and sight.flagship_tpp > 0 else 0.0,
    }
    best = max(sorted(scores), key=lambda choice: scores[choice])
    return best if scores[best] > 0 else ""  # type: ignore[return-value]


def restrain(sight: Sight, behaviour: Behaviour) -> float:
    """How far Beijing would hold its buyers back, in (0, 1)."""
    score = (
        behaviour.restrain_ready_weight.value * (sight.ready - behaviour.restrain_ready_share.value)
        - behaviour.restrain_advantage_weight.value * (sight.advantage - behaviour.restrain_advantage_ratio.value)
        + behaviour.restrain_incident_weight.value * sight.incident
        + behaviour.restrain_exposure_weight.value * sight.exposure
    )
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, score))))


def rung_of(restraint: float, behaviour: Behaviour) -> int:
    """Rung of the ladder: 0 nothing, 1 guidance, 2 customs, 3 mandate."""
    rungs = (behaviour.guidance_restraint_share, behaviour.customs_restraint_share, behaviour.mandate_restraint_share)
    return sum(restraint >= least.value for least in rungs)


def ladder(rung: int, dependence: float, behaviour: Behaviour) -> list[dict[str, Any]]:
    """Effects of Beijing's standing decree on a rung, as a scenario would write them."""
    foreign = {"market": ["datacentre"], "none": [{"design": ["CN"]}]}
    effects: list[dict[str, Any]] = [{"lever": "subsidy", "rate": round(behaviour.subsidy_dependence_share.value * dependence, 3)}]
    if rung >= 1:
        held = behaviour.guidance_demand_share if rung == 1 else behaviour.customs_demand_share
        effects.append({"lever": "purchase_guidance", "chips": foreign, "factor": held.value})
    if rung >= 2:
        inspected = behaviour.customs_inspected_share.value
        effects.append({"lever": "customs_inspection", "inspected": inspected, "grey_tolerated": False})
    if rung >= 3:
        effects.append({"lever": "procurement_mandate", "chips": foreign, "end_uses": ["state"], "domestic_share": 1})
    return effects
