"""Bars: where the rules stand in the way, read from the rulebook alone; and what they answer to a question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.record import NEVER, Record
from sim.rulebook import Rulebook
from sim.scenario import Scenario
from sim.scope import LegalClass
from viz.map import Plan

Mask = NDArray[np.bool_]


def spans(scenario: Scenario, plan: Plan, record: Record) -> Mapping[tuple[str, str], Sequence[tuple[int, int]]]:
    """(maker node, buyer node) -> half-open spans of ticks in which no data-centre chip the maker has on sale may go there
    without a licence. A node of several actors is barred when all its pairs are."""
    book = Rulebook.for_scenario(scenario)
    pairs = [
        (maker, lab)
        for maker in range(len(record.names["maker"]))
        for lab in range(len(record.names["lab"]))
        if plan.node_of[record.of["maker_actor"][maker]] >= 0 and plan.node_of[record.of["lab_actor"][lab]] >= 0
    ]
    if not pairs:
        return {}
    rows = {listed: book.register([_class(record, maker, lab, listed) for maker, lab in pairs]) for listed in (0, 1)}
    parties = [record.names["lab"][lab] for _, lab in pairs]
    column = {name: i for i, name in enumerate(book.catalog.ids)}
    chips = [i for i, name in enumerate(record.names["chip"]) if name in column]
    at = np.array([column[record.names["chip"][i]] for i in chips], dtype=int)
    maker_of = np.array([maker for maker, _ in pairs])
    own = record.of["chip_maker"][chips][None, :] == maker_of[:, None]
    own &= record.of["chip_datacentre"][chips][None, :].astype(bool)
    from_tick = record.of["chip_volume_tick"][chips]
    n_ticks = record.ticks_run or record.clock.n_ticks
    barred = np.zeros((len(pairs), n_ticks), np.bool_)
    seen: dict[tuple[int, int, bytes], Mask] = {}
    for tick in range(n_ticks):
        terms, listing, on_sale = book.terms(tick), book.listing(tick), (from_tick <= tick) & (from_tick < NEVER)
        key = (id(terms), id(listing), on_sale.tobytes())
        if key not in seen:
            listed = np.array([party in listing.parties for party in parties])
            row = np.where(listed, rows[1], rows[0])
            offered = own & on_sale[None, :]
            free = (terms.permitted[row][:, at] | terms.notify[row][:, at]) & offered
            seen[key] = offered.any(axis=1) & ~free.any(axis=1)
        barred[:, tick] = seen[key]
    return _by_node(pairs, barred, plan, record)


def _class(record: Record, maker: int, lab: int, listed: int) -> LegalClass:
    country, of = record.names["country"], record.of
    use = "military" if of["lab_military"][lab] else "state" if of["lab_state"][lab] else "civil"
    return LegalClass(
        "sale", country[of["maker_hq"][maker]], country[of["lab_country"][lab]], country[of["lab_hq"][lab]], listed, use
    )


def _by_node(
    pairs: list[tuple[int, int]], barred: Mask, plan: Plan, record: Record
) -> dict[tuple[str, str], list[tuple[int, int]]]:
    together: dict[tuple[str, str], Mask] = {}
    for row, (maker, lab) in enumerate(pairs):
        a, b = (
            plan.nodes[plan.node_of[record.of[axis][i]]].id for axis, i in (("maker_actor", maker), ("lab_actor", lab))
        )
        together[a, b] = together.get((a, b), np.ones(barred.shape[1], np.bool_)) & barred[row]
    return {pair: runs_of(mask) for pair, mask in together.items() if mask.any()}


def runs_of(mask: Mask) -> list[tuple[int, int]]:
    """Half-open spans in which a mask holds."""
    edge = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edge[::2], edge[1::2], strict=True)]


def answer(scenario: Scenario, seller: str, buyer: str, chip: str, tick: int) -> dict[str, Any]:
    """What the rulebook says of one sale on the Monday of a week, in words. Raises UsageError for unknown names."""
    book = Rulebook.for_scenario(scenario)
    actors, day = scenario.world.actors, scenario.clock.date_of(tick)
    for name in (seller, buyer):
        if name not in actors:
            return {"allowed": False, "said": f"No actor is called {name}.", "lines": [], "source": ""}
    listing = book.listing_on(day)
    use = "military" if actors[buyer].military else "state" if actors[buyer].state_funded else "civil"
    activity = "sale" if actors[seller].kind == "chipmaker" else "reexport"
    row = int(
        book.register(
            [
                LegalClass(
                    activity,
                    actors[seller].seat if activity == "reexport" else actors[seller].hq,
                    actors[buyer].seat,
                    actors[buyer].hq,
                    int(buyer in listing.parties),
                    use,
                )
            ]
        )[0]
    )
    column = book.catalog.row(chip)
    terms = book.on(day)
    lines = _conditions(terms, row, column, buyer, listing.parties)
    binding = int(terms.rule[row, column])
    rule = book.rule_ids[binding] if binding >= 0 else ""
    allowed = bool(terms.permitted[row, column])
    said = _verdict(allowed, bool(terms.licence[row, column]), float(terms.grant_rate[row, column]), rule, day)
    flip = _next_change(book, row, column, day, allowed)
    return {
        "allowed": allowed,
        "said": said,
        "lines": [*lines, *([flip] if flip else [])],
        "rule": rule,
        "source": book.rules[rule].source if rule else "",
    }


def _verdict(allowed: bool, licence: bool, grant: float, rule: str, day: date) -> str:
    named = f" under {rule}" if rule else ""
    if allowed:
        return (
            f"Yes, on {day}: no rule in force forbids it." if not rule else f"Yes, on {day},{named} and its conditions."
        )
    if licence and grant > 0:
        return f"Only with a licence, on {day}{named}; about {grant:.0%} of such applications are granted."
    return f"No, on {day}: barred{named}."


def _conditions(terms: Any, row: int, column: int, buyer: str, parties: Mapping[str, str]) -> list[str]:
    out = []
    if buyer in parties:
        out.append(f"The buyer is on the Entity List ({parties[buyer]}).")
    if terms.notify[row, column]:
        out.append(f"It must be notified {int(terms.delay_ticks[row, column])} weeks before.")
    elif terms.delay_ticks[row, column]:
        out.append(f"An answer takes about {int(terms.delay_ticks[row, column])} weeks.")
    if terms.tariff_rate[row, column]:
        out.append(f"A duty of {terms.tariff_rate[row, column]:.0%} is due.")
    if terms.share_rate[row, column]:
        out.append(f"{terms.share_rate[row, column]:.0%} of the revenue is owed to the government.")
    if terms.unknown[row, column]:
        out.append("A specification the rule looks at is not known, so the rule's text decides nothing.")
    return out


def _next_change(book: Rulebook, row: int, column: int, day: date, allowed: bool) -> str:
    """The next day on which the answer flips, within the run."""
    first = book.clock.tick_of(day)
    for tick in range(first + 1, book.clock.n_ticks):
        if bool(book.terms(tick).permitted[row, column]) != allowed:
            return f"The answer flips in the week of {book.clock.date_of(tick)}."
    return ""
