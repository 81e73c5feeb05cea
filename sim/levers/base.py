"""Rule and Lever: a control as data, and the base every policy lever shares.

A rule is one act of a government (or an event recorded beside them) with a date, a source and effects; each effect is a
lever with its parameters and the cells it touches. Levers register by name and are found by their folder, so a rule's
`effects` are a union over every lever there is, third parties' included.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler, StrictBool, model_validator
from pydantic_core import CoreSchema, core_schema

from sim.errors import nearest
from sim.quantity import Day, Quantity, Share, Weeks, fault, shown
from sim.registry import Registry, discover
from sim.scope import Atlas, ChipScope, LegalClasses, Names, Where
from sim.terms import BAN, DENIAL, NOTICE, REVIEW, Draft

Mask = NDArray[np.bool_]

levers: Registry[type[Lever]] = Registry("lever")
"""Every lever by the name a scenario writes after `lever:`."""

ANYWHERE = Where.model_construct()
"""The `where` of an effect that names none."""

Sphere = Literal["export", "import", "either", "named"]

Made = TypeVar("Made", bound="Lever")


def lever(name: str) -> Callable[[type[Made]], type[Made]]:
    """Class decorator that files a lever under its name."""

    def keep(made: type[Made]) -> type[Made]:
        levers.register(name)(made)
        return made

    return keep


class Lever(BaseModel):
    """One effect of a rule on the cells in its scope.

    chips, where   the cells: chips that match, traded in any of the `where` (anywhere when none is given).
    since, until   the effect's own days, when they differ from its rule's; half-open.
    clause         its name within the rule, by which exemptions can refer to it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    activities: ClassVar[tuple[str, ...]] = ("sale", "reexport", "transfer")
    """What the lever reaches when a `where` names no activity."""
    sphere: ClassVar[Sphere] = "export"
    """What a government can reach: goods of its technology or exporters, goods that come in, either, or those named."""
    presumes: ClassVar[bool] = False
    """True for levers that take a chip of unknown specifications to be in scope."""
    on_cells: ClassVar[bool] = True
    """False for levers that move only multipliers of whole countries."""

    lever: str
    clause: str = ""
    chips: ChipScope = ChipScope()
    where: tuple[Where, ...] = ()
    since: Day | None = None
    until: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Lever:
        if self.since and self.until and self.until <= self.since:
            raise fault(
                f"the effect ends on {self.until}, not after its start {self.since}", "write a later day", ("until",)
            )
        return self

    @abstractmethod
    def apply(self, terms: Draft, cells: Mask, force: Force) -> None:
        """Fold the effect into the terms on `cells`, bool (classes, chips). Folding must commute."""

    def rows(self, classes: LegalClasses, atlas: Atlas) -> Mask:
        """Legal classes in scope, (n_classes,)."""
        parts = [part.match(classes, atlas, self.activities) for part in self.where or (ANYWHERE,)]
        return np.asarray(np.logical_or.reduce(parts))

    def reach(self, by: tuple[str, ...], classes: LegalClasses, design: NDArray[np.str_], atlas: Atlas) -> Mask:
        """Cells, bool (classes, chips), that governments `by` have power over through this lever's sphere.

        Export law follows the exporter, the goods and the technology in them, save where goods that are already in
        a D:5 country pass between its own firms: no one abroad sees that deal.
        """
        if self.sphere == "named" or not len(classes):
            return np.ones((len(classes), len(design)), np.bool_)
        inward = np.repeat(np.isin(classes.destination, by)[:, None], len(design), axis=1)
        if self.sphere == "import":
            return inward
        out_of_sight = np.isin(classes.activity, ("transfer", "rental")) & np.logical_and(
            *(np.isin(column, atlas.groups["D5"]) for column in (classes.origin, classes.place))
        )
        own = np.isin(classes.origin, by) | np.isin(classes.place, by)
        upstream = np.isin(classes.activity, ("fab", "hbm", "tools"))
        technology = np.isin(design, by)[None, :] & ~out_of_sight[:, None]
        outward = (own | upstream)[:, None] | technology
        return np.asarray(outward | inward if self.sphere == "either" else outward)

    def turns(self, since: date) -> list[date]:
        """Days after its start on which what it does changes: the steps of its dated parameters."""
        return sorted({point.since for quantity in quantities(self) for point in quantity.path})


@dataclass(frozen=True)
class Force:
    """Under which a lever is applied.

    rule        index of its rule into `rule_ids`.
    by          country codes of the governments that made the rule.
    day, since  the day folded for, and the first of the effect's life; since_tick the tick that holds the latter.
    classes, atlas   the rows of every mask, and the groups of countries.
    chips       bool (n_chips,), the lever's own chips on that day.
    seats       supplier id -> country, for levers on inputs.
    """

    rule: int
    by: tuple[str, ...]
    day: date
    since: date
    since_tick: int
    classes: LegalClasses
    atlas: Atlas
    chips: Mask
    seats: Mapping[str, str]


class Control(Lever):
    """A lever that makes a deal need leave: by licence (denied, or case by case), by notice, or not at all (ban).

    grant, delay   chance of a licence, and weeks until it is decided (for a notice: until the goods may go).
    savings        goods already in transit when it begins may still arrive.
    conditions     what a licence asks of its holder, in words.
    """

    policies: ClassVar[Mapping[str, tuple[int, float]]] = {
        "ban": (BAN, 0.0),
        "denial": (DENIAL, 0.0),
        "case_by_case": (REVIEW, 0.7),
        "notify": (NOTICE, 1.0),
    }

    policy: Literal["ban", "denial", "case_by_case", "notify"] = "denial"
    grant: Share | None = None
    delay: Weeks | None = None
    savings: StrictBool = False
    conditions: tuple[str, ...] = ()

    def apply(self, terms: Draft, cells: Mask, force: Force) -> None:
        weight, usual = self.policies[self.policy]
        delay_ticks = math.ceil(self.delay.at(force.day)) if self.delay else 0
        if self.policy == "notify":
            terms.fold(cells, notify=True, delay_ticks=delay_ticks)
        elif self.policy == "ban":
            terms.fold(cells, permitted=False, grant_rate=0.0, savings=self.savings)
        else:
            terms.fold(
                cells,
                permitted=False,
                licence=True,
                savings=self.savings,
                delay_ticks=delay_ticks,
                grant_rate=self.grant.at(force.day) if self.grant else usual,
            )
        terms.bind(cells, force.rule, weight)


class _EffectSchema:
    """Reads `{lever: NAME, ...}` as the lever of that name; the levers are found when the schema is first built."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        discover_levers()
        choices = {name: handler.generate_schema(levers[name]) for name in levers.names}
        union = core_schema.tagged_union_schema(choices, discriminator=_tag)
        return core_schema.no_info_before_validator_function(_known, union)


Effect = Annotated[Lever, _EffectSchema]


def discover_levers() -> None:
    """Import every lever of the folder and of the entry points `chokepoint.levers`."""
    discover("sim.levers", "chokepoint.levers", levers)


def _tag(data: Any) -> str:
    return str(data.lever if isinstance(data, Lever) else data["lever"])


def _known(data: Any) -> Any:
    if isinstance(data, Lever):
        return data
    if not isinstance(data, Mapping):
        raise fault(f"{shown(data)} is no effect", "write {lever: NAME, ...}")
    if "lever" not in data:
        raise fault("an effect without a lever", f"add `lever:`; {nearest('', levers.names)}")
    name = data["lever"]
    if not isinstance(name, str) or name not in levers:
        raise fault(f"{shown(name)} is no lever", nearest(str(name), levers.names), ("lever",))
    return data


Signal = Literal[
    "tighten", "loosen", "all_clear", "disclosure", "tax", "subsidy", "mandate", "discourage", "enforcement"
]


class Leak(BaseModel):
    """One public signal before a rule: when it was reported, how sure it was, to whom."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reported: Day
    signal: Signal
    certainty: Share
    audience: Literal["public", "vendor", "buyers", "investors"] = "public"
    who: str = ""
    what: str = ""
    source: str = ""


Kind = Literal[
    "control_rule",
    "licence_letter",
    "licence_policy",
    "licence_exception",
    "entity_listing",
    "allied_control",
    "counter_measure",
    "subsidy",
    "purchase_guidance",
    "customs",
    "procurement",
    "tariff",
    "revenue_share",
    "quota",
    "enforcement",
    "rescission",
    "truce",
    "redesign",
    "prosecution",
    "bill",
    "guidance",
    "scheduled",
    "decree",
]


def _authors(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class Rule(BaseModel):
    """One act: who, what kind, when, with which effects, and where it is written.

    by            country codes of the governments that act (an actor id for a company's event).
    announced     the day it was made; `public` the day the public learned of it, where that is later.
    since, until  in force on [since, until); `until` open when none.
    inert         recorded and without effect, for the `reason` given; its leaks are heard all the same.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    by: Annotated[tuple[str, ...], BeforeValidator(_authors), Field(min_length=1)]
    kind: Kind
    announced: Day
    public: Day | None = None
    since: Day | None = None
    until: Day | None = None
    inert: StrictBool = False
    reason: str = ""
    clause: str = ""
    source: str = ""
    evidence: Literal["checked", "derived", "unchecked"] = "unchecked"
    confidence: Literal["high", "medium", "low"] = "low"
    note: str = ""
    effects: tuple[Effect, ...] = ()
    leaks: tuple[Leak, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Rule:
        if self.inert and not self.reason:
            raise fault("an inert rule without a reason", "add `reason:`, in words", ("inert",))
        if not self.inert and self.since is None:
            raise fault("a rule in force without a first day", "add `since: YYYY-MM-DD` or `inert: true`")
        if self.since and self.until and self.until <= self.since:
            raise fault(
                f"the rule ends on {self.until}, not after its start {self.since}", "write a later day", ("until",)
            )
        return self

    @property
    def known(self) -> date:
        """The day the public knows the rule from."""
        return self.public or self.announced

    def days(self, effect: Lever) -> tuple[date | None, date | None]:
        """[since, until) of one of its effects; None at an open end."""
        ends = [day for day in (self.until, effect.until) if day]
        return effect.since or self.since, min(ends) if ends else None


def quantities(model: BaseModel) -> Iterator[Quantity]:
    """Every quantity in a model, at any depth."""
    if isinstance(model, Quantity):
        yield model
        return
    for name in type(model).model_fields:
        value = getattr(model, name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, BaseModel):
                yield from quantities(part)


class Reference(NamedTuple):
    """A name in a rule that must be known elsewhere in the scenario."""

    at: tuple[str | int, ...]
    kind: str
    """chip, vendor, place (a country code or group), actor or rule."""
    word: str


def references(model: BaseModel, at: tuple[str | int, ...] = ()) -> Iterator[Reference]:
    """Every chip, place, actor or rule that a rule names, with its path below the rule."""
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        kinds = [mark.kind for mark in info.metadata if isinstance(mark, Names)]
        for index, part in enumerate(value) if isinstance(value, tuple) else ((None, value),):
            here = (*at, name) if index is None else (*at, name, index)
            if kinds and isinstance(part, str):
                yield Reference(here, kinds[0], target(part)[0] if kinds[0] == "rule" else part)
            elif isinstance(part, BaseModel) and not isinstance(part, Quantity):
                yield from references(part, here)


def target(word: str) -> tuple[str, str]:
    """Rule id and clause (empty: all of it) of `ID` or `ID/clause`."""
    rule, _, clause = word.partition("/")
    return rule, clause


def weeks_after(day: date, weeks: float) -> date:
    """The day a number of weeks later."""
    return day + timedelta(days=round(7 * weeks))
