"""The generated tables of docs/odd.md and docs/assumptions.md: parameters, switches, observables, assumptions.

    python -m experiments.odd        renews them in a clone

Text around the markers is written by hand; tests/test_docs.py holds both to the code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import sim
from sim.metrics import metrics
from sim.parameters import Behaviour
from sim.quantity import Quantity
from sim.scenario import Scenario

DOCS = Path(__file__).parent.parent / "docs"
PAGES = ("odd.md", "assumptions.md")
ASSUMPTION = "assumption"


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; bars inside cells are escaped."""
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *(list(row) for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def short(number: float) -> str:
    """A number as people write it: 0.14, 5,000, 3.5."""
    return f"{number:,.0f}" if number == int(number) else f"{number:g}"


def span(quantity: Quantity) -> str:
    return "" if quantity.low == quantity.high else f"{short(quantity.low)} to {short(quantity.high)}"


def quantities(behaviour: Behaviour) -> dict[str, Quantity]:
    """Parameters that are numbers, in the order the code declares them."""
    held = {name: getattr(behaviour, name) for name in Behaviour.model_fields}
    return {name: value for name, value in held.items() if isinstance(value, Quantity)}


def said(name: str) -> str:
    """What a field of Behaviour means."""
    return Behaviour.model_fields[name].description or ""


def unit(name: str) -> str:
    """The unit a field of Behaviour is declared in; empty for a switch."""
    extra: Any = Behaviour.model_fields[name].json_schema_extra
    return str(extra["unit"]) if extra else ""


def parameters(scenario: Scenario) -> str:
    rows = ((f"`{name}`", short(value.value), span(value), unit(name), said(name), value.source)
            for name, value in quantities(scenario.behaviour).items())
    return table(("parameter", "value", "range", "unit", "meaning", "source"), rows)


def switches(scenario: Scenario) -> str:
    numbers = quantities(scenario.behaviour)
    return table(("switch", "in history", "meaning"),
                 ((f"`{name}`", str(getattr(scenario.behaviour, name)), said(name))
                  for name in Behaviour.model_fields if name not in numbers))


def observables(scenario: Scenario) -> str:
    """Every registered observable; the scenario plays no part."""
    over_time = {"sum": "summed", "last": "last week", "mean": "mean"}
    return table(("observable", "unit", "over time", "by", "meaning"),
                 ((f"`{metric.name}`", metric.unit, over_time[metric.over_time], ", ".join(metric.dims), metric.text)
                  for metric in metrics()))


def assumptions(scenario: Scenario) -> str:
    """Parameters of behaviour for which there is no source, the widest range over value first."""
    assumed = {name: value for name, value in quantities(scenario.behaviour).items() if value.source == ASSUMPTION}

    def width(name: str) -> float:
        value = assumed[name]
        return (value.high - value.low) / abs(value.value) if value.value else value.high - value.low

    return table(("assumption", "value", "range", "unit", "meaning"),
                 ((f"`{name}`", short(assumed[name].value), span(assumed[name]), unit(name), said(name))
                  for name in sorted(assumed, key=lambda name: (-width(name), name))))


def assumed_values(value: Any, path: str) -> Iterator[str]:
    """Dotted paths of all quantities at or below a value whose source says assumption."""
    if isinstance(value, Quantity):
        if value.source.startswith(ASSUMPTION):
            yield path
    elif hasattr(type(value), "model_fields"):
        for name in type(value).model_fields:
            yield from assumed_values(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, Mapping):
        for name in sorted(value):
            yield from assumed_values(value[name], f"{path}.{name}")


def counts(scenario: Scenario) -> str:
    """How many values of each table of the world are assumptions."""
    held = ((name, list(assumed_values(getattr(scenario.world, name), f"world.{name}")))
            for name in type(scenario.world).model_fields)
    return table(("table", "values assumed", "such as"),
                 ((f"`world.{name}`", str(len(paths)), f"`{paths[0]}`") for name, paths in held if paths))


TABLES: dict[str, Callable[[Scenario], str]] = {
    "parameters": parameters, "switches": switches, "observables": observables, "assumptions": assumptions,
    "counts": counts,
}


def renewed(text: str, scenario: Scenario) -> str:
    """A page with the content between each `<!-- table: NAME -->` and `<!-- end -->` made anew. Raises KeyError for a
    table nobody makes."""

    def fill(match: re.Match[str]) -> str:
        return f"<!-- table: {match[1]} -->\n{TABLES[match[1]](scenario)}\n<!-- end -->"

    return re.sub(r"<!-- table: (\w+) -->\n.*?<!-- end -->", fill, text, flags=re.DOTALL)


def main() -> None:
    """Renew both pages."""
    history = sim.load("history")
    for page in PAGES:
        path = DOCS / page
        path.write_text(renewed(path.read_text(), history))


if __name__ == "__main__":
    main()
