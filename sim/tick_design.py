"""Design: makers whose market was closed search for a part that is still legal; parts cut to a rule appear and ship."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim.catalog import SPECS, Catalog
from sim.frame import NEVER
from sim.keyed_random import key_of, normal
from sim.layout import software_of
from sim.record import NEVER as NOT_IN_RUN
from sim.redesign import SPARES, Base, Cuts, Demand, at_distance, best_cut, cuts_of, designers, expected_margin
from sim.scope import LegalClass

if TYPE_CHECKING:
    from sim.world import World

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Studios:
    """Design teams of makers that find their own cuts: flagships, that each last searched cuts of, who waits for a rule's
    text, and the rows each has used."""

    def __init__(self, world: World) -> None:
        found = (
            designers(world.scenario)
            if world.scenario.redesign == "endogenous" and world.behaviour.on("redesign")
            else []
        )
        self.flagship = dict.fromkeys(found, -1)
        self.cut_last = dict.fromkeys(found, -1)
        self.owed: set[str] = set()
        self.cuts: dict[str, list[int]] = {maker: [] for maker in found}


def design(world: World) -> None:
    """Tell of parts that appear this week; where the law or a flagship is new, makers look whether to draw another."""
    _withdraw(world)
    _tell_parts(world)
    studios = world.studios
    if not studios.cuts or world.law.buyer < 0:
        return
    news = world.standing.changed or _news(world)
    awaited = _awaited(world)
    for maker in studios.cuts:
        flagship = _flagship(world, maker)
        if flagship >= 0 and awaited[flagship]:
            _put_aside(world, maker)
            studios.owed.add(maker)
        elif flagship >= 0 and (news or flagship != studios.flagship[maker] or maker in studios.owed):
            _look(world, maker, flagship, flagship != studios.cut_last[maker])
            studios.owed.discard(maker)
            studios.cut_last[maker] = flagship
        studios.flagship[maker] = flagship


def _awaited(world: World) -> Bools:
    """Parts of whose sale to China a rule is said to be in the making: where its lines will lie is not known yet, (chips,)."""
    out = np.zeros(len(world.frame.chips.tpp), dtype=bool)
    clock, rules = world.frame.clock, world.rulebook.rules
    for heard in world.rulebook.heard(world.tick):
        if heard.signal in ("tighten", "disclosure") and clock.tick_of(rules[heard.rule].known) > world.tick:
            out |= world.standing.china_cells(heard.cells)[0]
    return out


def _put_aside(world: World, maker: str) -> None:
    """A drawing that has not been announced is dropped: the lines it was drawn to may move."""
    chips, own = world.frame.chips, world.studios.cuts[maker]
    while own and chips.announced_tick[own[-1]] > world.tick:
        row = own.pop()
        chips.announced_tick[row] = chips.volume_tick[row] = NEVER
        chips.cut_from[row] = chips.successor_of[row] = -1
        if own:
            chips.succeeded_tick[own[-1]] = NEVER
        of = world.record.of
        of["chip_announced_tick"][row] = of["chip_volume_tick"][row] = NOT_IN_RUN
        of["chip_cut_from"][row] = -1


def _withdraw(world: World) -> None:
    """A recorded cut due to be announced for China stays in the drawer where the part it is cut from may go there itself."""
    chips, law, of = world.frame.chips, world.law, world.record.of
    if law.buyer < 0:
        return
    due = np.flatnonzero((chips.announced_tick == world.tick) & (chips.cut_from >= 0) & chips.for_china)
    for row in due[world.standing.permitted[law.buyer, chips.cut_from[due]]]:
        chips.announced_tick[row] = chips.volume_tick[row] = NEVER
        of["chip_announced_tick"][row] = of["chip_volume_tick"][row] = NOT_IN_RUN


def _tell_parts(world: World) -> None:
    chips, names, tick = world.frame.chips, world.frame.names, world.tick
    for kind, column in (("redesign_announced", chips.announced_tick), ("redesign_volume", chips.volume_tick)):
        for row in np.flatnonzero((column == tick) & (chips.cut_from >= 0) & (chips.volume_tick < NEVER)):
            world.tell(
                kind,
                actor=names.maker[chips.maker[row]],
                chip=names.chip[row],
                other=names.chip[chips.cut_from[row]],
                quantity=float(chips.tpp[row]),
                unit="tpp",
                cause=world.law.bar_event.get(int(chips.cut_from[row]), -1),
            )


def _news(world: World) -> bool:
    """Whether a rule became known this week."""
    clock = world.frame.clock
    return any(
        rule.announced and not rule.inert and clock.tick_of(rule.known) == world.tick
        for rule in world.rulebook.rules.values()
    )


def _flagship(world: World, maker: str) -> int:
    """The maker's best part that is drawn to nobody's limits and past its ramp, its successor's not past, -1 for none.

    What ramps is sold whole elsewhere; a cut of it is drawn in time to be announced when lines are free.
    """
    chips, row = world.frame.chips, world.frame.row("maker", maker)
    ramp = round(world.behaviour.release_weeks.value - world.behaviour.fuse_announce_weeks.value)
    held = (
        (chips.maker == row)
        & (chips.market == 0)
        & ~chips.for_china
        & (chips.hbm_stacks > 0)
        & ((chips.volume_tick <= 0) | (chips.volume_tick + ramp <= world.tick))
        & (chips.succeeded_tick + ramp > world.tick)
    )
    rows = np.flatnonzero(held)
    return int(rows[chips.worth[0][rows].argmax()]) if len(rows) else -1


def _look(world: World, maker: str, flagship: int, new_flagship: bool) -> None:
    """Search when the flagship will be shut out and no own part stays legal, or a new flagship may do better."""
    behaviour, studios = world.behaviour, world.studios
    day = world.frame.clock.date_of(world.tick) + timedelta(weeks=round(behaviour.board_volume_weeks.value))
    own = studios.cuts[maker]
    legal = legal_on(world, world.rulebook.catalog, maker, day)[[_column(world, chip) for chip in (flagship, *own)]]
    standing = [chip for chip, good in zip(own, legal[1:], strict=True) if good]
    if legal[0] or (standing and not new_flagship) or len(own) >= SPARES:
        return
    base, demand = _base(world, maker, flagship), _demand(world, maker, flagship)
    cuts = cuts_of(base, behaviour.stack_cost_usd.value)
    country = world.frame.names.country[world.frame.makers.hq[world.frame.row("maker", maker)]]
    fab = world.scenario.world.chips[world.frame.names.chip[flagship]].fab_jurisdiction
    lawful = legal_on(world, at_distance(cuts, behaviour.safety_distance_share.value, maker, country, fab), maker, day)
    row, price, margin = best_cut(cuts, lawful, base.list_usd, demand)
    if row >= 0 and margin > _standing_margin(world, standing, demand) * (1.0 + behaviour.redesign_gain_share.value):
        _draw(world, maker, flagship, cuts, row, price)


def legal_on(world: World, catalog: Catalog, maker: str, day: date) -> Bools:
    """Whether parts may go to an ordinary buyer in China on a day without asking, by the rules known this week."""
    names, makers = world.frame.names, world.frame.makers
    deal = LegalClass("sale", names.country[makers.hq[world.frame.row("maker", maker)]], "CN", "CN")
    known_by = world.frame.clock.date_of(world.tick) + timedelta(days=6)
    terms = world.rulebook.judge(catalog, [deal], day, known_by)
    return np.asarray(terms.permitted[0] & ~terms.notify[0])


def doomed(world: World, weeks: int) -> Bools:
    """Parts meant for China that a rule already announced will bar before they could be delivered, (chips,)."""
    out = np.zeros(len(world.frame.chips.tpp), dtype=bool)
    closing, _ = world.standing.china_cells(world.rulebook.closing(world.tick))
    parts = np.flatnonzero(closing & world.frame.chips.for_china & ~world.frame.chips.domestic)
    if len(parts) == 0:
        return out
    day = world.frame.clock.date_of(world.tick) + timedelta(weeks=weeks)
    for maker in sorted(set(world.frame.chips.maker[parts].tolist())):
        legal = legal_on(world, world.rulebook.catalog, world.frame.names.maker[maker], day)
        own = parts[world.frame.chips.maker[parts] == maker]
        out[own] = ~legal[[_column(world, int(chip)) for chip in own]]
    return out


def _column(world: World, chip: int) -> int:
    return world.rulebook.catalog.row(world.frame.names.chip[chip])


def _base(world: World, maker: str, row: int) -> Base:
    chips, catalog, column = world.frame.chips, world.rulebook.catalog, _column(world, row)
    part = world.scenario.world.chips[world.frame.names.chip[row]]
    specs = {name: float(catalog.spec[name][column]) for name in SPECS if name != "pd"}
    return Base(
        fp16_dense_tflops=part.fp16_dense_tflops.value,
        **specs,
        stacks=int(chips.hbm_stacks[row]),
        most_stacks=_most_stacks(world, maker, row),
        dies=int(chips.dies[row]),
        list_usd=float(world.list_usd[row]),
        unit_cost_usd=float(chips.unit_cost_usd[row]),
        soft=software_of(world.scenario, maker),
    )


def _most_stacks(world: World, maker: str, row: int) -> int:
    """Stacks of the largest package that the maker has, or will have announced when a cut ships, for the die of this part."""
    chips, catalog = world.frame.chips, world.rulebook.catalog
    soon = world.tick + round(world.behaviour.board_volume_weeks.value)
    own = (chips.maker == world.frame.row("maker", maker)) & ~chips.for_china & (chips.announced_tick <= soon)
    area = catalog.spec["die_area_mm2"][[_column(world, chip) for chip in range(len(own))]]
    alike = own & (area == area[row]) & (chips.dies == chips.dies[row])
    return int(chips.hbm_stacks[alike].max(initial=chips.hbm_stacks[row]))


def _demand(world: World, maker: str, flagship: int) -> Demand:
    """Buyers as the maker sees them: a guess at how they split money between uses, and what else they may have."""
    behaviour, view, chips, buyer = world.behaviour, world.view, world.frame.chips, world.law.buyer
    host, exponent = behaviour.host_cost_usd.value, behaviour.choice_exponent.value
    luck = float(normal(world.seed_number, key_of("design", maker), world.tick, 0))
    train = min(0.95, max(0.05, behaviour.train_share.value + behaviour.design_error_share.value * luck))
    patience = np.exp(-world.behaviour_row[0] * view.wait_weeks[0])
    rival = view.orderable[buyer] & (chips.maker != world.frame.row("maker", maker))
    pulls = np.where(
        rival[None, :], (view.worth[:, buyer] / (view.list_usd + host)[None, :] * patience[None, :]) ** exponent, 0.0
    )
    grey = (
        chips.worth[:, flagship] / (world.list_usd[flagship] * behaviour.grey_network_multiple.value + host)
    ) ** exponent
    return Demand(np.array([train, 1.0 - train]), np.asarray(pulls.cumsum(axis=1)[:, -1] + grey), host, exponent)


def _standing_margin(world: World, own: list[int], demand: Demand) -> float:
    """Expected margin of the best own part that stays legal, 0 without one."""
    chips = world.frame.chips
    if not own:
        return 0.0
    margin = expected_margin(chips.worth[:, own], chips.unit_cost_usd[own], world.list_usd[own], demand)
    return float(margin.max())


def _draw(world: World, maker: str, flagship: int, cuts: Cuts, cut: int, price_usd: float) -> None:
    """The part takes a free row: its specifications, price and two dates are set, and the law judges it from now on."""
    chips, behaviour, own = world.frame.chips, world.behaviour, world.studios.cuts[maker]
    row = world.frame.row("chip", f"{maker}-cut-{len(own) + 1}")
    fused = bool(cuts.fused[cut])
    weeks = behaviour.fuse_volume_weeks if fused else behaviour.board_volume_weeks
    spec = {name: float(column[cut]) for name, column in cuts.spec.items()}
    chips.worth[:, row] = cuts.worth[:, cut]
    chips.tpp[row], chips.memory_gb[row], chips.hbm_stacks[row] = spec["tpp"], spec["memory_gb"], cuts.stacks[cut]
    chips.list_usd[row] = world.list_usd[row] = 100.0 * round(price_usd / 100.0)
    chips.unit_cost_usd[row], chips.packages_per_wafer[row] = (
        cuts.unit_cost_usd[cut],
        chips.packages_per_wafer[flagship],
    )
    chips.dies[row], chips.fused[row], chips.cut_from[row] = chips.dies[flagship], fused, flagship
    chips.family[row] = flagship if fused else row
    chips.announced_tick[row] = world.tick + round(behaviour.fuse_announce_weeks.value)
    chips.volume_tick[row] = world.tick + round(weeks.value)
    if own:
        chips.successor_of[row] = own[-1]
        chips.succeeded_tick[own[-1]] = min(chips.succeeded_tick[own[-1]], chips.volume_tick[row])
    own.append(row)
    world.rulebook.add_chips(world.rulebook.catalog.redrawn(_column(world, row), spec))
    _note(world, row, spec)


def _note(world: World, row: int, spec: dict[str, float]) -> None:
    """The record's attributes of the part."""
    of, chips = world.record.of, world.frame.chips
    of["chip_tpp"][row], of["chip_io_gbps"][row], of["chip_membw_gbps"][row] = (
        spec["tpp"],
        spec["io_gbps"],
        spec["membw_gbps"],
    )
    of["chip_memory_gb"][row], of["chip_cut_from"][row] = spec["memory_gb"], chips.cut_from[row]
    of["chip_train_weight"][row], of["chip_infer_weight"][row] = chips.worth[0, row], chips.worth[1, row]
    of["chip_announced_tick"][row], of["chip_volume_tick"][row] = chips.announced_tick[row], chips.volume_tick[row]
