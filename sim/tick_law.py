"""Obey: rules that are due bind, bars strike out queues and write down commitments; licences wait, are granted or refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim.finance import Stages, announcement_return, charge, lost_sales_usd, networking_usd
from sim.frame import CN, NEVER
from sim.keyed_random import key_of, uniforms
from sim.ordered_sum import ordered_sum
from sim.quotas import Limit
from sim.tick_assemble import made_where_lawful

if TYPE_CHECKING:
    from sim.world import World

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

QUARTER_WEEKS = 13
YEAR_WEEKS = 52


@dataclass
class Law:
    """What the law did lately.

    buyer          row of an ordinary civil buyer in China; beliefs and charges look at its cells. -1 without one.
    open_before    (chips,) its cells last week
    last_closure   tick of the last closure of a foreign part to China, NEVER before any
    allowance      (buyers, chips) chips granted under licence and not yet shipped
    waiting        applications: (due tick, buyer, chip, chips)
    """

    n_buyers: int
    n_chips: int
    buyer: int = -1
    open_before: Bools = field(init=False)
    last_closure: int = NEVER
    allowance: Ints = field(init=False)
    waiting: list[tuple[int, int, int, int]] = field(default_factory=list)
    licence_keys: dict[tuple[int, int], np.uint64] = field(default_factory=dict)
    calendar: dict[int, list[tuple[str, str, str, float, str]]] = field(default_factory=dict)
    """What the log will say of rules, by tick."""
    cause: dict[str, int] = field(default_factory=dict)
    """Rule id -> its latest event in the log."""
    bar_event: dict[int, int] = field(default_factory=dict)
    """Chip -> event of the bar that closed it to China."""
    asked: Ints = field(init=False)
    granted: Ints = field(init=False)
    cancelled: Ints = field(init=False)
    charge_usd: Floats = field(init=False)
    guided_usd: Floats = field(init=False)
    lost_usd: Floats = field(init=False)
    returns: Floats = field(init=False)
    shipped_china: Floats = field(init=False)
    lost_forecast_usd: Floats = field(init=False)
    """Weekly orders at list that a part had from China when it was barred; its successor starts from them."""

    def __post_init__(self) -> None:
        self.open_before = np.zeros(self.n_chips, dtype=bool)
        self.allowance = np.zeros((self.n_buyers, self.n_chips), dtype=np.int64)
        self.cancelled = np.zeros((self.n_buyers, self.n_chips), dtype=np.int64)
        for name in ("asked", "granted"):
            setattr(self, name, np.zeros(self.n_chips, dtype=np.int64))
        for name in ("charge_usd", "guided_usd", "lost_usd", "returns", "shipped_china", "lost_forecast_usd"):
            setattr(self, name, np.zeros(self.n_chips))


def obey(world: World) -> None:
    """Read the terms of the week; strike out what is barred and book what it costs."""
    law, standing = world.law, world.standing
    for column in (law.asked, law.granted, law.cancelled, law.charge_usd, law.guided_usd, law.lost_usd, law.returns):
        column[:] = 0
    standing.read(world.tick)
    _tell_rules(world)
    if world.tick == 0:
        law.buyer = standing.buyer
        law.open_before = _open_row(world)
        return
    if not standing.changed:
        return
    barred = ~standing.permitted & ~standing.licensable
    closed = ~standing.permitted
    newly = law.open_before & ~_open_row(world)
    for chip in np.flatnonzero(newly):
        _bar(world, int(chip))
    unmade = world.frame.chips.domestic & ~made_where_lawful(world)
    law.cancelled = world.primary.cancel((closed & (law.allowance == 0)) | unmade[None, :])
    _tell_cancelled(world)
    law.open_before = _open_row(world)
    law.allowance[barred] = 0


def _open_row(world: World) -> Bools:
    if world.law.buyer < 0:
        return np.zeros(world.law.n_chips, dtype=bool)
    return np.asarray(world.standing.permitted[world.law.buyer] & ~world.frame.chips.domestic)


def _tell_rules(world: World) -> None:
    """Announcements, beginnings and ends of rules go to the log; what follows names them as cause."""
    law = world.law
    if not law.calendar:
        law.calendar = _calendar(world)
    for name, kind, text, certainty, who in law.calendar.get(world.tick, ()):
        by = " ".join(f"gov_{country.lower()}" for country in world.scenario.rules[name].by)
        if kind == "leak":
            law.cause.setdefault(name, world.tell("leak", rule=name, quantity=certainty, unit="probability", other=who, text=text))
        else:
            # A leak foretells a decree, it does not cause it.
            started = law.cause.get(name, -1) if kind == "decree_in_force" else -1
            law.cause[name] = world.tell(kind, actor=by, rule=name, cause=started, text=text)


def _calendar(world: World) -> dict[int, list[tuple[str, str, str, float, str]]]:
    """What the log says of rules, by tick: rule, kind of event, text, and a leak's certainty and source."""
    clock = world.frame.clock
    days: dict[int, list[tuple[str, str, str, float, str]]] = {-1: []}
    for name, rule in sorted(world.scenario.rules.items()):
        if rule.inert:
            continue
        told: list[tuple[date, str, str, float, str]] = [
            (leak.reported, "leak", leak.signal, leak.certainty.value, leak.who) for leak in rule.leaks if leak.reported]
        for day, kind in ((rule.announced, "decree_announced"), (rule.since, "decree_in_force")):
            if day:
                told.append((day, kind, rule.clause or name, 1.0, ""))
        for day, kind, text, certainty, who in told:
            days.setdefault(clock.tick_of(day), []).append((name, kind, text, certainty, who))
    return days


def _rule_of(world: World, chip: int) -> str:
    index = int(world.standing.rule[world.law.buyer, chip])
    return world.rulebook.rule_ids[index] if index >= 0 else ""


def _bar(world: World, chip: int) -> None:
    """A foreign part is newly closed to China: note it, write down what was committed to it, let the market value answer."""
    law, frame = world.law, world.frame
    rule = _rule_of(world, chip)
    name = frame.names.chip[chip]
    law.lost_forecast_usd[chip] = world.lines.forecast[chip] * world.list_usd[chip] * _china_share(world, chip)
    law.bar_event[chip] = world.tell("barred", chip=name, rule=rule, cause=law.cause.get(rule, -1),
                                     text=f"{name} may no longer go to China")
    if frame.chips.volume_tick[chip] <= world.tick + QUARTER_WEEKS or world.primary.queue[:, chip].any():
        _write_down(world, chip)
    law.last_closure = world.tick
    if not world.networks.started and world.behaviour.on("diversion") and frame.chips.volume_tick[chip] <= world.tick:
        world.networks.start(world.seed_number, frame.distributors.network_share, world.behaviour.networks_initial.value)


def _china_share(world: World, chip: int) -> float:
    """China's share of a part's sales over the last quarter; all of them for a part meant for China."""
    sales = world.market.quarter_sales_usd[:, chip]
    total = float(sales.cumsum()[-1])
    return 1.0 if world.frame.chips.for_china[chip] else float(sales[CN]) / total if total > 0 else 0.0


def _write_down(world: World, chip: int) -> None:
    """Charge, guidance, lost sales and price response of one part at its bar."""
    law, frame, behaviour = world.law, world.frame, world.behaviour
    maker = int(frame.chips.maker[chip])
    china = frame.buyer_region == CN
    queue = int(world.primary.queue[china, chip].sum())
    generic, specific = world.lines.stages(world.tick, behaviour.die_out_share.value)
    finished = int(world.ledger.ready[chip] + world.ledger.finished[:, chip].sum())
    until_quarter = int(frame.makers.quarter_end_tick[world.tick, maker]) - world.tick
    ahead = (np.arange(world.lead_weeks) - world.tick) % world.lead_weeks
    reachable = finished + int(world.lines.booked[ahead <= until_quarter, chip].sum())
    stages = Stages(0.0, 0.0, 0.0)
    if frame.chips.for_china[chip] and frame.chips.family[chip] != chip:
        stages = _refused(world, chip, queue, finished)
    elif frame.chips.for_china[chip]:
        frozen = world.materials_weeks * float(world.lines.last[chip])
        stages = Stages(float(generic[chip]) + frozen, float(specific[chip]), finished)
        world.lines.strike(chip)
    booked = charge(stages, float(frame.chips.unit_cost_usd[chip]), behaviour.cost_booking_share.value,
                    behaviour.cost_die_share.value, behaviour.convertible_generic_share.value,
                    behaviour.convertible_specific_share.value, behaviour.licence_loss_share.value)
    law.charge_usd[chip], law.guided_usd[chip] = booked.booked_usd, booked.guided_usd
    law.lost_usd[chip] = lost_sales_usd(queue, reachable, float(world.list_usd[chip]))
    cause = law.bar_event.get(chip, -1)
    name, vendor = frame.names.chip[chip], frame.names.maker[maker]
    for kind, amount in (("charge_guided", booked.guided_usd), ("charge", booked.booked_usd), ("lost_sales", law.lost_usd[chip])):
        if amount > 0:
            world.tell(kind, actor=vendor, chip=name, quantity=amount, unit="USD", cause=cause)
    law.returns[chip] = _response(world, chip, maker, booked.booked_usd)
    if law.returns[chip]:
        world.tell("price_response", actor=vendor, chip=name, quantity=float(law.returns[chip]), unit="share", cause=cause)


def _refused(world: World, chip: int, queue: int, finished: int) -> Stages:
    """Undelivered cards of a part fused from a global one go to the other regions for that one; returns those, finished and under
    way in place of `queue`, that their queue and orders until they could complete leave over."""
    lines, ledger, to = world.lines, world.ledger, int(world.frame.chips.family[chip])
    generic, specific = (int(stage[to]) for stage in lines.stages(world.tick, world.behaviour.die_out_share.value))
    weeks = world.lead_weeks + world.title_weeks
    others = float(world.primary.queue[:, to].sum()) + float(lines.forecast[to]) * weeks
    supply = generic + specific + finished + int(ledger.ready[to] + ledger.finished[:, to].sum())
    idle = max(0.0, 1.0 - others / supply) if supply else 0.0
    meant = idle * queue / (queue + others) if queue else 0.0
    ledger.relabel(chip, to)
    lines.forecast[chip] = 0.0
    return Stages(generic * meant, specific * meant, finished * idle)


def _response(world: World, chip: int, maker: int, charge_usd: float) -> float:
    """Share of the vendor's value that the bar takes: gross profit at stake in China, on cards shipped in the last quarter or ready
    to ship in this one, over all of it; less what the same dies' queue elsewhere takes up within two quarters."""
    frame, market, behaviour = world.frame, world.market, world.behaviour
    value = frame.makers.value_usd[world.tick, maker]
    if np.isnan(value) or not market.quarter_sales_usd.any():
        return 0.0
    lost = float(world.law.lost_usd[chip])
    sold = market.quarter_sales_usd
    at_stake = float(sold[CN, chip]) + lost
    own = frame.chips.maker == maker
    margin = np.where(own, 1.0 - frame.chips.unit_cost_usd / world.list_usd, 0.0)
    abroad = float(ordered_sum(sold[1:, own & (frame.chips.packages_per_wafer > 0)].ravel()))
    other = QUARTER_WEEKS * float(ordered_sum(frame.makers.other_revenue_usd[world.tick, maker])) + networking_usd(
        abroad, QUARTER_WEEKS * behaviour.other_cards_usd_per_week.value,
        behaviour.networking_share.at(frame.clock.date_of(world.tick)))
    total = (float(ordered_sum((sold * margin).ravel())) + lost * float(margin[chip])
             + other * behaviour.other_margin_share.value)
    if total <= 0 or at_stake <= 0:
        return 0.0
    elsewhere = frame.buyer_region != CN
    queue = world.primary.queue[:, chip if not frame.chips.for_china[chip] else int(frame.chips.family[chip])]
    freed = at_stake / float(world.list_usd[chip]) * 2
    resold = min(1.0, float(queue[elsewhere].sum()) / freed)
    return announcement_return(at_stake * float(margin[chip]) / total, resold, world.investor_belief, charge_usd,
                               behaviour.tax_share.value, float(value))


def _tell_cancelled(world: World) -> None:
    frame, law = world.frame, world.law
    for chip in np.flatnonzero(law.cancelled.any(axis=0)):
        world.tell("queue_cancelled", actor=frame.names.maker[frame.chips.maker[chip]], chip=frame.names.chip[chip],
                   quantity=int(law.cancelled[:, chip].sum()), unit="chips", cause=law.bar_event.get(int(chip), -1))


def license_goods(world: World) -> None:
    """Applications made this week wait; those due are granted or refused by a keyed draw, within quotas."""
    law, standing = world.law, world.standing
    apply = np.where(standing.licensable, world.orders, 0)
    world.orders -= apply
    if apply.any():
        buyer, chip = np.nonzero(apply)
        when = world.tick + np.maximum(1, standing.delay_weeks[buyer, chip])
        law.waiting.extend(zip(when.tolist(), buyer.tolist(), chip.tolist(), apply[buyer, chip].tolist(), strict=True))
        law.asked += apply.sum(axis=0)
    due = [entry for entry in law.waiting if entry[0] <= world.tick]
    if due:
        law.waiting = [entry for entry in law.waiting if entry[0] > world.tick]
        keys = np.array([_licence_key(world, who, what) for _, who, what, _ in due], dtype=np.uint64)
        _decide_licences(world, due, uniforms(world.seed_number, keys, world.tick, 0).tolist())


def _licence_key(world: World, buyer: int, chip: int) -> np.uint64:
    """Key of an applicant's draws for a part."""
    keys = world.law.licence_keys
    if (buyer, chip) not in keys:
        keys[buyer, chip] = key_of("licence", world.frame.names.buyer[buyer], world.frame.names.chip[chip])
    return keys[buyer, chip]


def _decide_licences(world: World, due: list[tuple[int, int, int, int]], draws: list[float]) -> None:
    """Grant or refuse what is due; quotas share what is left of them among the granted."""
    law, standing = world.law, world.standing
    won = np.zeros_like(law.allowance)
    for (_, buyer, chip, chips), draw in zip(due, draws, strict=True):
        if standing.permitted[buyer, chip]:
            world.orders[buyer, chip] += chips
        elif standing.licensable[buyer, chip] and draw < standing.grant_share[buyer, chip]:
            won[buyer, chip] += chips
    for limit in standing.limits:
        promised = np.where(limit.cells, law.allowance, 0)
        won = within(world, limit, won, won, promised)
    law.allowance += won
    world.orders += won
    law.granted += won.sum(axis=0, dtype=np.int64)
    for _, buyer, chip, chips in due:
        if not standing.permitted[buyer, chip]:
            _tell_licence(world, buyer, chip, int(won[buyer, chip]), chips)


def _tell_licence(world: World, buyer: int, chip: int, granted: int, asked: int) -> None:
    rule = _cause_of_licence(world, buyer, chip)
    world.tell("licence_granted" if granted else "licence_denied", actor=world.frame.names.buyer[buyer],
               chip=world.frame.names.chip[chip], quantity=granted or asked, unit="chips", rule=rule,
               cause=world.law.cause.get(rule, -1))


def _cause_of_licence(world: World, buyer: int, chip: int) -> str:
    index = int(world.standing.rule[buyer, chip])
    return world.rulebook.rule_ids[index] if index >= 0 else ""


def within(world: World, limit: Limit, cap: Ints, queue: Ints, promised: Ints | None = None) -> Ints:
    """The part of `cap` (buyers, chips) that a quota leaves, shared by its own rule over what is queued; what was promised
    under licences and not yet shipped is taken."""
    frame, quotas = world.frame, world.quotas
    home = frame.row("country", limit.quota.home)
    room = quotas.room(limit, world.tick, home)
    if promised is not None:
        room = room - _tallied(limit, promised, len(room))
    worth = _card_worth(world) if limit.quota.allocation == "auction" else np.zeros(cap.shape)
    return quotas.cap(limit, room, cap, queue, world.primary.waited, worth, frame.buyer_keys)


def _tallied(limit: Limit, chips: Ints, tallies: int) -> Floats:
    """Chips (buyers, chips) in a quota's unit, by its tallies."""
    buyer, chip = np.nonzero(chips)
    out = np.zeros(tallies)
    np.add.at(out, limit.group[buyer, chip], chips[buyer, chip] * limit.unit[chip])
    return out


def _card_worth(world: World) -> Floats:
    """What a card is worth to a buyer at list prices of the best part for each use, (buyers, chips) USD; dealers pay list."""
    view, n_labs = world.view, len(world.frame.names.lab)
    out = np.broadcast_to(world.list_usd, world.law.allowance.shape).copy()
    price = np.where(view.orderable[None] & (view.worth > 0), view.cost_usd[None] / np.maximum(view.worth, 1e-9), np.inf)
    unit = price.min(axis=2)
    out[:n_labs] = (np.where(np.isfinite(unit), unit, 0.0)[:, :, None] * view.worth).max(axis=0)
    return out


def remember_shipments(world: World, shipped: Ints, by_region: Ints) -> None:
    """Keep the running counts that quotas and reviews refer to: shipped (buyers, chips), by_region (regions, chips)."""
    world.quotas.remember(world.standing.limits, shipped, world.frame.buyer_country)
    world.law.shipped_china += by_region[CN]
