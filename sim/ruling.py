"""Ruling: may A ship chip X to B on day D, under which rule, with what delay, and what would flip the answer?

Read from the rules alone, without a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from itertools import combinations
from typing import Any

from sim.catalog import SPECS, Catalog, ChipRow, Part, part
from sim.errors import UsageError, nearest
from sim.levers.base import Control, Lever, quantities
from sim.levers.entity_list import EntityList
from sim.levers.quota import QuotaLever
from sim.levers.revenue_share import RevenueShare
from sim.levers.tariff import Tariff
from sim.listing import LISTED_SINCE
from sim.rulebook import Rulebook
from sim.scenario import Scenario
from sim.scope import LegalClass
from sim.terms import BAN, DENIAL, NOTICE, REVIEW, Terms

PERMITTED, NOTIFY, CASE_BY_CASE, DENIED, BARRED, UNKNOWN = (
    "permitted",
    "notify and wait",
    "licence case by case",
    "licence denied",
    "barred",
    "unknown",
)
VERDICTS = (PERMITTED, NOTIFY, CASE_BY_CASE, UNKNOWN, DENIED, BARRED)
"""From the freest to the strictest."""

_OF_WEIGHT = {NOTICE: NOTIFY, REVIEW: CASE_BY_CASE, DENIAL: DENIED, BAN: BARRED}
_STEP = {"tpp": 1.0, "pd": 0.01, "io_gbps": 1.0, "membw_gbps": 1.0, "memory_gb": 1.0, "die_area_mm2": 1.0}
Change = tuple[tuple[str, str, float], ...]
"""Steps across lines: (specification, "below" or "at least", line)."""

_CHEAP_PAIRS = 40
"""Changes looked at two by two where none does alone."""


@dataclass(frozen=True)
class Question:
    """Who ships what to whom and when. Empty words take the usual: origin the chip's home, a civil unlisted buyer at
    the
    destination, the chip's own foundry.

    chip     id or alias; with `specs`, a part like it but for these; empty for a part of `specs` alone.
    buyer    an actor, whose headquarters, listing and end use are then declared.
    rental   hours of a machine at the destination instead of goods.
    """

    destination: str
    day: date
    chip: str = ""
    origin: str = ""
    buyer: str = ""
    fab: str = ""
    specs: Mapping[str, float] = field(default_factory=dict)
    market: str = ""
    rental: bool = False


@dataclass(frozen=True)
class Flip:
    """One change to the question, and the verdict it would bring."""

    kind: str
    """specification, destination, origin, buyer or date."""
    change: str
    verdict: str
    rule: str


@dataclass(frozen=True)
class Ruling:
    """The answer.

    verdict      one of VERDICTS; rule, clause, source the act that binds, empty where none does.
    rules        every rule that covers the deal.
    delay_days   until a licence is decided or a notice has run; grant_rate the chance of a licence.
    conditions   charges, quotas and licence conditions, in words.
    foundry      verdict on the lane from the foundry to the designer, where another country makes the dies.
    flips        what would change the verdict; next_change among them as a date.
    """

    question: str
    verdict: str
    rule: str
    clause: str
    source: str
    rules: tuple[str, ...]
    delay_days: int
    grant_rate: float
    conditions: tuple[str, ...]
    foundry: str
    foundry_rule: str
    flips: tuple[Flip, ...]

    def plain(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return asdict(self)


def explain(scenario: Scenario, question: Question) -> Ruling:
    """Answer a question from a scenario's rules. Raises UsageError on names and specifications nobody knows."""
    return _Case(scenario, question).ruling()


class _Case:
    """One question in front of a rulebook: the part, the deal, and what the law says of both."""

    def __init__(self, scenario: Scenario, question: Question) -> None:
        self.world = scenario.world
        self.question = question
        book = Rulebook.for_scenario(scenario)
        self.part = self._part(book.catalog)
        self.book = book
        self.deal = self._deal(question)
        self.day = question.day

    def ruling(self) -> Ruling:
        part, deal = self.part, self.deal
        terms = self._judge([part], [deal])
        verdict = self._verdict(terms)
        rule, clause, source = self._act(self._rule(terms), self.question.buyer)
        on_cell = self._own([part], [deal]).binding(self.day, 0, 0)
        foundry = self._foundry()
        flips = [
            *self._by_specification(verdict),
            *self._by_destination(verdict),
            *self._by_origin(verdict),
            *self._by_buyer(verdict),
            *self._by_date(verdict),
        ]
        delays = [effect.delay.at(self.day) for _, effect in on_cell if isinstance(effect, Control) and effect.delay]
        waits = verdict in (NOTIFY, CASE_BY_CASE, DENIED)
        return Ruling(
            self._said(),
            verdict,
            rule,
            clause,
            source,
            tuple(
                dict.fromkeys(name for name, effect in on_cell if not isinstance(effect, EntityList) or name == rule)
            ),
            round(7 * max(delays, default=0.0)) if waits else 0,
            float(terms.grant_rate[0, 0]) if waits and verdict != NOTIFY else float(verdict in (PERMITTED, NOTIFY)),
            self._conditions(terms, [effect for _, effect in on_cell]),
            *foundry,
            tuple(flips),
        )

    def _conditions(self, terms: Terms, effects: Iterable[Lever]) -> tuple[str, ...]:
        said = [words for effect in effects for words in _conditions(effect, self.day)]
        factor = float(terms.demand_factor[0, 0])
        return (
            *dict.fromkeys(said),
            *([f"buyers are told to order {factor:.0%} of what they would"] if factor < 1 else []),
        )

    # --- the part and the deal -----------------------------------------------------------------------------------

    def _part(self, catalog: Catalog) -> ChipRow:
        asked = self.question
        for spec in asked.specs:
            if spec not in SPECS:
                raise UsageError(f'"{spec}" is no specification a rule looks at; {nearest(spec, list(SPECS))}')
        if asked.market not in ("", "datacentre", "consumer", "captive"):
            raise UsageError(f'"{asked.market}" is no market; known: datacentre, consumer, captive')
        if not asked.chip:
            if not asked.specs:
                raise UsageError("name a chip with --chip, or describe one with --spec, such as --spec tpp=4799")
            return part(asked.specs, market=asked.market or "datacentre", fab_jurisdiction=asked.fab or "TW")
        row = self.world.chips[catalog.ids[catalog.row(asked.chip)]]
        if not asked.specs and not asked.market:
            return row if not asked.fab else row.model_copy(update={"fab_jurisdiction": asked.fab})
        specs = {spec: getattr(row, spec).value for spec in SPECS if spec not in row.unknown_specs} | dict(asked.specs)
        if "pd" not in asked.specs and {"tpp", "die_area_mm2"} & set(asked.specs):
            specs.pop("pd", None)
        return part(
            specs,
            market=asked.market or row.market,
            vendor=row.vendor,
            designed_for=row.designed_for,
            design_jurisdiction=row.design_jurisdiction,
            fab_jurisdiction=asked.fab or row.fab_jurisdiction,
        )

    def _deal(self, asked: Question) -> LegalClass:
        atlas, design = self.book.atlas, self.part.design_jurisdiction
        destination = atlas.country(asked.destination)
        origin = atlas.country(asked.origin) if asked.origin else destination if asked.rental else design
        activity = (
            "rental"
            if asked.rental
            else "transfer"
            if origin == destination != design
            else "sale"
            if origin == design
            else "reexport"
        )
        hq, listed, end_use = self._buyer(asked.buyer, destination, asked.day)
        return LegalClass(activity, origin, destination, hq, listed, end_use, origin)

    def _buyer(self, name: str, destination: str, day: date) -> tuple[str, int, str]:
        if not name:
            return destination, 0, "civil"
        key = self._actor(name)
        if not key:
            raise UsageError(f'"{name}" is no actor; {nearest(name, list(self.world.actors))}')
        row = self.world.actors[key]
        listed = key in self.book.listing_on(day).parties
        return row.hq, int(listed), "military" if row.military else "state" if row.state_funded else "civil"

    def _actor(self, name: str) -> str:
        """An actor's id by id or name, empty when there is none."""
        known = {word.casefold(): key for key, row in self.world.actors.items() for word in (row.name, key)}
        return known.get(name.casefold(), "")

    def _said(self) -> str:
        asked, deal = self.question, self.deal
        what = asked.chip or "a part"
        if asked.specs or not asked.chip:
            what += " of " + ", ".join(f"{spec} {value:g}" for spec, value in asked.specs.items())
        buyer = asked.buyer or f"a buyer headquartered in {deal.buyer_hq}"
        listed = " (listed)" if deal.listed else ""
        verb = "rent out" if asked.rental else "ship"
        return f"May {deal.origin} {verb} {what} to {buyer}{listed} in {deal.destination} on {asked.day}?"

    # --- the law -------------------------------------------------------------------------------------------------

    def _own(self, parts: Iterable[ChipRow], deals: Iterable[LegalClass]) -> Rulebook:
        return self.book.over(_catalog(parts), deals)

    def _judge(self, parts: Iterable[ChipRow], deals: Iterable[LegalClass], day: date | None = None) -> Terms:
        return self._own(parts, deals).on(day or self.day)

    @staticmethod
    def _verdict(terms: Terms, row: int = 0, chip: int = 0) -> str:
        if terms.unknown[row, chip] and terms.weight[row, chip] < NOTICE:
            return UNKNOWN
        return _OF_WEIGHT.get(int(terms.weight[row, chip]), PERMITTED)

    def _rule(self, terms: Terms, row: int = 0, chip: int = 0) -> str:
        index = int(terms.rule[row, chip])
        return self.book.rule_ids[index] if index >= 0 else ""

    def _act(self, rule: str, party: str) -> tuple[str, str, str]:
        """(id, clause, source) of the act that binds; where a deal needs leave because its party is listed, the act
        that
        lists this very party."""
        rules = self.book.rules
        if rule and any(isinstance(effect, EntityList) for effect in rules[rule].effects):
            listing, key = self.book.listing_on(self.day), self._actor(party)
            named = {**listing.parties, **listing.foundry}.get(key, "")
            if named == LISTED_SINCE:
                row = self.world.actors[key]
                return "Entity List", f"{row.name or key}, listed since {row.listed_since}", row.source
            rule = named or rule
        return (rule, rules[rule].clause, rules[rule].source) if rule else ("", "", "")

    def _foundry(self) -> tuple[str, str]:
        """(verdict, act) on the way of the dies to the designer; empty where they are made at home."""
        part = self.part
        if part.fab_jurisdiction == part.design_jurisdiction:
            return "", ""
        listed = part.vendor in self.book.listing_on(self.day).foundry
        fab, design = part.fab_jurisdiction, part.design_jurisdiction
        terms = self._judge([part], [LegalClass("fab", self.book.atlas.country(fab), design, design, int(listed))])
        return self._verdict(terms), self._act(self._rule(terms), part.vendor)[0]

    # --- what would flip it ----------------------------------------------------------------------------------------

    def _by_specification(self, verdict: str) -> list[Flip]:
        """Where the deal needs leave, the least changes that free it; where it is free, the least that bind it."""
        lines = self._lines()
        if not lines:
            return []
        found = self._changed([(line,) for line in lines], verdict)
        if verdict in VERDICTS[VERDICTS.index(UNKNOWN) :] and not any(flip.verdict == PERMITTED for flip in found):
            pairs = [pair for pair in combinations(lines[:_CHEAP_PAIRS], 2) if pair[0][0] != pair[1][0]]
            found += [flip for flip in self._changed(pairs, verdict) if flip.verdict == PERMITTED][:3]
        return found

    def _lines(self) -> list[tuple[str, str, float]]:
        """Every step across a line of a rule in force that reaches the deal: (specification, "below" or "at least",
        line),
        the nearest on each side of the part first."""
        part = self.part
        lines: dict[tuple[str, str, float], float] = {}
        for _, effect in self._own([part], [self.deal]).effects_on(self.day, 0):
            for spec, _, line in effect.chips.bounds(self.day):
                value = getattr(part, spec).value
                if spec not in part.unknown_specs:
                    side = "below" if value >= line else "at least"
                    lines[(spec, side, line)] = abs(value - line) / max(value, 1.0)
        return sorted(lines, key=lambda key: (lines[key], key))

    def _changed(self, changes: Sequence[Change], verdict: str) -> list[Flip]:
        """Flips among these changes, the nearest of each kind and verdict only."""
        if not changes:
            return []
        terms = self._judge([self._with(change) for change in changes], [self.deal])
        found: dict[tuple[object, ...], Flip] = {}
        for chip, change in enumerate(changes):
            new = self._verdict(terms, 0, chip)
            better = VERDICTS.index(new) < VERDICTS.index(verdict)
            if new != verdict and (better or verdict in (PERMITTED, NOTIFY)):
                words = " and ".join(f"{spec} {side} {line:g}{self._hedge(line)}" for spec, side, line in change)
                key = (tuple((spec, side) for spec, side, _ in change), new)
                found.setdefault(key, Flip("specification", words, new, self._rule(terms, 0, chip)))
        return list(found.values())

    def _hedge(self, line: float) -> str:
        """The range of a line that is only reported."""
        for _, effect in self._own([self.part], [self.deal]).effects_on(self.day, 0):
            for quantity in quantities(effect.chips):
                if quantity.low < quantity.high and quantity.at(self.day) == line:
                    return f" (the line is uncertain: {quantity.low:g} to {quantity.high:g})"
        return ""

    def _with(self, change: Change) -> Part:
        """The part one step across each line. A change of tpp moves pd with it, one of pd comes from die area."""
        old = self.part
        specs = {spec: getattr(old, spec).value for spec in SPECS if spec not in old.unknown_specs}
        moved = {spec: line if side == "at least" else line - min(_STEP[spec], line / 2) for spec, side, line in change}
        specs.update(moved)
        if "pd" not in moved and {"tpp", "die_area_mm2"} & set(moved) and specs.get("die_area_mm2"):
            specs.pop("pd", None)
        elif "pd" in moved:
            specs.pop("die_area_mm2", None)
        return part(
            specs,
            market=old.market,
            vendor=old.vendor,
            designed_for=old.designed_for,
            design_jurisdiction=old.design_jurisdiction,
            fab_jurisdiction=old.fab_jurisdiction,
        )

    def _by_destination(self, verdict: str) -> list[Flip]:
        codes = [code for code in self.book.atlas.codes if code != self.deal.destination]
        hq = self.deal.buyer_hq if self.question.buyer else ""
        deals = [self._deal(replace(self.question, destination=code))._replace(buyer_hq=hq or code) for code in codes]
        return self._grouped("destination", "to {}", codes, deals, verdict)

    def _by_origin(self, verdict: str) -> list[Flip]:
        homes = [
            code
            for code in dict.fromkeys((self.part.design_jurisdiction, "US", "TW", "CN"))
            if code in self.book.atlas.codes and code != self.deal.origin and not self.question.rental
        ]
        deals = [self._deal(replace(self.question, origin=code)) for code in homes]
        words = [f"{code} (goods already there)" if code == self.deal.destination else code for code in homes]
        return self._grouped("origin", "from {}", words, deals, verdict)

    def _by_buyer(self, verdict: str) -> list[Flip]:
        deal = self.deal
        others: dict[str, LegalClass] = {}
        if deal.listed:
            others["an unlisted buyer"] = deal._replace(listed=0)
        else:
            others["a buyer on the Entity List"] = deal._replace(listed=1)
        for hq in ("US", "CN"):
            if hq != deal.buyer_hq and hq in self.book.atlas.codes:
                others[f"a buyer headquartered in {hq}"] = deal._replace(buyer_hq=hq, listed=0, end_use="civil")
        if deal.end_use != "state":
            others["a state-funded buyer"] = deal._replace(end_use="state")
        flips = self._grouped("buyer", "{}", list(others), list(others.values()), verdict)
        return [flip for flip in flips if flip.verdict != verdict]

    def _grouped(self, kind: str, form: str, words: list[str], deals: list[LegalClass], verdict: str) -> list[Flip]:
        """One flip per verdict that differs, naming all it holds for."""
        if not deals:
            return []
        book = self._own([self.part], deals)
        terms = book.on(self.day)
        groups: dict[tuple[str, str], list[str]] = {}
        for word, row in zip(words, book.classes.add(deals).tolist(), strict=True):
            groups.setdefault((self._verdict(terms, row), self._rule(terms, row)), []).append(word)
        return [
            Flip(kind, form.format(", ".join(members)), new, rule)
            for (new, rule), members in sorted(
                groups.items(), key=lambda item: (VERDICTS.index(item[0][0]), item[0][1])
            )
            if new != verdict
        ]

    def _by_date(self, verdict: str) -> list[Flip]:
        """The nearest days, after and before, on which the verdict is another; the buyer's listing goes by the day."""
        book = self._own([self.part], [self.deal._replace(listed=0), self.deal._replace(listed=1)])
        key = self._actor(self.question.buyer)

        def on(day: date) -> tuple[str, str]:
            listed = int(key in self.book.listing_on(day).parties)
            terms = book.on(day)
            return self._verdict(terms, listed), self._rule(terms, listed)

        later = (("from {}", turn, on(turn)) for turn in book.turns() if turn > self.day)
        earlier = (
            ("before {}", turn, on(turn - timedelta(days=1))) for turn in reversed(book.turns()) if turn <= self.day
        )
        nearest_two = (next((found for found in side if found[2][0] != verdict), None) for side in (later, earlier))
        return [Flip("date", found[0].format(found[1]), *found[2]) for found in nearest_two if found]


def _catalog(parts: Iterable[ChipRow]) -> Catalog:
    return Catalog({f"part {number}": row for number, row in enumerate(parts)})


def _conditions(effect: Lever, day: date) -> list[str]:
    if isinstance(effect, Control):
        return list(effect.conditions)
    if isinstance(effect, RevenueShare):
        return [f"{effect.rate.at(day):.0%} of revenue to the state"]
    if isinstance(effect, Tariff):
        return [f"duty of {effect.rate.at(day):.0%} on the ask"]
    if isinstance(effect, QuotaLever):
        return [effect.in_words(day)]
    return []
