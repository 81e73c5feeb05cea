"""Mutants: shipped files spoilt in one place are refused in words, at that place; with a harmless change, they load.

2,000 seeded mutants over every shipped file (types, dates, units, signs, duplicates, unknown names, missing keys,
circles, alias bombs, oversize, binary, broken syntax); a tenth of them runs unmarked.
"""

from __future__ import annotations

import gc
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pytest
import yaml

from sim import scenario_io
from sim.errors import ScenarioError
from sim.keyed_random import key_of
from sim.scenario_io import MAX_BYTES, load, scalar, shipped_folder

MUTANTS = 2000
SAMPLE = 10
"""One in so many mutants runs unmarked."""


LOADED = "loaded"


@dataclass(frozen=True)
class Site:
    """One entry of a file: where it stands, its key and value as text, and where those are in the file."""

    pointer: tuple[str, ...]
    line: int
    key: str
    value: object
    key_span: tuple[int, int]
    value_span: tuple[int, int]
    flow: bool
    is_item: bool


@dataclass(frozen=True)
class Mutant:
    """A spoilt text, and the place a fault should name: lines and, where one key is to blame, the key."""

    kind: str
    file: str
    text: bytes
    lines: tuple[int, ...]
    pointer: tuple[str, ...]
    what: str


# --- where a file can be spoilt


def sites(node: yaml.Node, pointer: tuple[str, ...] = ()) -> Iterator[Site]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield _site((*pointer, key.value), key, value, bool(node.flow_style), False)
            yield from sites(value, (*pointer, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            yield _site((*pointer, str(i)), item, item, bool(node.flow_style), True)
            yield from sites(item, (*pointer, str(i)))


def _site(pointer: tuple[str, ...], key: yaml.Node, value: yaml.Node, flow: bool, is_item: bool) -> Site:
    said: object = value
    if isinstance(value, yaml.ScalarNode):
        said = value.value if value.style else scalar(value.value)
    return Site(pointer, key.start_mark.line + 1, "" if is_item else key.value, said, (key.start_mark.index,
                key.end_mark.index), (value.start_mark.index, value.end_mark.index), flow, is_item)


@lru_cache
def parts(file: str) -> tuple[str, tuple[Site, ...]]:
    """Text of a shipped file and every entry of it."""
    path = shipped_folder() / file
    layer = scenario_io.read_layers(path, unfitted=True)[-1]
    assert isinstance(layer, scenario_io._NodeLayer)
    return path.read_text(), tuple(sites(layer.root))


@lru_cache
def files() -> tuple[str, ...]:
    """Files a history run stands on, history itself among them."""
    layers = scenario_io.read_layers("history", unfitted=True)
    return tuple(sorted(Path(layer.file).relative_to("scenarios").as_posix() for layer in layers))


WORDS = {
    "vendor", "market", "designed_for", "fab_jurisdiction", "design_jurisdiction", "cut_from", "recut",
    "memory", "successor_of", "kind", "subkind", "seat", "hq", "parent", "region", "tier", "origin",
    "destination", "carries", "metric", "measure", "supplier", "basis", "evidence", "confidence", "bill_to",
    "customer_hq", "use", "lever", "clearing", "redesign", "signal", "audience", "by", "gov_us", "gov_cn",
    "stockpiling", "rental",
}
"""Keys whose values come from a list or name something else."""

FREE_KEYS = {"world", "rules", "behaviour", "legality", "sources"}
"""Keys that hold, or are, names of the writer's own."""


def is_number(site: Site) -> bool:
    return isinstance(site.value, int | float) and not isinstance(site.value, bool) and site.pointer[-1] != "schema"


def is_field(site: Site) -> bool:
    """Whether the key is a word of the schema: not an id, a year, a day or a quarter."""
    depth = {"world": 4 if site.pointer[:2] not in (("world", "frontier"), ("world", "grey_costs")) else 3,
             "rules": 3, "behaviour": 2}.get(site.pointer[0], 1)
    if site.is_item or len(site.pointer) < depth or site.pointer[1:2] in (("exchange_rates",), ("fiscal",)):
        return False
    if site.pointer[1:2] == ("initial_stock",) and len(site.pointer) < 5:
        return False
    inside = {"quarters", "yearly", "path", "legality", "sources", "countries"}
    return site.pointer[0] in ("time", "clearing", "redesign", "title", "summary") or (
        site.pointer[0] in ("world", "rules", "behaviour") and not inside & set(site.pointer[:-1]))


def is_date(site: Site) -> bool:
    text = site.value
    return isinstance(text, str) and len(text) == 10 and text[4] == text[7] == "-" and text[:4].isdecimal() and \
        site.key not in ("when", "of")


# --- ways to spoil it


def put(text: str, span: tuple[int, int], new: str) -> bytes:
    return (text[: span[0]] + new + text[span[1]:]).encode()


def pick(seed: int, what: str, options: list[Site] | list[str]) -> object:
    return options[key_of("mutant", seed, what) % len(options)]


Way = Callable[[int, str, str, tuple[Site, ...]], Mutant | None]


def spoil_type(seed: int, file: str, text: str, found: tuple[Site, ...]) -> Mutant | None:
    return _value_way("type", seed, file, text, [site for site in found if is_number(site)],
                      ["many", "[1, 2]" if seed % 2 else "true", '"12"'])


def spoil_truth(seed: int, file: str, text: str, found: tuple[Site, ...]) -> Mutant | None:
    return _value_way("truth", seed, file, text, [site for site in found if isinstance(site.value, bool)],
                      ["yes", "1", '"true"', "on"])


def spoil_date(seed: int, file: str, text: str, found: tuple[Site, ...]) -> Mutant | None:
    return _value_way("date", seed, file, text, [site for site in found if is_date(site)],
                      ["2023-13-01", "2023-02-30", "20230101", "1023-01-01", "next week", "2023-1-1"])


def spoil_unit(seed: int, file: str, text: str, found: tuple[Site, ...]) -> Mutant | None:
    own = [site for site in found if site.key == "unit" and site.pointer[1] != "evidence"]
    return _value_way("unit", seed, file, text, own, ["parsecs", '"EUR m"'])


def spoil_sign(seed: int, file: str, text: str, found: tuple[Site, ...]) -> Mutant | None:
    own = [site for site in found if is_number(site) and site.value not in (0, 0.0) and site.pointer[1] != "evidence"]
    site = pick(seed, "site", own) if own else None
    if not isinstance(site, Site):
        return None
    new = "-" + text[slice(*site.value_span)]
    return Mutant("sign", file, put(text, site.value_span, new), (site.line,), site.pointer, new)


def spoil_word(seed: int, file: str, text: str, found: tuple[Site, ...]) -> Mutant | None:
    own = [site for site in found if site.key in WORDS and isinstance(site.value, str) and is_field(site)]
    return _value_way("unknown name", seed, file, text, own, ["nonesuch", "XQ"])


def spoil_key(seed: int, file: str, text: str, found: tuple[Site, ...]) -> Mutant | None:
    own = [site for site in found if is_field(site) and site.key not in FREE_KEYS]
    site = pick(seed, "site", own) if own else None
    if not isinstance(site, Site):
        return None
    new = site.key + "x"
    return Mutant("unknown key", file, put(text, site.key_span, new), (site.line,), (*site.pointer[:-1], new), new)


def spoil_duplicate(seed: int, file: str, text: str, found: tuple[Site, ...]) -> Mutant | None:
    own = [site for site in found if not site.is_item]
    site = pick(seed, "site", own)
    assert isinstance(site, Site)
    start = site.key_span[0]
    margin = start - text.rfind("\n", 0, start) - 1
    again = f"{site.key}: 0, " if site.flow else f"{site.key}: 0\n" + " " * margin
    if not site.flow and text[start - margin: start].strip():
        return None
    line = site.line + (0 if site.flow else 1)
    return Mutant("duplicate", file, put(text, (start, start), again), (line,), site.pointer, again)


REQUIRED = {"vendor", "tpp", "list_price_usd", "fab_jurisdiction", "transit_weeks", "margin_share", "spend", "amount",
            "metric", "measure", "kind", "announced"}


def spoil_missing(seed: int, file: str, text: str, found: tuple[Site, ...]) -> Mutant | None:
    own = [site for site in found if site.key in REQUIRED and not site.flow and is_field(site)
           and len(site.pointer) == (4 if site.pointer[0] == "world" else 3)]
    if file == "world/chips.yaml":
        own = [site for site in own if site.key != "announced"]
    site = pick(seed, "site", own) if own else None
    if not isinstance(site, Site):
        return None
    start, end = text.rfind("\n", 0, site.key_span[0]) + 1, text.find("\n", site.value_span[1]) + 1
    if "\n" in text[start: end - 1]:
        return None
    parent = next(other for other in found if other.pointer == site.pointer[:-1])
    return Mutant("missing", file, put(text, (start, end), ""), (parent.line,), site.pointer, site.key)


def spoil_extends(seed: int, file: str, text: str, found: tuple[Site, ...]) -> Mutant | None:
    if file == "history.yaml":
        return None
    up = "../" * file.count("/")
    what = ["circle", "outside", "unknown"][seed % 3]
    name = {"circle": f"{up}history", "outside": f"{up}../../elsewhere", "unknown": "world/chisp"}[what]
    return Mutant("extends", file, f"extends: {name}\n{text}".encode(), (1,), ("extends",), what)


def spoil_bytes(seed: int, file: str, text: str, found: tuple[Site, ...]) -> Mutant | None:
    content = text.encode()
    at = key_of("mutant", seed, "byte") % len(content)
    junk = [b"\xff\xfe", b"\x00", b"\x07\x08", b"\xc3\x28"][seed % 4]
    line = content[:at].count(b"\n") + 1
    return Mutant("binary", file, content[:at] + junk + content[at:], (line,), (), repr(junk))


def spoil_size(seed: int, file: str, text: str, found: tuple[Site, ...]) -> Mutant | None:
    return Mutant("oversize", file, text.encode() + b"# more\n" * (MAX_BYTES // 7), (1,), (), "2 MB")


def spoil_aliases(seed: int, file: str, text: str, found: tuple[Site, ...]) -> Mutant | None:
    depth = 8 + seed % 4
    bomb = ["experiments:", "  b0: &b0 {a: [0, 0, 0, 0, 0, 0, 0, 0]}"]
    bomb += [f"  b{i}: &b{i} [" + ", ".join([f"*b{i - 1}"] * 9) + "]" for i in range(1, depth)]
    first, last = text.count("\n") + 1, text.count("\n") + len(bomb)
    return Mutant("alias bomb", file, (text + "\n".join(bomb) + "\n").encode(), tuple(range(first, last + 1)),
                  ("experiments",), str(depth))


def spoil_syntax(seed: int, file: str, text: str, found: tuple[Site, ...]) -> Mutant | None:
    own = [site for site in found if not site.is_item and not site.flow and not isinstance(site.value, yaml.Node)]
    site = pick(seed, "site", own) if own else None
    if not isinstance(site, Site):
        return None
    new = ["[1, 2", '"open', "!!python/name:os.system x", "{a: 1"][seed % 4]
    after = (site.line, site.line + 1, site.line + 2) if new != "!!python/name:os.system x" else (site.line,)
    return Mutant("syntax", file, put(text, site.value_span, new), after, (), new)


def _value_way(kind: str, seed: int, file: str, text: str, own: list[Site], news: list[str]) -> Mutant | None:
    site = pick(seed, "site", own) if own else None
    if not isinstance(site, Site):
        return None
    new = str(pick(seed, "new", news))
    return Mutant(kind, file, put(text, site.value_span, new), (site.line,), site.pointer, new)


WAYS: tuple[Way, ...] = (spoil_type, spoil_truth, spoil_date, spoil_unit, spoil_sign, spoil_word, spoil_key,
                         spoil_duplicate, spoil_missing, spoil_extends, spoil_bytes, spoil_size, spoil_aliases,
                         spoil_syntax)


def mutant(seed: int) -> Mutant:
    """The mutant of a seed: a way and a file drawn by the seed, redrawn while they do not fit."""
    for again in range(1000):
        way = WAYS[key_of("mutant", seed, again, "way") % len(WAYS)]
        file = files()[key_of("mutant", seed, again, "file") % len(files())]
        made = way(seed, file, *parts(file))
        if made is not None:
            return made
    raise AssertionError(f"no mutant for seed {seed}")


# --- what becomes of it


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mutants") / "scenarios"
    shutil.copytree(shipped_folder(), folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return folder


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Parse each unspoilt text once: all but one of the files are the same in every mutant. What earlier tests left in memory
    is kept from the collector, whose sweeps over gigabytes of theirs are not the reading's time."""
    parse, seen = scenario_io._parse, {}
    shipped = {parts(file)[0] for file in files()}

    def once(text: str, source: scenario_io._Source) -> scenario_io.Layer:
        if text not in shipped:
            return parse(text, source)
        if text not in seen:
            seen[text] = parse(text, source)
        return seen[text]

    monkeypatch.setattr(scenario_io, "_parse", once)
    gc.freeze()
    yield
    gc.unfreeze()


def judged(one: Mutant, tree: Path) -> tuple[bool, str]:
    """Whether the message names key and line, and the message; LOADED when there is none. Fails when
    it takes over 2 s of processor time (the clock on the wall is others' too)."""
    path = tree / one.file
    before = path.read_bytes()
    started = time.process_time()
    try:
        path.write_bytes(one.text)
        load(tree / "history.yaml")
    except ScenarioError as error:
        assert error.exit_code == 3
        return any(_names(fault.file, fault.line, fault.key, one) for fault in error.faults), str(error)
    finally:
        path.write_bytes(before)
        assert time.process_time() - started < 2
    return False, LOADED


def _names(file: str, line: int, key: str, one: Mutant) -> bool:
    """Whether a fault is at the mutant's place; a quantity's own key stands for its inside."""
    words, wanted = tuple(key.split(".")), one.pointer
    inside = words == wanted[: len(words)] and len(words) >= len(wanted) - 3
    same = not wanted or inside or wanted == words[: len(wanted)]
    return file.endswith(one.file) and line in one.lines and same


def run(seeds: list[int], tree: Path) -> None:
    missed, loaded = [], []
    for seed in seeds:
        one = mutant(seed)
        named, message = judged(one, tree)
        told = f"{seed} {one.kind} in {one.file}:{one.lines} {'.'.join(one.pointer)} -> {one.what}"
        if message == LOADED:
            loaded.append(told)
        elif not named:
            missed.append(f"{told}:\n{message[:300]}")
    assert not loaded, f"{len(loaded)} of {len(seeds)} mutants load:\n" + "\n".join(loaded)
    assert len(missed) <= 0.05 * len(seeds), f"{len(missed)} of {len(seeds)} messages miss:\n" + "\n".join(missed)


def test_a_tenth_of_the_mutants_is_refused_at_their_place(tree: Path, quick: None) -> None:
    run(list(range(0, MUTANTS, SAMPLE)), tree)


@pytest.mark.slow
def test_every_mutant_is_refused_at_its_place(tree: Path, quick: None) -> None:
    run(list(range(MUTANTS)), tree)


def test_mutants_are_quick_without_any_memory(tree: Path) -> None:
    run(list(range(1, MUTANTS, MUTANTS // 12)), tree)


def test_every_way_and_file_is_among_the_mutants() -> None:
    made = [mutant(seed) for seed in range(0, MUTANTS, SAMPLE)]
    assert len({one.kind for one in made}) == len(WAYS)
    assert {one.file for one in made} == set(files())


LEGAL = {
    "another source": ("world/chips.yaml", "source: github.com", "source: gitlab.com"),
    "another price": ("world/chips.yaml", "tpp: 2368", "tpp: 2369"),
    "another day": ("world/chips.yaml", "announced: 2023-11-09", "announced: 2023-11-10"),
    "a comment": ("world/actors.yaml", "world:", "world: # all of them"),
    "a quoted number of a day": ("world/chips.yaml", "announced: 2023-11-09", 'announced: "2023-11-09"'),
    "an actor more": ("world/actors.yaml", "  actors:\n",
                      "  actors:\n    one_more: {kind: lab, subkind: lab, seat: US, hq: US}\n"),
    "a switch": ("world/behaviour.yaml", "stockpiling: on", "stockpiling: off"),
    "a shorter run": ("history.yaml", "end: 2026-12-28", "end: 2024-12-30"),
    "windows lines": ("world/lanes.yaml", "\n", "\r\n"),
    "a mark at the start": ("world/lanes.yaml", "# Lanes", "\ufeff# Lanes"),
}


@pytest.mark.parametrize("name", LEGAL)
def test_legal_mutants_load(name: str, tree: Path, quick: None) -> None:
    file, old, new = LEGAL[name]
    path = tree / file
    before = path.read_bytes()
    text = before.decode()
    assert old in text
    try:
        path.write_bytes(text.replace(old, new, 1 if name != "windows lines" else -1).encode())
        load(tree / "history.yaml")
    finally:
        path.write_bytes(before)


def test_the_control_loads_and_is_the_shipped_history(tree: Path) -> None:
    assert load(tree / "history.yaml").hash == load("history").hash


@pytest.mark.parametrize("seed", [3, 500, 901, 1402])
def test_a_mutant_ends_the_command_with_code_3_and_writes_nothing(seed: int, tree: Path, tmp_path: Path,
                                                                 chokepoint: Callable[..., object]) -> None:
    one = mutant(seed)
    path = tree / one.file
    before = path.read_bytes()
    try:
        path.write_bytes(one.text)
        told = chokepoint("run", str(tree / "history.yaml"))
    finally:
        path.write_bytes(before)
    assert told.returncode == 3, told.stderr  # type: ignore[attr-defined]
    assert "Traceback" not in told.stderr and told.stdout == ""  # type: ignore[attr-defined]
    assert list(tmp_path.iterdir()) == []
