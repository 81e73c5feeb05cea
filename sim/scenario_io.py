"""Scenario files: YAML 1.2's safe subset, TOML or JSON in; a `Scenario`, or every fault at once, out.

The only door to YAML. A file is data: no tags, no duplicate keys, no code, no network; its size, depth and
aliases are bounded before anything is built from it. Each text becomes a layer that remembers its lines
(`sim.scenario_layers` lays them over each other), so that a fault names the file and line that said it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from sim.errors import Fault, ScenarioError, UsageError, nearest
from sim.posterior import CentreLayer, Fitted, Posterior, centre_layer, standing
from sim.quantity import shown
from sim.scenario import SCHEMA, Scenario
from sim.scenario_faults import faults_of, range_faults, reference_faults, rule_faults
from sim.scenario_layers import Layer, LineLayer, Origin, Pointer, left_out, with_overrides
from sim.scenario_layers import merge as merge
from sim.scenario_layers import merged as merged

MAX_BYTES = 2_000_000
MAX_DEPTH = 40
SAFE_DEPTH = 2000
"""Levels that libyaml composes without trouble; a text that may hold more is counted first."""

MAX_REPEATED = 20_000
"""Values that aliases may repeat."""

MAX_FILES = 100
SUFFIXES = (".yaml", ".yml", ".json", ".toml")
_PARTS = ("world/", "rules/", "facts/", "teaching/lessons/")
"""Folders of files that are no scenarios of their own."""

# --- the public door --------------------------------------------------------------------------------------------------


def load(name_or_path: str | Path, overrides: Sequence[str] = ()) -> Scenario:
    """The scenario of a shipped name or a path, with overrides: `path=value` settings or names under its `levers:`.

    Raises ScenarioError with every fault found, UsageError when there is no such scenario.
    """
    return assembled(read_layers(name_or_path), overrides)


def loads(text: str, overrides: Sequence[str] = (), name: str = "text.yaml", folder: Path | None = None) -> Scenario:
    """The scenario of a text in YAML (or by the suffix of `name`, TOML or JSON); it may extend shipped scenarios
    and files of `folder`."""
    source = _Source(Path(name), folder, name)
    content = text.encode("utf-8", "surrogatepass")
    return assembled(_Reader().layers(source, _parse(_decoded(content, source), source)), overrides)


def loads_over(layers: Sequence[Layer], text: str, name: str = "text.yaml") -> Scenario:
    """The scenario of a text laid over layers read before, which stand for all that it extends."""
    source = _Source(Path(name), None, name)
    return assembled([*layers, _parse(_decoded(text.encode("utf-8", "surrogatepass"), source), source)])


def dumps(data: Mapping[str, Any]) -> str:
    """Plain data as YAML that reads back the same: keys in the order given, no aliases."""
    return yaml.dump(dict(data), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def shipped_folder() -> Path:
    """Where the scenarios that come with the package stand."""
    return Path(str(files("scenarios")))


def shipped_names() -> list[str]:
    """Names of the shipped scenarios that can be run: files with a title, in order of name."""
    root = shipped_folder()
    found = (path.relative_to(root).with_suffix("").as_posix() for path in root.rglob("*.yaml"))
    return sorted(name for name in found if name != "posterior" and not name.startswith(_PARTS))


def about(name: str) -> tuple[str, str]:
    """Title and summary that a scenario's own file gives."""
    source = _find(name)
    data = _parse(_text_of(source), source).data
    return str(data.get("title", "")), str(data.get("summary", ""))


def read_layers(name_or_path: str | Path, unfitted: bool = False) -> list[Layer]:
    """Every file a scenario stands on, what it extends first, itself last, each followed by the centre of the posterior it
    names; `unfitted` leaves posteriors out."""
    source = _find(str(name_or_path))
    return _Reader(unfitted).layers(source, _parse(_text_of(source), source))


def read_posterior(path: Path) -> Posterior:
    """A posterior file. Raises ScenarioError when it is none."""
    source = _Source(path, path.resolve().parent, str(path))
    return _posterior(_parse(_text_of(source), source))


def _posterior(layer: Layer) -> Posterior:
    try:
        return Posterior.model_validate(layer.data)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        said = str(first.get("ctx", {}).get("said", "does not do: " + first["msg"]))
        raise ScenarioError([Fault(layer.file, layer.line(tuple(key.split("."))) or 1, key, said,
                                   "make a posterior with chokepoint calibrate")]) from None


# --- finding and reading files ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Source:
    """A file: where it is, the folder its `extends` may reach besides the shipped one, how messages call it."""

    path: Path
    root: Path | None
    label: str


def _find(said: str) -> _Source:
    """The file a user names: a path, or the name of a shipped scenario."""
    shipped = shipped_folder()
    path = Path(said)
    if path.suffix in SUFFIXES or path.is_file():
        if not path.exists():
            raise UsageError(f'no file "{said}"')
        return _Source(path, path.resolve().parent, said)
    for suffix in SUFFIXES:
        inside = shipped / (said + suffix)
        if _within(inside, shipped) and inside.is_file():
            return _Source(inside, shipped, f"scenarios/{said}{suffix}")
    raise UsageError(f'no scenario "{said}"; {nearest(said, shipped_names())}; or write the path of a file')


def _within(path: Path, folder: Path) -> bool:
    """Whether a path stays in a folder without a symbolic link on the way."""
    whole = Path(os.path.normpath(path.absolute()))
    top = Path(os.path.normpath(folder.absolute()))
    if top not in whole.parents:
        return False
    return not any(part.is_symlink() for part in (whole, *whole.parents) if top in part.parents)


def _text_of(source: _Source) -> str:
    """The text of a regular file of bounded size; a fault for anything else."""
    try:
        about = source.path.lstat()
        if stat.S_ISLNK(about.st_mode):
            raise _refusal(source, "is a symbolic link", "give the file itself")
        if not stat.S_ISREG(about.st_mode):
            raise _refusal(source, "is no regular file", "give a text file")
        if about.st_size > MAX_BYTES:
            raise _oversize(source, about.st_size)
        content = source.path.read_bytes()
    except OSError as error:
        raise _refusal(source, f"cannot be read: {error.strerror or error}", "check path and permissions") from None
    return _decoded(content, source)


def _oversize(source: _Source, size: int) -> ScenarioError:
    return _refusal(source, f"has {size:,} bytes", f"a scenario file has at most {MAX_BYTES:,}")


def _decoded(content: bytes, source: _Source) -> str:
    if len(content) > MAX_BYTES:
        raise _oversize(source, len(content))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _refusal(source, f"is no text: byte {error.start} is not UTF-8", "save it as UTF-8 text", line) from None
    control = re.search(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    if control:
        line = text[: control.start()].count("\n") + 1
        raise _refusal(source, f"holds the control character U+{ord(control[0]):04X}", "save it as plain text", line)
    return text


def _refusal(source: _Source, said: str, wanted: str, line: int = 1, key: str = "the file") -> ScenarioError:
    return ScenarioError([Fault(source.label, line, key, said, wanted)])


@dataclass
class _Reader:
    """Follows `extends`: each file once, what is extended first; a circle is refused. unfitted: posteriors are left out."""

    unfitted: bool = False
    seen: dict[Path, Layer] = field(default_factory=dict)

    def layers(self, source: _Source, layer: Layer, trail: tuple[Path, ...] = ()) -> list[Layer]:
        path = Path(os.path.normpath(source.path.absolute()))
        before: list[Layer] = []
        for i, name in enumerate(self._names(layer)):
            line = layer.line(("extends", str(i))) or layer.line(("extends",)) or 1
            before.extend(self._extended(name, source, layer, line, (*trail, path)))
        self.seen[path] = layer
        named = layer.data.get("posterior")
        if self.unfitted or named is None:
            return [*before, layer]
        return [*before, layer, _centre(named, source, layer, [*before, layer])]

    def _names(self, layer: Layer) -> list[str]:
        said = layer.data.get("extends", [])
        names = [said] if isinstance(said, str) else said
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            line = layer.line(("extends",)) or 1
            raise ScenarioError([Fault(layer.file, line, "extends", f"{shown(said)} is no name",
                                       "write the name of a scenario, or a list of names")])
        return names

    def _extended(self, name: str, source: _Source, layer: Layer, line: int, trail: tuple[Path, ...]) -> list[Layer]:
        found = _resolve(name, source)
        if isinstance(found, str):
            raise ScenarioError([Fault(layer.file, line, "extends", f'"{name}" {found}',
                                       nearest(name, shipped_names()))])
        path = Path(os.path.normpath(found.path.absolute()))
        if path in trail:
            chain = " -> ".join(part.stem for part in (*trail[trail.index(path):], path))
            raise ScenarioError([Fault(layer.file, line, "extends", f"{chain} goes round in a circle",
                                       "leave out one of them")])
        if path in self.seen:
            return []
        if len(self.seen) + len(trail) > MAX_FILES:
            raise ScenarioError([Fault(layer.file, line, "extends", f"more than {MAX_FILES} files",
                                       "extend fewer files")])
        return self.layers(found, _parse(_text_of(found), found), trail)


def _centre(named: Any, source: _Source, layer: Layer, under: list[Layer]) -> CentreLayer:
    """The centre of the posterior that a layer names, empty where there is no such file or it was fitted on something else
    than the layers under it."""
    if not isinstance(named, str):
        raise ScenarioError([Fault(layer.file, layer.line(("posterior",)), "posterior", f"{shown(named)} is no name",
                                   "write the name of a posterior file")])
    found = _resolve(named, source)
    if isinstance(found, str):
        return CentreLayer(layer, {}, Fitted(f'the posterior "{named}" {found.replace("scenario", "file")}; values are those of '
                                             "the files, and an ensemble is of seeds alone"))
    said = _parse(_text_of(found), found)
    posterior = _posterior(said)
    hashed = assembled(under).hash
    if posterior.hash != hashed:
        return CentreLayer(layer, {}, Fitted(f"{found.label} is left out: it was fitted on {posterior.scenario} "
                                             f"{posterior.hash[:12]}, which now is {hashed[:12]}; values are those of the files, "
                                             "and an ensemble is of seeds alone"))
    return centre_layer(said, posterior, merged(under))


def _resolve(name: str, source: _Source) -> _Source | str:
    """The file of an extended name, beside the source or among the shipped ones; or why not, in words."""
    shipped = shipped_folder()
    beside = [(source.path.parent, source.root)] if source.root else []
    refused = ""
    for folder, root in (*beside, (shipped, shipped)):
        for suffix in ("", *SUFFIXES):
            path = folder / (name + suffix)
            if (suffix or path.suffix in SUFFIXES) and path.exists():
                if not _within(path, root):
                    refused = "leaves the folder of its scenario"
                    continue
                return _Source(path, root, _label(path, source, shipped))
    if Path(name).is_absolute() or ".." in Path(name).parts:
        refused = refused or "leaves the folder of its scenario"
    return refused or "is no scenario"


def _label(path: Path, source: _Source, shipped: Path) -> str:
    whole = Path(os.path.normpath(path.absolute()))
    if shipped in whole.parents:
        return f"scenarios/{whole.relative_to(shipped).as_posix()}"
    near = Path(source.label).parent / os.path.relpath(whole, source.path.parent.absolute())
    return os.path.normpath(near)


# --- from text to plain data ------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _collector_paused() -> Iterator[None]:
    """No garbage collection while many small containers are made that all stay: it takes a third of the time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


@_collector_paused()
def _parse(text: str, source: _Source) -> Layer:
    suffix = source.path.suffix
    if suffix == ".toml":
        layer: Layer = _toml(text, source)
    else:
        layer = _nodes(text, source, is_json=suffix == ".json")
    return _migrated(layer)


def _toml(text: str, source: _Source) -> Layer:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        spot = re.search(r"line (\d+)", str(error))
        said = re.sub(r" \(at .*\)", "", str(error))
        raise _refusal(source, f"is no TOML: {said}", "", int(spot[1]) if spot else 1) from None
    except RecursionError:
        raise _refusal(source, "is nested too deep", f"at most {MAX_DEPTH} levels") from None
    return LineLayer(source.label, _plain_toml(data), _toml_lines(text))


def _plain_toml(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain_toml(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain_toml(part) for part in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def _toml_lines(text: str) -> dict[Pointer, int]:
    """Line of each table and key, by pointer; keys inside inline tables have their line's."""
    lines: dict[Pointer, int] = {}
    table: Pointer = ()
    counts: dict[Pointer, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\[(.+?)\]\]", line):
            name = _toml_key(header[1])
            counts[name] = counts.get(name, -1) + 1
            table = (*name, str(counts[name]))
            lines.setdefault(name, number)
            lines[table] = number
        elif header := re.match(r"\s*\[(.+?)\]", line):
            table = _toml_key(header[1])
            lines.setdefault(table, number)
        elif pair := re.match(r"\s*([\w\-.\"' ]+?)\s*=", line):
            key = (*table, *_toml_key(pair[1]))
            for length in range(1, len(key) + 1):
                lines.setdefault(key[:length], number)
    return lines


def _toml_key(text: str) -> Pointer:
    return tuple(bare or quoted or single for bare, quoted, single in
                 re.findall(r"""([\w-]+)|"([^"]*)"|'([^']*)'""", text))


@dataclass
class _NodeLayer:
    """A layer of composed YAML or JSON nodes."""

    file: str
    data: dict[str, Any]
    root: yaml.Node
    has_nulls: bool

    def line(self, pointer: Pointer) -> int:
        node, line = self.root, self.root.start_mark.line + 1
        for word in pointer:
            found = _child(node, word)
            if found is None:
                return 0
            node, line = found
        return line


def _child(node: yaml.Node, word: str) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == word:
                return value, key.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and word.isdecimal() and int(word) < len(node.value):
        item = node.value[int(word)]
        return item, item.start_mark.line + 1
    return None


class _Loader(yaml.CSafeLoader):
    """Composes nodes and leaves what plain scalars mean to us."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        return _TAG_OF[kind]

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:
        pass

    def ascend_resolver(self) -> None:
        pass


def _nodes(text: str, source: _Source, is_json: bool) -> _NodeLayer:
    if is_json:
        _check_json(text, source)
        text = text.replace("\t", " ")
    _check_depth(text, source)
    try:
        documents = list(yaml.compose_all(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        raise _unreadable(error, text, source) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise _refusal(source, f"cannot be read: {error}", "write plain YAML") from None
    if len(documents) != 1 or not isinstance(documents[0], yaml.MappingNode):
        raise _refusal(source, "is no scenario" if len(documents) < 2 else f"holds {len(documents)} documents",
                       "write one map of keys, such as title: ..., extends: history")
    builder = _Builder(source.label)
    return _NodeLayer(source.label, builder.build(documents[0]), documents[0], builder.n_nulls > 0)


def _check_json(text: str, source: _Source) -> None:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise _refusal(source, f"is no JSON: {error.msg}", "", error.lineno) from None
    except RecursionError:
        raise _refusal(source, "is nested too deep", f"at most {MAX_DEPTH} levels") from None


def _check_depth(text: str, source: _Source) -> None:
    """Refuse deep nesting before the composer, which recurses in C, sees it; only suspicious texts pay for a count."""
    margin = max((len(run) for run in re.findall(r"^[ ?:-]+", text, re.MULTILINE)), default=0)
    if margin <= SAFE_DEPTH and text.count("[") + text.count("{") <= SAFE_DEPTH:
        return
    depth = 0
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise _refusal(source, "is nested too deep", f"at most {MAX_DEPTH} levels", line)
    except yaml.MarkedYAMLError as error:
        raise _unreadable(error, text, source) from None
    except yaml.YAMLError as error:
        raise _refusal(source, f"cannot be read: {error}", "write plain YAML") from None


def _unreadable(error: yaml.MarkedYAMLError, text: str, source: _Source) -> ScenarioError:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    said = f"cannot be read: {error.problem or error.context or 'no YAML'}"
    if "\t" in "".join(text.splitlines()[line - 1: line]):
        return _refusal(source, said, "indent with spaces, not with tabs", line)
    opened = _open_quote(text.splitlines()[:line])
    if opened:
        return _refusal(source, f"{said} on line {line}", "close the quote that is opened here", opened)
    return _refusal(source, said, "check quotes, colons and indentation here", line)


def _open_quote(lines: list[str]) -> int:
    """Number of the first line with a double quote too many, where a later line's trouble is likely to come from."""
    return next((i for i, line in enumerate(lines, 1) if re.sub(r"\\.", "", line).count('"') % 2), 0)


_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_TAG_OF = {yaml.ScalarNode: "tag:yaml.org,2002:str", yaml.MappingNode: "tag:yaml.org,2002:map",
           yaml.SequenceNode: "tag:yaml.org,2002:seq"}


@dataclass
class _Builder:
    """Plain data from nodes by YAML 1.2 scalar rules: only true and false are truth values, dates stay text."""

    file: str
    faults: list[Fault] = field(default_factory=list)
    n_repeated: int = 0
    n_nulls: int = 0
    seen: set[int] = field(default_factory=set)

    def build(self, root: yaml.MappingNode) -> dict[str, Any]:
        data = self._map(root, (), frozenset({id(root)}))
        if self.faults:
            raise ScenarioError(self.faults)
        return data

    def _fault(self, node: yaml.Node, pointer: Pointer, said: str, wanted: str) -> None:
        self.faults.append(Fault(self.file, node.start_mark.line + 1, ".".join(pointer) or "the file", said, wanted))

    def _value(self, node: yaml.Node, pointer: Pointer, above: frozenset[int]) -> Any:
        if node.tag not in _TAG_OF.values():
            self._fault(node, pointer, f'the tag "{node.tag}" is not read', "leave out tags (! and !!)")
            return None
        if isinstance(node, yaml.ScalarNode):
            value = node.value if node.style else scalar(node.value)
            self.n_nulls += value is None
            return value
        if id(node) in above or len(above) > MAX_DEPTH:
            self._fault(node, pointer, "an alias holds itself" if id(node) in above else "is nested too deep",
                        "write the value out" if id(node) in above else f"at most {MAX_DEPTH} levels")
            return None
        if id(node) in self.seen:
            self._repeated(node, pointer)
        self.seen.add(id(node))
        above = above | {id(node)}
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*pointer, str(i)), above) for i, item in enumerate(node.value)]
        return self._map(node, pointer, above)

    def _repeated(self, node: yaml.Node, pointer: Pointer) -> None:
        self.n_repeated += len(node.value)
        if self.n_repeated > MAX_REPEATED:
            self._fault(node, pointer, "the file grows too large through its aliases",
                        f"aliases may repeat {MAX_REPEATED:,} values at most")
            raise ScenarioError(self.faults)

    def _map(self, node: yaml.Node, pointer: Pointer, above: frozenset[int]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                self._fault(key, pointer, "a key is no plain word", "write key: value")
                continue
            name = key.value
            if name in result:
                self._fault(key, (*pointer, name), f"stands twice, first on line {lines[name]}", "leave out one")
                continue
            lines[name] = key.start_mark.line + 1
            result[name] = self._value(value, (*pointer, name), above)
        return result


def scalar(text: str) -> Any:
    """A plain scalar by the core schema of YAML 1.2, without octal, hexadecimal, infinities and not-a-number."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if _INT.fullmatch(text):
        return int(text) if len(text) < 40 else text
    return float(text) if _FLOAT.fullmatch(text) else text


class _Dumper(yaml.CSafeDumper):
    """Writes text that our reader takes for a number, truth value or nothing in quotes; never an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _dump_text(dumper: yaml.CSafeDumper, text: str) -> yaml.Node:
    style = '"' if scalar(text) is not text and scalar(text) != text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _dump_text)


# --- old forms --------------------------------------------------------------------------------------------------------


def _migrated(layer: Layer) -> Layer:
    """The layer in the present form; a fault when it is newer than this version reads."""
    number = layer.data.get("schema", SCHEMA)
    line = layer.line(("schema",)) or 1
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise ScenarioError([Fault(layer.file, line, "schema", f"{shown(number)} is no schema number",
                                   f"write {SCHEMA}")])
    if number > SCHEMA:
        raise ScenarioError([Fault(layer.file, line, "schema", f"schema {number} is newer than this version reads",
                                   f"write {SCHEMA}, or install a newer chokepoint")])
    for step in range(number, SCHEMA):
        layer.data = MIGRATIONS[step](layer.data)
    layer.data["schema"] = SCHEMA
    return layer


def _from_0(data: dict[str, Any]) -> dict[str, Any]:
    """Schema 0 kept `start` and `end` at the top; they stand under `time` since."""
    moved = {key: data[key] for key in ("start", "end") if key in data}
    rest = {key: part for key, part in data.items() if key not in moved}
    return {**rest, "time": {**moved, **rest.get("time", {})}} if moved else rest


MIGRATIONS = {0: _from_0}
"""What brings a file of schema n to n + 1."""


def _setting_value(text: str, path: str, number: int) -> Any:
    """What a setting says, by the same rules as a file."""
    builder = _Builder("--set")
    try:
        _check_depth(text, _Source(Path("--set"), None, "--set"))
        node = yaml.compose(text, Loader=_Loader) if text.strip() else None
        value = builder._value(node, (path,), frozenset()) if node else None
    except (yaml.YAMLError, ScenarioError):
        builder.faults.append(Fault("--set", number, path, "", ""))
    if builder.faults:
        raise ScenarioError([Fault("--set", number, path, f"{shown(text)} cannot be read",
                                   "write a number, a word, a date, or {value: .., source: ..}")])
    return value


# --- from plain data to a scenario ------------------------------------------------------------------------------------


@_collector_paused()
def assembled(layers: list[Layer], overrides: Sequence[str] = ()) -> Scenario:
    """The scenario of layers read before, for those who try many overrides on one file. Raises ScenarioError."""
    data, layers, faults = with_overrides(layers, overrides, _setting_value)
    origin = Origin(layers)
    gone, lost = left_out(data, origin)
    faults.extend(lost)
    faults.extend(reference_faults(data, origin.place))
    try:
        scenario = Scenario.model_validate(data)
        faults.extend(rule_faults(scenario, gone, origin.place))
        faults.extend(range_faults(scenario, origin.place))
    except ValidationError as error:
        faults.extend(faults_of(error, data, origin.place))
    except RecursionError:
        faults.append(Fault(layers[-1].file, 1, "the file", "is nested too deep", f"at most {MAX_DEPTH} levels"))
    if faults:
        raise ScenarioError(list(dict.fromkeys(faults)))
    scenario._origin = origin
    scenario._fitted = standing(layers)
    return scenario


@cache
def json_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of a scenario file, for editors.

    A file states only what differs from what it extends, so nothing is required and null takes an entry away.
    """
    schema = _sparse(Scenario.model_json_schema(by_alias=True, mode="validation"))
    names = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    schema["properties"]["posterior"] = {"type": "string", "description": "file of fitted values: its centre is laid over this"}
    schema["properties"]["extends"] = {**names, "description": "scenarios this one stands on; later ones win"}
    rules = schema["properties"]["rules"]
    rules["properties"] = {"without": {**names, "description": "ids of rules to leave out"}}
    rules["patternProperties"] = {f"^(?!without$){form[1:]}": part for form, part in rules["patternProperties"].items()}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "chokepoint scenario"}


def _sparse(schema: Any) -> Any:
    """A schema without requirements, whose maps by id let null take an entry away."""
    if isinstance(schema, list):
        return [_sparse(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    sparse = {key: _sparse(part) for key, part in schema.items() if key != "required" or not isinstance(part, list)}
    if isinstance(sparse.get("additionalProperties"), dict):
        sparse["additionalProperties"] = _or_null(sparse["additionalProperties"])
    if isinstance(sparse.get("patternProperties"), dict):
        sparse["patternProperties"] = {key: _or_null(part) for key, part in sparse["patternProperties"].items()}
    return sparse


def _or_null(schema: Any) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}
