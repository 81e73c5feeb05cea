"""Design: what to run, as data: policies x draws of the uncertainties x paired seeds, and which outcomes to read.

Every policy meets every draw on the same seeds, so a difference between two policies is never a difference of luck.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from experiments.outcome import Outcome
from experiments.provenance import run_key
from experiments.sampling import Factor, FactorField, Point, Sampling, Scalar, points
from sim.errors import UsageError

_RESERVED = frozenset(
    {
        "run_key",
        "policy",
        "draw",
        "block",
        "row",
        "seed",
        "status",
        "error",
        "trace",
        "wall_s",
        "rows",
        "reproduce",
        "finished",
    }
)


class Policy(BaseModel):
    """A named setting: another scenario in the place of the design's, levers by name, and values by path."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scenario: str = ""
    levers: tuple[str, ...] = ()
    settings: dict[str, Any] = {}


def _policy(said: Any) -> Any:
    if isinstance(said, str):
        return {"levers": (said,)}
    if isinstance(said, list | tuple):
        return {"levers": tuple(said)}
    if isinstance(said, Mapping) and not set(said) <= {"scenario", "levers", "settings"}:
        return {"settings": dict(said)}
    return said if said is not None else {}


def _listed(said: Any) -> Any:
    if not isinstance(said, list | tuple) or not said:
        raise ValueError(f"{said!r} is no list of settings; write one, such as [0.5, 2]")
    return said


def _named(said: Any) -> Any:
    """A list of names means the scenario's own: uncertainties it states, or values that carry a range."""
    return {str(name): None for name in said} if isinstance(said, list | tuple) else said


def _seeds(said: Any) -> Any:
    if isinstance(said, list | tuple):
        return said
    if not isinstance(said, int) or isinstance(said, bool):
        raise ValueError(f"{said} is no number of seeds; give one, or a list of seeds")
    if said < 1:
        raise ValueError(f"{said} seeds; give at least 1, or a list of seeds")
    return tuple(range(1, said + 1))


class Design(BaseModel):
    """One experiment, as its file says it."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_number: Literal[1] = Field(1, alias="schema")
    title: str = ""
    summary: str = ""
    scenario: str
    policies: dict[str, Annotated[Policy, BeforeValidator(_policy)]] = {"base": Policy()}
    levers: dict[str, Annotated[tuple[Scalar, ...], BeforeValidator(_listed)]] = {}
    """Path -> the settings to cross; every combination becomes a policy of its own."""
    uncertainties: Annotated[dict[str, FactorField | None], BeforeValidator(_named)] = {}
    constants: dict[str, Any] = {}
    outcomes: dict[str, str] = {}
    sampling: Sampling = Sampling()
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], BeforeValidator(_seeds)] = (1,)
    recording: Literal["headline", "standard", "full"] = "headline"
    posterior: bool = False
    """Whether each seed takes its draw of the scenario's posterior, all policies the same; else its centre."""
    draws: dict[str, tuple[dict[str, float], ...]] = {}
    """Those draws by policy, values by path without what the policy states; filled in when the experiment starts."""

    @model_validator(mode="after")
    def _whole(self) -> Design:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError("give at least one seed, each once")
        if self.sampling.kind in ("lhs", "sobol", "morris") and not self.uncertainties:
            raise ValueError(f"sampling of kind {self.sampling.kind} draws uncertainties; name some, or leave sampling out")
        columns = [*self.factor_names, *self.outcomes]
        taken = sorted({name for name in columns if columns.count(name) > 1} | (set(columns) & _RESERVED))
        if taken:
            raise ValueError(f"{', '.join(taken)}: a column of results already has this name; choose another")
        return self

    @property
    def factor_names(self) -> list[str]:
        """Names of the columns that tell one draw from another."""
        return sorted({name for row in self.sampling.rows for name in row} | set(self.uncertainties))

    @property
    def parsed_outcomes(self) -> dict[str, Outcome]:
        return {name: Outcome.parse(text) for name, text in self.outcomes.items()}

    @property
    def factors(self) -> dict[str, Factor]:
        """The uncertainties, which must all be stated by now."""
        return {name: factor for name, factor in self.uncertainties.items() if factor is not None}

    def completed(self, known: Mapping[str, Any], outcomes: Mapping[str, str]) -> Design:
        """The design with the uncertainties it only names, and outcomes it leaves out, taken from the scenario's.
        Raises UsageError on unknown names."""
        found = dict(self.uncertainties)
        for name in [name for name, factor in found.items() if factor is None]:
            if name not in known:
                raise UsageError(f'{self.scenario} states no uncertainty "{name}"; it states: {", ".join(sorted(known)) or "none"}')
            found[name] = Factor.model_validate(known[name])
        return self.model_copy(update={"uncertainties": found, "outcomes": self.outcomes or dict(outcomes)})

    @property
    def scenarios(self) -> list[str]:
        """The scenarios it runs: its own first, then those of its policies."""
        return list(dict.fromkeys([self.scenario, *(policy.scenario or self.scenario for policy in self.policies.values())]))

    def all_policies(self) -> dict[str, Policy]:
        """The named policies crossed with the settings of the levers, by name."""
        if not self.levers:
            return dict(self.policies)
        crossed: dict[str, Policy] = {}
        for values in itertools.product(*self.levers.values()):
            chosen = dict(zip(self.levers, values, strict=True))
            words = " ".join(f"{path}={value}" for path, value in chosen.items())
            for name, policy in self.policies.items():
                label = words if list(self.policies) == ["base"] else f"{name} {words}"
                crossed[label] = policy.model_copy(update={"settings": {**policy.settings, **chosen}})
        return crossed


@dataclass(frozen=True)
class Case:
    """One run to do: its content key, the scenario, the named levers and path settings over it, and the seed."""

    run_key: str
    scenario: str
    levers: tuple[str, ...]
    settings: tuple[tuple[str, Any], ...]
    seed: int


@dataclass(frozen=True)
class Entry:
    """A place in the design and the run that fills it; two places with equal parameters share a run."""

    policy: str
    draw: int
    block: str
    row: int
    seed: int
    values: tuple[tuple[str, Scalar], ...]
    run_key: str


@dataclass(frozen=True)
class Study:
    """What all cases of a folder share. scenarios: (name as asked, content hash), the design's own first; folder: where
    their files and the results are, the same for every worker."""

    model: str
    scenarios: tuple[tuple[str, str], ...]
    sources: str
    recording: str
    outcomes: tuple[tuple[str, str], ...]
    folder: str = ""

    def hash_of(self, scenario: str) -> str:
        return dict(self.scenarios)[scenario]

    def scenario_file(self, scenario: str) -> Path:
        """Where the folder keeps a scenario, whole and resolved."""
        return Path(self.folder) / "scenarios" / f"{self.hash_of(scenario)[:16]}.json"


def plan(design: Design, study: Study, seeds: Sequence[int]) -> Iterator[tuple[Entry, Case]]:
    """Every place of the design for these seeds, in order: policy, then draw, then seed."""
    drawn = points(design.factors, design.sampling)
    for name, policy in design.all_policies().items():
        scenario = policy.scenario or design.scenario
        draws = design.draws.get(name, ())
        for point in drawn:
            stated = _settings(design, policy, point)
            for seed in seeds:
                settings = tuple(sorted({**(draws[(seed - 1) % len(draws)] if draws else {}), **dict(stated)}.items()))
                words = {"levers": policy.levers, "settings": settings, "recording": study.recording}
                key = run_key(study.model, study.hash_of(scenario), words, seed, study.sources)
                yield (
                    Entry(name, point.draw, point.block, point.row, seed, point.values, key),
                    Case(key, scenario, policy.levers, settings, seed),
                )


def _settings(design: Design, policy: Policy, point: Point) -> tuple[tuple[str, Any], ...]:
    """Path settings in the order they bind: constants, the policy's, then the draw's. One path is set once."""
    factors = design.factors
    drawn = {(factors[name].path if name in factors else "") or name: value for name, value in point.values}
    both = sorted(set(policy.settings) & set(drawn) | set(design.constants) & (set(policy.settings) | set(drawn)))
    if both:
        raise UsageError(f"{', '.join(both)}: set by more than one of constants, policy, levers and uncertainties")
    return tuple(sorted({**design.constants, **policy.settings, **drawn}.items()))
