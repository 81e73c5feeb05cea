"""Design files: a design by path, by the name of a shipped one, or as SCENARIO:NAME from a scenario's `experiments`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from experiments.design import Design
from sim.errors import Fault, ScenarioError, UsageError, nearest
from sim.scenario_io import SUFFIXES, merged, read_layers

SHIPPED = Path(__file__).parent / "designs"


def read_design(said: str) -> Design:
    """Raises ScenarioError with every fault of the file, UsageError when there is no such design."""
    scenario, mark, name = said.rpartition(":")
    if mark and not Path(said).suffix:
        return _of_scenario(scenario, name)
    path = Path(said) if Path(said).suffix in SUFFIXES else SHIPPED / f"{said}.yaml"
    if not path.is_file():
        known = sorted(file.stem for file in SHIPPED.glob("*.yaml"))
        raise UsageError(f'no design "{said}"; {nearest(said, known)}; or write the path of a file')
    layers = read_layers(path)
    lines = layers[-1]
    return _validated(merged(layers), said, lambda at: lines.line(at))


def _of_scenario(scenario: str, name: str) -> Design:
    import sim

    loaded = sim.load(scenario)
    if name not in loaded.experiments:
        raise UsageError(
            f'{scenario} has no experiment "{name}"; {nearest(name, sorted(loaded.experiments)) or "it has none"}'
        )
    words: dict[str, Any] = {"scenario": scenario, "title": f"{scenario}: {name}", **loaded.experiments[name]}
    return _validated(words, f"{scenario}:{name}", lambda at: 0)


def _validated(words: dict[str, Any], file: str, line_of: Any) -> Design:
    try:
        return Design.model_validate(words)
    except ValidationError as error:
        raise ScenarioError([_fault(file, line_of, item) for item in error.errors()]) from None


@contextmanager
def at_home(said: str, design: Design) -> Iterator[None]:
    """Tell a fault of a setting that a design made at the line of its file where the setting stands."""
    try:
        yield
    except ScenarioError as error:
        raise _homed(said, design, error) from None


def _homed(said: str, design: Design, error: ScenarioError) -> ScenarioError:
    path = Path(said) if Path(said).suffix in SUFFIXES else SHIPPED / f"{said}.yaml"
    lines = read_layers(path)[-1] if path.is_file() else None

    def home(fault: Fault) -> Fault:
        places = _places(design, fault.key)
        line = next((found for place in places if lines and (found := lines.line(place))), 1)
        return replace(fault, file=said, line=line) if fault.file == "--set" else fault

    return ScenarioError([home(fault) for fault in error.faults])


def _places(design: Design, key: str) -> list[tuple[str, ...]]:
    """Where a design may have set a path or named a lever, the narrowest first."""
    places: list[tuple[str, ...]] = [("constants", key), ("levers", key)]
    for at, (name, factor) in enumerate(design.uncertainties.items()):
        if key == (factor.path if factor else "") or key == name:
            places += [("uncertainties", name, "path"), ("uncertainties", name), ("uncertainties", str(at))]
    places += [("sampling", "rows", str(at), key) for at, row in enumerate(design.sampling.rows) if key in row]
    for name, policy in design.policies.items():
        if key in policy.settings:
            places += [("policies", name, key), ("policies", name, "settings", key)]
        if key in policy.levers:
            places += [("policies", name, "levers"), ("policies", name)]
    return places


def _fault(file: str, line_of: Any, item: Any) -> Fault:
    at = tuple(str(part) for part in item["loc"])
    line = next((found for end in range(len(at), 0, -1) if (found := line_of(at[:end]))), 1)
    key = ".".join(at) or "the design"
    if item["type"] == "extra_forbidden":
        return Fault(file, line, key, "is no key of a design", nearest(at[-1], sorted(_keys())))
    said = str(item["msg"]).removeprefix("Value error, ")
    return Fault(file, line, key, said, "")


def _keys() -> list[str]:
    return [field.alias or name for name, field in Design.model_fields.items()]
