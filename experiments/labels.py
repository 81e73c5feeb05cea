"""Labels: what a filter of a fact or an outcome may name in a world, known before any week of it is run."""

from __future__ import annotations

import sim
from sim.door import forget
from sim.metrics.makers import BINDS, SPECS
from sim.metrics.progress import US_FRONTIER
from sim.metrics.trade import OTHER
from sim.record import CHANNELS, REGIONS
from sim.redesign import with_spares
from sim.scenario import Scenario


def labels_of(scenario: Scenario) -> dict[str, tuple[str, ...]]:
    """Labels a filter may name in a world, by dimension; dimensions left out are not checked."""
    world = sim.build(scenario)
    names, chips = world.record.names, with_spares(scenario).world.chips  # a lever may let makers draw parts
    forget(world)
    actors, countries = (*names["actor"], US_FRONTIER, OTHER), names["country"]
    return {"actor": actors, "owner": names["lab"], "vendor": names["maker"],
            "chip": tuple(sorted({*names["chip"], *chips, OTHER})), "from": countries, "to": (*countries, "XX"),
            "country": countries, "region": REGIONS, "place": REGIONS, "channel": CHANNELS,
            "use": ("train", "infer", "both"), "basis": ("bill_to", "ship_to", "customer_hq", "end_user_hq"),
            "segment": ("datacentre", "consumer", "other"), "origin": ("domestic", "foreign"), "by": ("units", "value"),
            "user": names["place"], "party": names["party"], "rule": names["rule"],
            "route": (*names["lane"], *actors, "maker"), "input": BINDS, "spec": SPECS,
            "stage": ("announced", "volume", "asked", "granted")}
