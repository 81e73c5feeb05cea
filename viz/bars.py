"""Bars: where the rules stand in the way, read from the rulebook alone; and what they answer to a question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import shorten
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.errors import UsageError, nearest
from sim.record import NEVER, Record
from sim.rulebook import Rulebook
from sim.ruling import CASE_BY_CASE, NOTIFY, PERMITTED, Question, explain
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
        a, b = (plan.nodes[plan.node_of[record.of[axis][i]]].id for axis, i in (("maker_actor", maker), ("lab_actor", lab)))
        together[a, b] = together.get((a, b), np.ones(barred.shape[1], np.bool_)) & barred[row]
    return {pair: runs_of(mask) for pair, mask in together.items() if mask.any()}


def runs_of(mask: Mask) -> list[tuple[int, int]]:
    """Half-open spans in which a mask holds."""
    edge = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edge[::2], edge[1::2], strict=True)]


def answer(scenario: Scenario, seller: str, buyer: str, chip: str, tick: int) -> dict[str, Any]:
    """What the rulebook says of one sale on the Monday of a week, in words. Raises UsageError for unknown names."""
    actors, day = scenario.world.actors, scenario.clock.date_of(tick)
    for name in (seller, buyer):
        if name not in actors:
            raise UsageError(f'"{name}" is no actor; {nearest(name, sorted(actors))}')
    origin = actors[seller].hq if actors[seller].kind == "chipmaker" else actors[seller].seat
    ruling = explain(scenario, Question(actors[buyer].seat, day, chip=chip, origin=origin, buyer=buyer))
    allowed = ruling.verdict in (PERMITTED, NOTIFY)
    named = f" under {ruling.rule}" if ruling.rule else ""
    lines = [*ruling.conditions, *_times(ruling.delay_days, ruling.grant_rate, ruling.verdict)]
    lines.extend(f"If {shorten(flip.change, 90, placeholder='…')}: {flip.verdict}" for flip in ruling.flips[:4])
    if ruling.clause:
        lines.insert(0, ruling.clause)
    return {
        "allowed": allowed,
        "said": f"{'Yes' if allowed else 'No'}, on {day}: {ruling.verdict}{named}.",
        "lines": lines,
        "rule": ruling.rule,
        "source": ruling.source,
    }


def _times(delay_days: float, grant_rate: float, verdict: str) -> list[str]:
    """Delay and chance in words, where there are any."""
    out = [f"That takes about {delay_days:.0f} days."] if delay_days else []
    return [*out, f"About {grant_rate:.0%} of such applications are granted."] if verdict == CASE_BY_CASE else out
