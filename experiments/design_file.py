"""Design files: a design by path, by the name of a shipped one, or as SCENARIO:NAME from a scenario's `experiments`."""

from __future__ import annotations

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
