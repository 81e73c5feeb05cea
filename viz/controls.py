"""Controls: what can be moved in a scenario, read from its models; and a set of moves as the scenario file that says them.

A control's path is the dotted path of its value. `rules.ID.in_force` switches a rule, `rules.OWN_n` is a rule of the reader's.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from sim.errors import Fault
from sim.levers.base import Lever, Rule, discover_levers, levers
from sim.quantity import Of, Quantity
from sim.scenario import Scenario
from sim.scenario_io import merge
from sim.scope import ChipScope, Where

Kind = Literal["switch", "number", "date", "choice", "words", "text"]

LARGEST = 1e7
"""No number of a reader's own rule may lie further from zero."""

MOST_EFFECTS = 8
"""Effects of a reader's own rule that are read."""

_UNMOVED = {
    "lever",
    "by",
    "kind",
    "source",
    "evidence",
    "confidence",
    "note",
    "clause",
    "leaks",
    "reason",
    "inert",
    "public",
}
_SCOPE = tuple(key for key in ChipScope.model_fields if key not in ("any", "none"))
_WHERE = tuple(Where.model_fields)
_WRITTEN = {
    "tpp": "TPP",
    "pd": "performance density",
    "io gbps": "interconnect",
    "membw gbps": "memory bandwidth",
    "memory gb": "memory",
    "die area mm2": "die area",
    "hq": "headquarters",
    "hbm": "HBM",
    "kyc": "know-your-customer",
    "usd": "USD",
}


@dataclass(frozen=True)
class Control:
    """One thing to move: where it is written, what it is now, what it may be.

    of    title of the rule or group it belongs to.  value  as the scenario has it; the default mark.
    """

    path: str
    title: str
    kind: Kind
    value: Any = None
    unit: str = ""
    min: float | str | None = None
    max: float | str | None = None
    step: float | None = None
    options: tuple[str, ...] = ()
    help: str = ""
    of: str = ""


@dataclass(frozen=True)
class Item:
    """A rule or a setting with its controls; `switch` is the path that turns it on and off."""

    id: str
    title: str
    note: str
    summary: str
    source: str
    switch: str | None
    controls: tuple[Control, ...]


def groups(scenario: Scenario) -> list[tuple[str, list[Item]]]:
    """Everything that can be moved, by government and then the actors' behaviour."""
    found: dict[str, list[Item]] = {}
    for name, rule in sorted(scenario.rules.items(), key=lambda entry: (entry[1].since or entry[1].announced, entry[0])):
        if not rule.inert and rule.since and rule.since < scenario.time.end:
            found.setdefault(" + ".join(rule.by), []).append(_rule_item(name, rule, scenario))
    out = [(_government(by), items) for by, items in sorted(found.items(), key=lambda e: (e[0] != "US", e[0] != "CN", e[0]))]
    settings = [_stances(scenario)] if scenario.governments else []
    return [*out, ("Who decides", settings), ("How actors behave", list(_behaviour(scenario)))]


def controls_of(scenario: Scenario) -> dict[str, Control]:
    """Every control by its path."""
    return {control.path: control for _, items in groups(scenario) for item in items for control in item.controls}


def plain(found: list[tuple[str, list[Item]]]) -> list[dict[str, Any]]:
    """Groups as the page takes them."""
    return [{"title": title, "items": [asdict(item) for item in items]} for title, items in found if items]


def title_of(name: str, rule: Rule) -> str:
    """What a rule is called where room is short: its id in words, its date as one says it."""
    text = _DATED.sub(lambda found: f"{_MONTHS[int(found[2]) - 1]} {found[1]}" if found[2] else found[1], name)
    words = [
        _WORDS.get(word, word if any(c.islower() or c.isdigit() for c in word) else word.lower())
        for word in re.split(r"[_\s]+", text.replace("-", " "))
        if word
    ]
    title = " ".join(word.lower() if at and word in ("Rule", "Letter") else word for at, word in enumerate(words))
    return title[:1].upper() + title[1:] if title else ", ".join(rule.by)


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATED = re.compile(r"(20\d\d)(?:_(0[1-9]|1[0-2])(?=_|$))?")
_WORDS = {
    word: word
    for word in (
        "US",
        "CN",
        "EU",
        "HBM",
        "AI",
        "SMIC",
        "NL",
        "JP",
        "KR",
        "TW",
        "UAE",
        "SG",
        "MY",
        "HK",
        "BIS",
        "CXMT",
        "YMTC",
        "FY26",
        "H20",
        "H200",
        "TSMC",
        "Q1",
        "Q2",
        "Q3",
        "Q4",
    )
}
_WORDS |= {
    "EL": "Entity list:",
    "FDPR": "Foreign direct product rule:",
    "NAC": "Notified exception",
    "HUAWEI": "Huawei",
    "CAMBRICON": "Cambricon",
    "INSPUR": "Inspur",
    "BIREN": "Biren",
    "MTHREADS": "Moore Threads",
    "REVSHARE": "Revenue share",
    "LETTER": "Letter",
    "RULE": "Rule",
    "ME": "Middle East",
    "OWN": "Your rule",
    "BIGFUND3": "Big Fund III",
    "BUSAN": "Busan",
    "CAC": "CAC",
    "DC": "data centre",
    "GAGE": "gallium and germanium",
    "NLJP": "Netherlands and Japan:",
    "SME": "chip tools",
}


def _government(by: str) -> str:
    return {
        "US": "United States",
        "CN": "China",
        "TW": "Taiwan",
        "NL": "Netherlands",
        "JP": "Japan",
        "KR": "Korea",
    }.get(by, by)


def _rule_item(name: str, rule: Rule, scenario: Scenario) -> Item:
    title, at = title_of(name, rule), f"rules.{name}"
    first, last = scenario.time.start.replace(year=scenario.time.start.year - 1), scenario.time.end
    days: dict[str, Any] = {"min": first.isoformat(), "max": last.isoformat(), "of": title}
    made = [
        Control(f"{at}.in_force", "In force", "switch", True, of=title),
        *(
            Control(f"{at}.{word}", label, "date", _iso(getattr(rule, word)), **days)
            for word, label in (("announced", "Announced"), ("since", "In force from"), ("until", "Until"))
        ),
    ]
    for i, effect in enumerate(rule.effects):
        lead = f"{effect.lever.replace('_', ' ')}: " if len(rule.effects) > 1 else ""
        made.extend(_fields_of(effect, f"{at}.effects.{i}", lead, title))
    what = ", ".join(dict.fromkeys(effect.lever.replace("_", " ") for effect in rule.effects))
    return Item(
        name,
        title,
        f"{rule.since} · {what or rule.kind.replace('_', ' ')}",
        rule.clause or rule.note,
        rule.source,
        f"{at}.in_force",
        tuple(made),
    )


def _fields_of(model: BaseModel, at: str, lead: str, of: str) -> Iterator[Control]:
    """A control for every value a model states, at any depth."""
    for name in type(model).model_fields:
        value = getattr(model, name)
        if name in _UNMOVED or value is None or value == () or value == ChipScope():
            continue
        title = lead + worded(name)
        info = type(model).model_fields[name]
        if isinstance(value, tuple) and any(isinstance(part, BaseModel) for part in value):
            for i, part in enumerate(value):
                mark = f"{title} {i + 1}, " if len(value) > 1 else lead
                yield from _fields_of(part, f"{at}.{name}.{i}", mark, of)
        elif isinstance(value, BaseModel) and not isinstance(value, Quantity):
            yield from _fields_of(value, f"{at}.{name}", lead, of)
        else:
            yield _control(f"{at}.{name}", title, value, info, of)


def _control(path: str, title: str, value: Any, info: FieldInfo, of: str) -> Control:
    text = info.description or ""
    if isinstance(value, Quantity):
        low, high = bounds(value, info)
        now = value.value if not value.path else value.path[-1].value
        return Control(path, title, "number", now, value.unit, low, high, step(low, high), (), text, of)
    if isinstance(value, bool):
        return Control(path, title, "switch", value, help=text, of=of)
    if isinstance(value, date):
        return Control(path, title, "date", value.isoformat(), help=text, of=of)
    if isinstance(value, int | float):
        return Control(path, title, "number", value, "", min(0.0, 2.0 * value), max(1.0, 2.0 * value), help=text, of=of)
    if isinstance(value, tuple):
        return Control(path, title, "words", [str(part) for part in value], options=choices(info.annotation), help=text, of=of)
    options = choices(info.annotation)
    return Control(path, title, "choice" if options else "text", str(value), options=options, help=text, of=of)


def _stances(scenario: Scenario) -> Item:
    made = [
        Control(
            f"governments.{name}",
            name.replace("gov_", "").upper(),
            "choice",
            stance,
            options=("scripted", "adaptive"),
            help="scripted signs the record; adaptive decides for itself",
            of="Governments",
        )
        for name, stance in scenario.governments.items()
    ]
    made.append(
        Control(
            "redesign",
            "Redesigns",
            "choice",
            scenario.redesign,
            options=("recorded", "endogenous"),
            help="recorded parts appear as they did; endogenous ones are searched for by the makers",
            of="Governments",
        )
    )
    return Item("stances", "Governments and redesigns", "scripted or free to decide", "", "", None, tuple(made))


def _behaviour(scenario: Scenario) -> Iterator[Item]:
    """One item a switch, and one for the numbers of each theme."""
    behaviour = scenario.behaviour
    switches, numbers = [], []
    for name, info in type(behaviour).model_fields.items():
        value, text = getattr(behaviour, name), info.description or ""
        title = worded(name.removesuffix("_on"))
        if isinstance(value, Quantity):
            low, high = bounds(value, info)
            numbers.append(
                Control(
                    f"behaviour.{name}",
                    title,
                    "number",
                    value.value,
                    value.unit,
                    low,
                    high,
                    step(low, high),
                    (),
                    text + (f" Source: {value.source}." if value.source else ""),
                    "Behaviour",
                )
            )
        else:
            switches.append(Control(f"behaviour.{name}", title, "switch", value == "on", help=text, of="Behaviour"))
    yield Item("mechanisms", "Mechanisms", "what drives the world, each on or off", "", "", None, tuple(switches))
    for control in numbers:
        yield Item(control.path, control.title, f"{control.value:g} {control.unit}", "", "", None, (control,))


def worded(name: str) -> str:
    """A field's name in words: `tpp_at_least` is "TPP at least"."""
    text = name.replace("_", " ")
    for short, long in _WRITTEN.items():
        if text == short or text.startswith(short + " ") or text.endswith(" " + short):
            text = text.replace(short, long, 1)
    return text[:1].upper() + text[1:]


def bounds(value: Quantity, info: FieldInfo) -> tuple[float, float]:
    """The span a slider offers: the stated range, widened to the field's own limits or to twice the value."""
    of = next((mark for mark in info.metadata if isinstance(mark, Of)), None)
    share = value.unit in ("share", "probability") or value.unit.startswith("share ")
    low = of.at_least if of and of.at_least is not None else min(0.0, 2 * value.low)
    high = of.at_most if of and of.at_most is not None else 1.0 if share and value.high <= 1 else max(2 * value.high, 1.0)
    return float(low), float(high)


def step(low: float, high: float) -> float:
    """A slider's step: about two hundred of them, in round numbers."""
    span = (high - low) / 200
    for size in (1e-4, 1e-3, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 50, 100, 500, 1000):
        if span <= size:
            return size
    return 10.0 ** len(str(int(span)))


def choices(annotation: Any) -> tuple[str, ...]:
    """The words a field allows, where it lists them."""
    if get_origin(annotation) is Literal:
        return tuple(str(word) for word in get_args(annotation))
    return tuple(word for part in get_args(annotation) for word in choices(part))


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


# --- a rule of one's own


def kinds() -> list[dict[str, Any]]:
    """Every lever of the rulebook as a form: its own fields, then which chips and which deals it reaches."""
    discover_levers()
    out = []
    for name in levers.names:
        made = levers[name]
        own = [field for key, info in made.model_fields.items() if key not in Lever.model_fields for field in _form(key, key, info)]
        scope = [field for key in _SCOPE for field in _form(f"chips.{key}", key, ChipScope.model_fields[key])]
        where = [field for key in _WHERE for field in _form(f"where.{key}", key, Where.model_fields[key])]
        text = " ".join((made.__doc__ or "").split())
        out.append({"name": name, "title": worded(name), "help": text[:400], "fields": [*own, *scope, *where]})
    return out


def _form(name: str, key: str, info: FieldInfo) -> Iterator[dict[str, Any]]:
    kind, options = _kind(info.annotation)
    if kind is None:
        return
    of = next((mark for mark in info.metadata if isinstance(mark, Of)), None) or _of(info.annotation)
    text = info.description or ""
    if options and kind == "words":
        text = (text + " " if text else "") + "one or more of " + ", ".join(options)
    yield {
        "name": name,
        "title": worded(key),
        "kind": kind,
        "options": list(options),
        "required": info.is_required(),
        "unit": of.units[0] if of else "",
        "min": of.at_least if of else None,
        "max": of.at_most if of else None,
        "help": text,
    }


def _of(annotation: Any) -> Of | None:
    for part in get_args(annotation):
        if isinstance(part, Of):
            return part
        if found := _of(part):
            return found
    return None


def _kind(annotation: Any) -> tuple[Kind | None, tuple[str, ...]]:
    """How a field is asked for; None for what a form cannot ask."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        some = [part for part in parts if part is not type(None)]
        return _kind(some[0])
    if hasattr(annotation, "__metadata__"):
        return _kind(parts[0])
    if origin is Literal:
        return "choice", tuple(str(part) for part in parts)
    if origin is tuple:
        inner = parts[0]
        return (None, ()) if isinstance(inner, type) and issubclass(inner, BaseModel) else ("words", choices(inner))
    if not isinstance(annotation, type):
        return None, ()
    if annotation is bool:
        return "switch", ()
    if issubclass(annotation, Quantity | int | float):
        return "number", ()
    if issubclass(annotation, date):
        return "date", ()
    return ("text", ()) if issubclass(annotation, str) else (None, ())


def own_rule(said: Mapping[str, Any], scenario: Scenario) -> dict[str, Any]:
    """A reader's rule as a scenario writes it, with at most MOST_EFFECTS effects."""
    since = said.get("since") or scenario.time.start.isoformat()
    flat = said.get("effects")
    effects = [_effect(one) for one in flat[:MOST_EFFECTS]] if isinstance(flat, list) else []
    rule = {
        "by": [said.get("by") or "US"],
        "kind": "decree",
        "announced": said.get("announced") or since,
        "since": since,
        "source": "made in the browser",
        "effects": effects or [{}],
    }
    return {**rule, "until": said["until"]} if said.get("until") else rule


def _effect(flat: Any) -> dict[str, Any]:
    """One effect of a reader's rule: flat fields `chips.x` and `where.x` nested, numbers bounded."""
    effect: dict[str, Any] = {}
    for key, value in flat.items() if isinstance(flat, Mapping) else ():
        head, _, rest = str(key).partition(".")
        value = max(-LARGEST, min(LARGEST, value)) if isinstance(value, int | float) and not isinstance(value, bool) else value
        if rest and head == "chips":
            effect.setdefault("chips", {})[rest] = value
        elif rest and head == "where":
            effect.setdefault("where", [{}])[0][rest] = value
        else:
            effect[str(key)] = value
    return effect


# --- moves as a scenario file


def patch(name: str, scenario: Scenario, left_out: list[str], changes: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The scenario file that stands on `name` and says only what was moved, and the paths that are no control's.

    left_out  rules the scenario already leaves out; they stay out.
    """
    known = controls_of(scenario)
    data: dict[str, Any] = {"schema": 1, "extends": name}
    rules: dict[str, Any] = {}
    out, strange = list(left_out), []
    for path, value in changes.items():
        if path.startswith("levers.") and path.removeprefix("levers.") in scenario.levers:
            if value is True:
                data = merge(data, scenario.levers[path.removeprefix("levers.")])
        elif path.startswith("rules.OWN_") and isinstance(value, Mapping) and path.removeprefix("rules.").isidentifier():
            rules[path.removeprefix("rules.")] = own_rule(value, scenario)
        elif path not in known:
            strange.append(path)
        elif path.endswith(".in_force"):
            if value is False:
                out.append(path.split(".")[1])
        else:
            _say(data, rules, path, _fitting(known[path], value), scenario)
    if len(out) > len(left_out):
        rules["without"] = out
    rules = {key: rule for key, rule in rules.items() if key == "without" or key not in out}
    if rules:
        data["rules"] = merge(data.get("rules", {}), rules)
    return data, strange


def _fitting(control: Control, value: Any) -> Any:
    """A value in the form its control's place takes: numbers within the control's span, switches of behaviour as on and off."""
    if control.kind == "number" and isinstance(value, int | float) and not isinstance(value, bool):
        low, high = control.min, control.max
        assert not isinstance(low, str) and not isinstance(high, str)
        value = value if low is None else max(low, value)
        return value if high is None else min(high, value)
    if control.kind == "switch" and control.path.startswith("behaviour."):
        return "on" if value is True else "off"
    if control.kind == "words" and isinstance(value, str):
        return [value]
    return value


def _say(data: dict[str, Any], rules: dict[str, Any], path: str, value: Any, scenario: Scenario) -> None:
    words = path.split(".")
    if words[0] != "rules":
        here = data
        for word in words[:-1]:
            here = here.setdefault(word, {})
        here[words[-1]] = value
        return
    rule = rules.setdefault(words[1], {})
    if words[2] != "effects":
        rule[words[2]] = value
        return
    # A list is replaced whole by what extends it, so the effects are written out with the one value moved.
    if "effects" not in rule:
        plain_rule = scenario.plain()["rules"][words[1]]
        rule["effects"] = plain_rule["effects"]
    part: Any = rule["effects"]
    for word in words[3:-1]:
        part = part[int(word)] if isinstance(part, list) else part[word]
    part[words[-1]] = value


def placed(fault: Fault, known: Mapping[str, Control], changes: Mapping[str, Any]) -> dict[str, str]:
    """A fault beside the control it speaks of: the changed path it lies under, or lies above."""
    said = f"{fault.said}; {fault.wanted}" if fault.wanted else fault.said
    for path in changes:
        if fault.key == path or fault.key.startswith(path + ".") or path.startswith(fault.key + "."):
            return {"path": path, "said": said}
    return {"path": fault.key if fault.key in known else "", "said": f"{fault.key}: {said}"}
