"""Rulebook: the rules of a scenario, folded into Terms whenever the set in force changes.

Time is cut at every day on which something starts, ends or steps; between two cuts the law is constant and folded once.
A week that holds a cut takes its terms from its last day, and counts per cell the days that were open.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.bound_effect import BoundEffect, Scope, bind, refuse_circles
from sim.catalog import Catalog
from sim.clock import Clock
from sim.errors import UsageError, nearest
from sim.kept import kept
from sim.levers.allied_alignment import AlliedAlignment
from sim.levers.base import Force, Lever, Rule, target
from sim.levers.entity_list import EntityList
from sim.levers.exemption import Exemption
from sim.levers.licence_policy import LicencePolicy
from sim.levers.repeal import Repeal
from sim.listing import ActorRow, Listing, listing_of
from sim.quantity import FIRST_DAY, LAST_DAY
from sim.scenario import Scenario
from sim.scope import Atlas, CountryRow, Kleene, LegalClass, LegalClasses
from sim.terms import Draft, Terms

Mask = NDArray[np.bool_]

Known = bytes | None
"""Which effects count: 1 or 0 by index; None: all."""

HORIZON_WEEKS = 52
"""How far ahead an announced closure is looked for; the horizon of buyers' beliefs."""

NEVER = -(10**6)
"""Tick of the last closure of a lane that never closed."""


_LAID_OUT = ("_nothing", "_terms", "_by_tick", "_closing", "_closing_in", "_touched", "_scopes", "_reached", "_reaches",
             "_closed_cache")
"""Attributes that hang on the classes and the catalog."""


class Heard(NamedTuple):
    """A signal in the air: reported before this week, its rule not yet public.

    cells   bool (classes, chips) that the rule would change, should it come.
    """

    rule: str
    certainty: float
    cells: Mask
    signal: str
    audience: str


class Rulebook:
    """Rules over the legal classes registered with it and the chips of a catalog.

    rule_ids   rules that can bind, by first day and id, then those signed; `Terms.rule` and `Record` index into it.
    rules      every rule by id, inert ones included.
    classes    the rows of every mask, in order of registration.
    """

    def __init__(
        self,
        rules: Mapping[str, Rule],
        catalog: Catalog,
        countries: Mapping[str, CountryRow],
        clock: Clock,
        actors: Mapping[str, ActorRow] | None = None,
    ) -> None:
        self.rules = dict(rules)
        self.catalog = catalog
        self.atlas = Atlas(countries)
        self.clock = clock
        self.actors = dict(actors or {})
        self.seats = {name: row.seat for name, row in sorted(self.actors.items()) if row.kind == "supplier"}
        self.classes = LegalClasses()
        self.rule_ids: tuple[str, ...] = ()
        self._arrange()

    @classmethod
    def for_scenario(cls, scenario: Scenario) -> Rulebook:
        """The rulebook of a scenario's rules over its chips, countries and actors. What is folded for one run of a scenario serves
        its others, until a rule is signed or a chip added."""
        other = cls.__new__(cls)
        first = _of_scenario(scenario)
        other.__dict__.update(first.__dict__, rules=dict(first.rules), classes=LegalClasses())
        other._lay_out()
        return other

    # --- what a world asks -------------------------------------------------------------------------------------------

    def register(self, classes: Iterable[LegalClass]) -> NDArray[np.int64]:
        """Rows of legal classes in every array of Terms, added where new. For build time: it refolds everything."""
        before = len(self.classes)
        rows = self.classes.add(classes)
        if len(self.classes) > before:
            self._lay_out()
        return rows

    def terms(self, tick: int) -> Terms:
        """The law of a week; the same object while nothing changes. A tick outside the run is clamped into it."""
        tick = min(max(tick, 0), self.clock.n_ticks - 1)
        found = self._by_tick[tick]
        if found is None:
            found = self._by_tick[tick] = self._week(tick)
        return found

    def on(self, day: date) -> Terms:
        """The law of one day."""
        return self._folded(self._span_of(day), None)

    def closing(self, tick: int) -> Mask:
        """Cells open this week that a rule known by its Monday will close within a year, bool (classes, chips)."""
        if tick not in self._closing_in:
            self._closing_in[tick] = self._find_closing(tick)
        return self._closing_in[tick]

    def _find_closing(self, tick: int) -> Mask:
        monday = self.clock.date_of(tick)
        end = monday + timedelta(weeks=HORIZON_WEEKS)
        known = self._known_by(monday)
        first, last = bisect_right(self._starts, monday), bisect_left(self._starts, end)
        spans = sorted(
            {self._span_of(self._bound[index].since) for index in self._by_start[first:last] if known[index]}
        )
        if not spans:
            return self._nothing
        key = (*spans, known, self._span_of(monday), self._span_of(monday + timedelta(days=6)))
        if key not in self._closing:
            barred = [~self._permitted(span, known) for span in spans]
            self._closing[key] = self.terms(tick).permitted & np.logical_or.reduce(barred)
        return self._closing[key]

    def heard(self, tick: int) -> list[Heard]:
        """Leaks reported before this week's Monday whose rule the public does not know yet, by rule."""
        monday = self.clock.date_of(tick)
        return [
            Heard(name, leak.certainty.value, self.touched(name), leak.signal, leak.audience)
            for name, known, leak in self._leaks
            if leak.reported < monday <= known
        ]

    def touched(self, name: str) -> Mask:
        """Cells that a rule is about, in force or not, those of the rules it lifts or follows included, bool (classes,
        chips)."""
        if name not in self._touched:
            rule = self.rules[name]
            mask = self._nothing
            for effect in rule.effects:
                if isinstance(effect, Repeal | AlliedAlignment):
                    others = effect.rules if isinstance(effect, Repeal) else effect.of
                    mask = mask | self._touched_by(others)
                elif effect.on_cells:
                    cells = self._cells(effect, rule)
                    if isinstance(effect, Exemption | LicencePolicy):
                        cells = cells & self._touched_by(effect.of)
                    mask = mask | cells
            self._touched[name] = mask
        return self._touched[name]

    def _touched_by(self, words: Iterable[str]) -> Mask:
        mask = self._nothing
        for word in words:
            name, clause = target(word)
            if name in self.rules:
                rule = self.rules[name]
                own = [
                    self._cells(effect, rule)
                    for effect in rule.effects
                    if effect.on_cells
                    and clause in ("", effect.clause)
                    and not isinstance(effect, Repeal | AlliedAlignment | Exemption | LicencePolicy)
                ]
                mask = np.logical_or.reduce([mask, *own])
        return mask

    def _cells(self, effect: Lever, rule: Rule) -> Mask:
        """Cells of an effect by its own scope, whether in force or not."""
        reached = self._cells_of(BoundEffect(-1, effect, rule.by, FIRST_DAY, LAST_DAY, rule.known, effect.where))
        chips = effect.chips.match(self.catalog, rule.since or rule.announced)
        return np.asarray(reached & (chips.maybe if effect.presumes else chips.yes)[None, :])

    def closures(self, tick: int) -> NDArray[np.int64]:
        """Tick in which the sale of a chip from its designer's country last closed, (n_chips, n_countries) in the order
        of `atlas.codes`, up to and including this tick; NEVER where it never did. May lie before the run."""
        days = [day for day, _ in self._closed]
        last = bisect_right(days, self.clock.date_of(tick) + timedelta(days=6)) - 1
        return self._closed[last][1] if last >= 0 else self._never

    def listing(self, tick: int) -> Listing:
        """Who is listed in a week, from the week a listing begins in; the same object while nobody comes or goes."""
        return self.listing_on(self.clock.date_of(tick) + timedelta(days=6))

    def listing_on(self, day: date) -> Listing:
        """Who is listed on a day. An actor's `listed_since` counts where it lies before the run and no rule names the
        actor."""
        span = self._span_of(day)
        if span not in self._listings:
            lists = [
                (self.rule_ids[self._bound[index].rule], effect)
                for index in self._holding(self._cuts[span], None)
                if isinstance(effect := self._bound[index].effect, EntityList)
            ]
            before = min(self.clock.start, self._cuts[span] + timedelta(days=1))
            self._listings[span] = listing_of(lists, self.actors, before, self._named)
        return self._listings[span]

    def sign(self, name: str, rule: Rule, tick: int) -> None:
        """Enter a rule decided in this tick, anew or in place of its namesake; it binds from the next at the earliest.
        Raises UsageError for a rule without a first day."""
        if rule.since is None:
            raise UsageError(f'the decree "{name}" has no first day; give it `since`')
        since = max(rule.since, self.clock.date_of(tick + 1))
        self.rules[name] = rule.model_copy(update={"since": since, "announced": self.clock.date_of(tick)})
        self._arrange()

    def add_chips(self, catalog: Catalog) -> None:
        """Judge another catalog from now on, such as this one with a redesigned part added."""
        self.catalog = catalog
        self._arrange()

    def judge(self, catalog: Catalog, classes: Iterable[LegalClass], day: date, known_by: date | None = None) -> Terms:
        """The law of a day for any chips and classes, without touching this book's; with `known_by`, what the rules
        announced by then will make of it. For design searches and questions."""
        other = self.over(catalog, classes)
        known = other._known_by(known_by) if known_by else None
        return other._folded(other._span_of(day), known)

    def rule_row(self, name: str) -> int:
        """Index of a rule in `rule_ids`; raises UsageError with the nearest known id."""
        if name not in self._rows:
            raise UsageError(f'"{name}" is no rule in force; {nearest(name, list(self.rule_ids))}')
        return self._rows[name]

    def over(self, catalog: Catalog, classes: Iterable[LegalClass]) -> Rulebook:
        """The same rules over other chips and classes."""
        other = Rulebook.__new__(Rulebook)
        matches = self._matches if catalog is self.catalog else {}
        other.__dict__.update(self.__dict__, catalog=catalog, classes=LegalClasses(classes), _matches=matches, _layouts={})
        other._lay_out()
        return other

    def binding(self, day: date, row: int, chip: int) -> list[tuple[str, Lever]]:
        """Effects that cover one cell on a day, with their rules, earliest first."""
        holding = self._holding(day, None)
        scopes = self._after_exemptions(holding, {index: self._scope(index, day) for index in holding})
        return [
            (self.rule_ids[self._bound[index].rule], self._bound[index].effect)
            for index in holding
            if self._bound[index].effect.on_cells
            and not isinstance(self._bound[index].effect, Exemption | Repeal)
            and (scopes[index].cells | scopes[index].unsure)[row, chip]
        ]

    def effects_on(self, day: date, row: int) -> list[tuple[str, Lever]]:
        """Effects in force on a day whose deals include a class, whatever the chip."""
        return [
            (self.rule_ids[self._bound[index].rule], self._bound[index].effect)
            for index in self._holding(day, None)
            if self._bound[index].effect.on_cells and self._cells_of(self._bound[index])[row].any()
        ]

    def turns(self) -> list[date]:
        """Every day on which the law may change, in order."""
        return self._cuts[1:]

    # --- how it is folded --------------------------------------------------------------------------------------------

    def _arrange(self) -> None:
        """Order rules and effects, find the cuts of time, forget what was folded."""
        active = {name: rule for name, rule in self.rules.items() if not rule.inert and rule.since}
        kept = [name for name in self.rule_ids if name in active]
        new = sorted(set(active) - set(kept), key=lambda name: (active[name].since, name))
        self.rule_ids = (*kept, *new)
        self._rows = {name: row for row, name in enumerate(self.rule_ids)}
        refuse_circles(active)
        self._bound = [bound for name in self.rule_ids for bound in bind(active, name, self._rows, self.atlas)]
        cuts = {FIRST_DAY} | {row.listed_since for row in self.actors.values() if row.listed_since}
        for bound in self._bound:
            cuts.update(day for day in (bound.since, bound.until, *bound.turns) if day < LAST_DAY)
        self._cuts = sorted(cuts)
        self._by_start = sorted(range(len(self._bound)), key=lambda index: self._bound[index].since)
        self._starts = [self._bound[index].since for index in self._by_start]
        self._leaks = [(name, rule.known, leak) for name, rule in sorted(self.rules.items()) for leak in rule.leaks]
        self._listings: dict[int, Listing] = {}
        lists = [effect for rule in self.rules.values() for effect in rule.effects if isinstance(effect, EntityList)]
        self._named = frozenset(entity for effect in lists for entity in effect.entities)
        self._known_days = sorted(bound.known for bound in self._bound)
        self._known: dict[int, bytes] = {}
        self._matches: dict[tuple[int, date], Kleene] = {}
        self._layouts: dict[tuple[LegalClass, ...], dict[str, object]] = {}
        """What `_lay_out` laid out for some classes, masks folded since included."""
        self._lay_out()

    def _known_by(self, day: date) -> bytes:
        """Effects whose rule is public on a day."""
        count = bisect_right(self._known_days, day)
        if count not in self._known:
            self._known[count] = bytes(bound.known <= day for bound in self._bound)
        return self._known[count]

    def _lay_out(self) -> None:
        """Masks of every effect over the classes and chips as they now stand."""
        key = tuple(self.classes.rows)
        if key in self._layouts:
            self.__dict__.update(self._layouts[key])
            return
        shape = (len(self.classes), len(self.catalog))
        self._nothing = _read_only(np.zeros(shape, np.bool_))
        self._terms: dict[tuple[int, Known], Terms] = {}
        self._by_tick: list[Terms | None] = [None] * self.clock.n_ticks
        self._closing: dict[object, Mask] = {}
        self._closing_in: dict[int, Mask] = {}
        self._touched: dict[str, Mask] = {}
        self._scopes: dict[tuple[int, date], Scope] = {}
        self._reached: dict[int, Mask] = {}
        self._reaches: dict[tuple[str, tuple[str, ...]], Mask] = {}
        self._closed_cache: list[tuple[date, NDArray[np.int64]]] | None = None
        self._layouts[key] = {name: self.__dict__[name] for name in _LAID_OUT}

    def _cells_of(self, bound: BoundEffect) -> Mask:
        """Cells of every chip in the deals an effect is about and its authors can reach."""
        effect, classes = bound.effect, self.classes
        if bound.where != effect.where:
            effect = effect.model_copy(update={"where": bound.where})
        rows = effect.rows(classes, self.atlas)
        if bound.allies:
            return np.asarray(rows & (np.isin(classes.origin, bound.allies) | np.isin(classes.place, bound.allies)))[
                :, None
            ].repeat(len(self.catalog), axis=1)
        key = (effect.sphere, bound.by)
        if key not in self._reaches:
            self._reaches[key] = effect.reach(bound.by, classes, self.catalog.design, self.atlas)
        return np.asarray(rows[:, None] & self._reaches[key])

    def _scope(self, index: int, day: date) -> Scope:
        """What an effect covers, kept while its dated lines stand still."""
        bound = self._bound[index]
        key = (index, max((turn for turn in bound.turns if turn <= day), default=FIRST_DAY))
        if key not in self._scopes:
            if index not in self._reached:
                self._reached[index] = self._cells_of(bound)
            if key not in self._matches:
                self._matches[key] = bound.effect.chips.match(self.catalog, day)
            match, reached = self._matches[key], self._reached[index]
            chips = match.maybe if bound.effect.presumes else match.yes
            cells, unsure = reached & chips[None, :], reached & (match.maybe & ~chips)[None, :]
            cells, unsure = (mask if mask.any() else self._nothing for mask in (cells, unsure))
            self._scopes[key] = Scope(cells, unsure, chips)
        return self._scopes[key]

    def _span_of(self, day: date) -> int:
        """Index of the stretch of constant law that holds a day."""
        return max(bisect_right(self._cuts, day) - 1, 0)

    def _week(self, tick: int) -> Terms:
        monday = self.clock.date_of(tick)
        last = self._span_of(monday + timedelta(days=6))
        terms = self._folded(last, None)
        if self._span_of(monday) == last:
            return terms
        spans = [self._span_of(monday + timedelta(days=d)) for d in range(7)]
        open_days = np.zeros(terms.open_days.shape, np.uint8)
        for d, span in enumerate(spans):
            open_days |= np.where(self._folded(span, None).permitted, np.uint8(1 << d), np.uint8(0))
        if np.array_equal(open_days, terms.open_days):
            return terms
        return terms.with_open_days(open_days)

    def _folded(self, span: int, known: Known) -> Terms:
        """Terms of a stretch of time, of all rules or of those marked as known."""
        key = (span, known)
        if key not in self._terms:
            draft = Draft(self._nothing, self.atlas.codes, self.seats)
            self._terms[key] = self._fold(draft, self._cuts[span], known).finish()
        return self._terms[key]

    def _permitted(self, span: int, known: Known) -> Mask:
        """What is open without leave in a stretch of time: the one column, where no other is wanted."""
        if (span, known) in self._terms:
            return self._terms[span, known].permitted
        draft = Draft(self._nothing, (), (), columns=("permitted",))
        return self._fold(draft, self._cuts[span], known).columns["permitted"]

    def _fold(self, draft: Draft, day: date, known: Known) -> Draft:
        holding = self._holding(day, known)
        scopes = self._after_exemptions(holding, {index: self._scope(index, day) for index in holding})
        for index in holding:
            bound, scope = self._bound[index], scopes[index]
            draft.fold(scope.unsure, unknown=True)
            since_tick = self.clock.tick_of(bound.since)
            force = Force(
                bound.rule, bound.by, day, bound.since, since_tick, self.classes, self.atlas, scope.chips, self.seats
            )
            bound.effect.apply(draft, scope.cells, force)
        return draft

    def _after_exemptions(self, holding: list[int], scopes: dict[int, Scope]) -> dict[int, Scope]:
        """Scopes with exempted cells taken out of the rules named, then those under a licence policy handed over to it;
        of several policies the latest has them."""
        exempt: dict[int, Mask] = {}
        for index in holding:
            effect = self._bound[index].effect
            if isinstance(effect, Exemption):
                for other in self._targets(effect.of, holding):
                    exempt[other] = exempt.get(other, self._nothing) | scopes[index].cells
        left = {index: scopes[index].without(exempt[index]) if index in exempt else scopes[index] for index in holding}
        final = dict(left)
        for index in reversed(holding):
            effect = self._bound[index].effect
            if isinstance(effect, LicencePolicy):
                others = [
                    other
                    for other in self._targets(effect.of, holding)
                    if not isinstance(self._bound[other].effect, LicencePolicy)
                ]
                final[index] = left[index].within([final[other] for other in others])
                for other in others:
                    final[other] = final[other].without(left[index].cells)
        return final

    def _targets(self, words: Iterable[str], holding: list[int]) -> list[int]:
        """Effects in force of the rules named, or of the clause named."""
        wanted = [(self._rows[name], clause) for name, clause in map(target, words) if name in self._rows]
        return [index for index in holding for row, clause in wanted if self._bound[index].matches(row, clause)]

    def _holding(self, day: date, known: Known) -> list[int]:
        """Effects in force on a day, their rules not repealed."""
        holding = [
            index for index, bound in enumerate(self._bound) if bound.holds(day) and (known is None or known[index])
        ]
        repealed = self._repealed(holding)
        return [index for index in holding if self._bound[index].rule not in repealed]

    def _repealed(self, holding: list[int]) -> set[int]:
        """Rules that a rule in force repeals; a repealed repeal counts for nothing. Circles were refused."""
        repeals: dict[int, list[int]] = {}
        for index in holding:
            effect = self._bound[index].effect
            if isinstance(effect, Repeal):
                for name in effect.rules:
                    if name in self._rows:
                        repeals.setdefault(self._rows[name], []).append(self._bound[index].rule)

        def gone(rule: int) -> bool:
            return any(not gone(by) for by in repeals.get(rule, ()))

        return {rule for rule in repeals if gone(rule)}

    @property
    def _never(self) -> NDArray[np.int64]:
        return np.full((len(self.catalog), len(self.atlas.codes)), NEVER, np.int64)

    @property
    def _closed(self) -> list[tuple[date, NDArray[np.int64]]]:
        """(day, last closures from it on) for each day on which a sale closed, from the first rule ever."""
        if self._closed_cache is None:
            self._closed_cache = list(self._closings())
        return self._closed_cache

    def _closings(self) -> Iterable[tuple[date, NDArray[np.int64]]]:
        homes = sorted(set(self.catalog.design.tolist()))
        sales = [LegalClass("sale", home, code, code) for home in homes for code in self.atlas.codes]
        book = self.over(self.catalog, sales)
        own = np.array([homes.index(home) for home in self.catalog.design.tolist()], np.int64)
        last, before = self._never, None
        for span, day in enumerate(self._cuts):
            permitted = book._permitted(span, None).reshape(len(homes), len(self.atlas.codes), len(self.catalog))
            now = permitted[own, :, np.arange(len(self.catalog))]
            if before is not None and (before & ~now).any():
                last = np.where(before & ~now, self.clock.tick_of(day), last)
                yield day, _read_only(last)
            before = now


@kept
def _of_scenario(scenario: Scenario) -> Rulebook:
    world = scenario.world
    return Rulebook(scenario.rules, Catalog(world.chips), world.countries, scenario.clock, world.actors)


def _read_only(array: NDArray[np.bool_] | NDArray[np.int64]) -> NDArray:  # type: ignore[type-arg]
    array.flags.writeable = False
    return array
