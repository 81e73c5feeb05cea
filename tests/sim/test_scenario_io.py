"""Scenario files: what is read, how layers are laid over each other, and what every fault says."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.errors import ScenarioError, UsageError
from sim.scenario import SCHEMA, Scenario
from sim.scenario_io import MAX_BYTES, MAX_DEPTH, dumps, json_schema, load, loads, merge, scalar, shipped_names

BASE = "extends: [world/countries, world/behaviour]\ntime: {start: 2022-01-03, end: 2022-07-04}\n"


@pytest.fixture(scope="module")
def history() -> Scenario:
    return load("history")


def faults(text: str, name: str = "mine.yaml", overrides: tuple[str, ...] = ()) -> list[tuple[int, str, str, str]]:
    with pytest.raises(ScenarioError) as caught:
        loads(text, overrides, name)
    assert caught.value.exit_code == 3
    return [(fault.line, fault.key, fault.said, fault.wanted) for fault in caught.value.faults]


def fault(text: str, name: str = "mine.yaml", overrides: tuple[str, ...] = ()) -> tuple[int, str, str, str]:
    (one,) = faults(text, name, overrides)
    return one


# --- scalars and forms


@pytest.mark.parametrize(("text", "value"), [
    ("true", True), ("false", False), ("no", "no"), ("yes", "yes"), ("on", "on"), ("off", "off"), ("True", "True"),
    ("NO", "NO"), ("null", None), ("~", None), ("", None), ("12", 12), ("-3", -3), ("007", 7), ("0x1F", "0x1F"),
    ("0o17", "0o17"), ("1_000", "1_000"), ("1:30", "1:30"), ("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0),
    (".inf", ".inf"), (".nan", ".nan"), ("2022-10-07", "2022-10-07"), ("1" * 50, "1" * 50),
])
def test_plain_scalars_follow_yaml_1_2(text: str, value: Any) -> None:
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)


@given(st.recursive(
    st.none() | st.booleans() | st.integers(-10**9, 10**9) | st.floats(-1e9, 1e9) |
    st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcxyz_", min_size=1), inner, max_size=3),
    max_leaves=8))
@settings(max_examples=60)
def test_what_we_write_reads_back(value: Any) -> None:
    text = dumps({"schema": SCHEMA, "title": "x", "experiments": {"e": {"part": value}}}) + BASE
    if value is None:
        assert "part" not in loads(text).experiments["e"]
    else:
        assert loads(text).experiments["e"].get("part") == _without_nulls(value)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(part) for key, part in value.items() if part is not None}
    return value


def test_yaml_json_and_toml_say_the_same() -> None:
    data = {"extends": ["world/countries", "world/behaviour"], "title": "three forms",
            "time": {"start": "2022-01-03", "end": "2022-07-04"}, "world": {"actors": {"lab-1": {
                "kind": "lab", "subkind": "lab", "seat": "US", "hq": "US", "military": False}}}}
    as_toml = ('extends = ["world/countries", "world/behaviour"]\ntitle = "three forms"\n'
               'time = {start = 2022-01-03, end = "2022-07-04"}\n[world.actors.lab-1]\nkind = "lab"\nsubkind = "lab"\n'
               'seat = "US"\nhq = "US"\nmilitary = false\n')
    hashes = {loads(dumps(data)).hash, loads(json.dumps(data, indent="\t"), name="a.json").hash,
              loads(as_toml, name="a.toml").hash}
    assert len(hashes) == 1


@pytest.mark.parametrize(("name", "text", "line"), [
    ("a.toml", 'title = "x"\ntime = {start = 2022-01-03, end = 2022-07-04}\nextends = ["world/behaviour"]\n'
               '[world.actors.lab]\nkind = "lab"\nsubkind = "laab"\n', 6),
    ("a.json", '{"extends": ["world/behaviour"],\n"time": {"start": "2022-01-03", "end": "2022-07-04"},\n'
               '"world": {"actors": {"lab": {"kind": "lab",\n\t"subkind": "laab"}}}}', 4),
])
def test_toml_and_json_faults_name_their_lines(name: str, text: str, line: int) -> None:
    found = {key: at for at, key, _, _ in faults(text, name)}
    assert found["world.actors.lab.subkind"] == line


# --- what is refused


@pytest.mark.parametrize(("text", "said"), [
    ("title: a\ntitle: b\n", "stands twice, first on line 1"),
    ("title: !!python/object:os.system x\n", "is not read"),
    ("title: [\n", "cannot be read"),
    ("- a\n- b\n", "is no scenario"),
    ("", "is no scenario"),
    ("title: a\n---\ntitle: b\n", "holds 2 documents"),
    ("title: a\x07\n", "control character U+0007"),
    ("? [a, b]\n: 1\n", "no plain word"),
    ("world: &w {chips: *w}\n", "alias"),
    ("schema: 99\n", "newer than this version reads"),
    ("schema: one\n", "no schema number"),
])
def test_unreadable_texts_are_refused(text: str, said: str) -> None:
    assert any(said in words for _, _, words, _ in faults(text))


def test_an_alias_bomb_is_refused_before_it_is_built() -> None:
    lines = ["experiments:", "  a0: &a0 {x: [1, 1, 1, 1, 1, 1, 1, 1, 1]}"]
    lines += [f"  a{i}: &a{i} {{" + ", ".join(f"k{j}: *a{i - 1}" for j in range(9)) + "}" for i in range(1, 12)]
    assert "grows too large" in fault("\n".join(lines))[2]


@pytest.mark.parametrize("text", ["a: " + "[" * 300_000, "- " * 300_000 + "a", "a: " + "{b: " * 3_000,
                                  "\n".join(" " * i + "a:" for i in range(1500))])
def test_deep_nesting_is_refused(text: str) -> None:
    (one, *_) = faults(text)
    assert "too deep" in one[2] or "cannot be read" in one[2]


def test_moderate_depth_is_refused_with_its_key() -> None:
    line, key, said, wanted = faults("experiments: {e: " + "{a: " * (MAX_DEPTH + 2) + "1" + "}" * (MAX_DEPTH + 3))[0]
    assert (line, said, wanted) == (1, "is nested too deep", f"at most {MAX_DEPTH} levels")
    assert key.startswith("experiments.e.a")


def test_files_of_the_wrong_kind_are_refused(tmp_path: Path) -> None:
    big, binary, link = tmp_path / "big.yaml", tmp_path / "binary.yaml", tmp_path / "link.yaml"
    big.write_text("title: " + "x" * MAX_BYTES)
    binary.write_bytes(b"title: ok\n\xff\xfe\x00\x01")
    link.symlink_to(big)
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    for path, said in ((big, "bytes"), (binary, "not UTF-8"), (link, "symbolic link"), (pipe, "no regular file"),
                       (tmp_path, "no scenario")):
        with pytest.raises((ScenarioError, UsageError), match=said):
            load(path)


def test_an_unknown_name_is_a_matter_of_usage() -> None:
    with pytest.raises(UsageError, match='did you mean "history"'):
        load("histroy")
    with pytest.raises(UsageError, match="no file"):
        load("nowhere/mine.yaml")


# --- extends


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)


def test_later_files_win_and_each_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, base=BASE + "title: base\nsummary: base\n", left="extends: base\ntitle: left\n",
          right="extends: base\nsummary: right\n", mine="extends: [left, right]\n")
    scenario = load(tmp_path / "mine.yaml")
    assert (scenario.title, scenario.summary) == ("left", "right")


def test_circles_and_ways_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    write(tmp_path, outside=BASE)
    write(inner, a="extends: b\n", b="# b\nextends: a\n", up="extends: ../outside\n", absolute="extends: /etc/passwd\n",
          unknown="extends: [world/countries,\n  world/countrys]\n")
    (inner / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    write(inner, by_link="extends: link\n")
    found = {}
    for name in ("a", "up", "absolute", "unknown", "by_link"):
        with pytest.raises(ScenarioError) as caught:
            load(inner / f"{name}.yaml")
        (one,) = caught.value.faults
        assert one.key == "extends"
        found[name] = (Path(one.file).name, one.line, one.said)
    assert found["a"] == ("b.yaml", 2, "a -> b -> a goes round in a circle")
    assert found["up"][2] == '"../outside" leaves the folder of its scenario'
    assert found["absolute"][2] == '"/etc/passwd" leaves the folder of its scenario'
    assert found["unknown"][1:] == (2, '"world/countrys" is no scenario')
    assert found["by_link"][2] == '"link" leaves the folder of its scenario'


# --- merging, overrides and settings


@pytest.mark.parametrize(("under", "over", "result"), [
    ({"a": 1, "b": 2}, {"b": 3}, {"a": 1, "b": 3}),
    ({"a": 1, "b": 2}, {"b": None}, {"a": 1}),
    ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
    ({"value": 1, "unit": "USD", "source": "s", "range": [0, 2]}, 5,
     {"value": 5, "unit": "USD", "source": "this scenario"}),
    ({"value": 1, "unit": "USD", "range": [0, 2]}, {"value": 5}, {"value": 5, "unit": "USD"}),
    ({"value": 1, "unit": "USD", "source": "s"}, {"path": {"2022-01-01": 1}},
     {"path": {"2022-01-01": 1}, "unit": "USD", "source": "s"}),
    ({"value": 1, "unit": "USD"}, {"2022-01-01": 1}, {"path": {"2022-01-01": 1}, "unit": "USD"}),
    ({"2022-01-01": 1, "2023-01-01": 2}, {"2023-01-01": 3}, {"2022-01-01": 1, "2023-01-01": 3}),
    ({"2022-01-01": 1}, {"value": 4}, {"value": 4}),
    ({"yearly": {"2024": 1, "2025": 2}}, {"yearly": {"2025": 3}}, {"yearly": {"2024": 1, "2025": 3}}),
])
def test_merging(under: Any, over: Any, result: Any) -> None:
    assert merge(under, over) == result


TREES = st.recursive(st.integers(0, 3), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
                     max_leaves=9)
MAPS = st.dictionaries(st.sampled_from("abc"), TREES, max_size=3)


@given(MAPS, MAPS, MAPS)
@settings(max_examples=80)
def test_merging_is_associative_and_repeating_changes_nothing(a: Any, b: Any, c: Any) -> None:
    assert merge(a, {}) == a and merge({}, b) == b
    assert merge(merge(a, b), b) == merge(a, b)
    assert merge(merge(a, b), c) == merge(a, merge(b, c))


def test_settings_and_overrides_go_through_one_door(history: Scenario) -> None:
    changed = load("history", ("world.chips.H20.tpp=2400", "behaviour.stockpiling=off",
                               "world.budgets.bytedance.spend.yearly.2025=[1, 2, 3]",
                               "world.actors.bytedance.listed_since=2024-01-01"))
    assert (changed.world.chips["H20"].tpp.value, changed.behaviour.stockpiling) == (2400, "off")
    spend, was = changed.world.budgets["bytedance"].spend, history.world.budgets["bytedance"].spend
    assert [point.value for point in spend.path] == [*(point.value for point in was.path[:4]), 2.0, was.path[5].value]
    assert str(changed.world.actors["bytedance"].listed_since) == "2024-01-01"
    assert changed.where("world.chips.H20.tpp") == "--set:1"
    assert changed.hash != history.hash


@pytest.mark.parametrize(("setting", "key", "said"), [
    ("world.chips.H21.tpp=5", "world.chips.H21.tpp", 'there is no "H21" in world.chips'),
    ("behaviour.impatiense=0.1", "behaviour.impatiense", "there is no such key here"),
    ("time.end=2026-13-01", "time.end", '"2026-13-01" is no date'),
    ("world.chips.H20.tpp=[", "world.chips.H20.tpp", '"[" cannot be read'),
    ("clearing=two_bok", "clearing", '"two_bok" is not one of the known words'),
    ("=5", "", '"=5" is no setting'),
])
def test_a_wrong_setting_is_told_as_one(setting: str, key: str, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load("history", (setting,))
    (one,) = caught.value.faults
    assert (one.file, one.line, one.key) == ("--set", 1, key)
    assert one.said.startswith(said)


LEVERS = BASE + """levers:
  patient: {behaviour: {impatience_share_per_month: 0.06}}
  impatient:
    behaviour:
      impatience_share_per_month: 0.14
  shorter: {time: {end: 2022-04-04}}
"""


def test_named_overrides_combine_and_refuse_to_clash() -> None:
    both = loads(LEVERS, ("patient", "shorter"))
    assert both.behaviour.impatience_share_per_month.value == 0.06
    assert both.clock.n_ticks == 13
    line, key, said, _ = fault(LEVERS, overrides=("impatient", "patient"))
    assert key == "behaviour.impatience_share_per_month"
    assert said == 'is set by both "impatient" and "patient"'
    assert line == 4
    assert fault(LEVERS, overrides=("pattient",))[3].startswith('did you mean "patient"')


def test_a_fault_inside_an_override_names_its_own_line() -> None:
    text = LEVERS + "  broken:\n    time:\n      end: 2022-04-05\n"
    assert fault(text, overrides=("broken",))[:2] == (11, "time.end")


RULES = BASE + """rules:
  FIRST: {by: US, kind: control_rule, announced: 2022-01-10, since: 2022-01-17}
  SECOND: {by: US, kind: control_rule, announced: 2022-02-07, since: 2022-02-14}
"""


def test_rules_can_be_left_out_by_id() -> None:
    assert list(loads(RULES).rules) == ["FIRST", "SECOND"]
    assert list(loads(RULES + "  without: [FIRST]\n").rules) == ["SECOND"]
    assert list(loads(RULES + "  without: FIRST\n").rules) == ["SECOND"]
    for verb, part in (("change", "{FIRST: {since: 2023-01-01}}"), ("add", "[{by: US}]")):
        line, key, said, wanted = fault(RULES + f"  {verb}: {part}\n")
        assert (line, key, said) == (6, f"rules.{verb}", "is no rule") and "RULE_2023_10: {since" in wanted
    assert all('did you mean "FIRST"' in said[3] for said in faults(RULES + "  FIRTS: {since: 2023-01-01}\n"))
    line, key, _, wanted = fault(RULES + "  without:\n    - FIRSTS\n")
    assert (line, key) == (7, "rules.without")
    assert wanted.startswith('did you mean "FIRST"')


def test_what_is_left_out_adds_up_and_can_come_back(tmp_path: Path) -> None:
    write(tmp_path, base=RULES, less="extends: base\nrules: {without: [FIRST]}\n",
          none="extends: less\nrules: {without: [SECOND]}\n",
          back="extends: none\nrules: {FIRST: {announced: 2022-01-03}}\n")
    assert [list(load(tmp_path / f"{name}.yaml").rules) for name in ("less", "none", "back")] == \
        [["SECOND"], [], ["FIRST"]]
    assert str(load(tmp_path / "back.yaml").rules["FIRST"].announced) == "2022-01-03"


def test_names_in_rules_must_lead_somewhere() -> None:
    effect = "effects: [{lever: named_part, chips: {named: [A1OO]}, where: [{destination: [CN, XY]}]}]"
    text = RULES + "  THIRD:\n    by: [US, UK]\n    kind: control_rule\n    announced: 2022-01-10\n" \
                   "    since: 2022-01-10\n    " + effect + "\n"
    found = {key: (line, said) for line, key, said, _ in faults(text)}
    assert found["rules.THIRD.by.1"] == (7, '"UK" is no author')
    assert found["rules.THIRD.effects.0.chips.named.0"] == (11, '"A1OO" is no chip')
    assert found["rules.THIRD.effects.0.where.0.destination.1"] == (11, '"XY" is no place')


# --- faults


def test_every_fault_is_told_at_once_with_file_line_and_nearest_word() -> None:
    text = ("extends: history\ntitel: x\ntime:\n  end: 2023-13-01\nworld:\n  chips:\n    H20:\n      tpp: -5\n"
            "      vendor: nvidea\n      market: datacenter\n  actors:\n    meta: {aggregate: yes}\n")
    found = {key: (line, said, wanted) for line, key, said, wanted in faults(text)}
    assert found["titel"] == (2, "there is no such key here", found["titel"][2])
    assert 'did you mean "title"' in found["titel"][2]
    assert found["time.end"][:2] == (4, '"2023-13-01" is no date')
    assert found["world.chips.H20.tpp"][:2] == (8, "-5 is too low")
    assert found["world.chips.H20.vendor"][:2] == (9, '"nvidea" is no chipmaker')
    assert 'did you mean "nvidia"' in found["world.chips.H20.vendor"][2]
    assert 'did you mean "datacentre"' in found["world.chips.H20.market"][2]
    assert found["world.actors.meta.aggregate"][:2] == (12, '"yes" is neither true nor false')


def test_a_key_of_an_effect_has_a_nearest_word_too() -> None:
    text = RULES + "  THIRD: {by: US, kind: tariff, announced: 2022-01-10, since: 2022-01-10, " \
                   "effects: [{lever: tariff, rat: 0.25}]}\n"
    found = {key: wanted for _, key, _, wanted in faults(text)}
    assert found["rules.THIRD.effects.0.rat"].startswith('did you mean "rate"')
    assert found["rules.THIRD.effects.0.rate"]


def test_tabs_and_open_quotes_are_named() -> None:
    assert fault("title: x\nrules:\n\tX: 1\n")[::3] == (3, "indent with spaces, not with tabs")
    line, _, _, wanted = fault('title: "open\nsummary: "closed"\ntime: 3\n')
    assert (line, wanted) == (1, "close the quote that is opened here")


def test_faults_group_by_file() -> None:
    with pytest.raises(ScenarioError) as caught:
        loads("extends: history\nworld: {chips: {H20: {successor_of: A8000}}}\n", ("redesign=never",), "my.yaml")
    text = str(caught.value)
    assert "my.yaml has 1 fault:\n  line 2  world.chips.H20.successor_of:" in text
    assert "--set has 1 fault:\n  line 1  redesign:" in text


@pytest.mark.parametrize(("patch", "key", "said"), [
    ("world: {chips: {A100: {successor_of: H100}}}", "world.chips.A100.successor_of", "circle"),
    ("world: {actors: {baidu: {parent: kunlun}}}", "world.actors.baidu.parent", "circle"),
    ("world: {chips: {A100: {aliases: [H200]}}}", "world.chips.A100.aliases.0", "already names H200"),
    ("world: {fiscal: {nvidia: {FY25Q1: 2023-04-28}}}", "world.fiscal.nvidia.FY25Q1", "not after FY24Q4"),
    ("world: {lanes: {TW-MY-hub: {until: 2020-01-01}}}", "world.lanes.TW-MY-hub.until", "before it opens"),
    ("world: {chips: {H20: {volume_from: 2020-01-01}}}", "world.chips.H20.volume_from", "before the announcement"),
    ("world: {initial_stock: {nobody: {A100: {chips: 3}}}}", "world.initial_stock.nobody", "is no actor"),
    ("world: {initial_stock: {meta: {A1000: {chips: 3}}}}", "world.initial_stock.meta.A1000", "is no chip"),
    ("time: {end: 2021-12-27}", "time.end", "not after its start"),
    ("time: {start: 2022-01-04}", "time.start", "is a Tuesday"),
    ("world: {routing: {nvidia-CN-TW: {share: 0.5}}}", "world.routing.nvidia-CN-TW.share", "1.45 of nvidia's sales"),
    ("governments: {gov_uss: scripted}", "governments.gov_uss", "is no government"),
    ("uncertainties: {u: {path: behaviour.impatient}}", "uncertainties.u.path", "leads nowhere"),
    ("uncertainties: {u: {path: behaviour.train_share, low: 0.7, high: 0.5}}", "uncertainties.u.high", "under low of 0.7"),
    ("uncertainties: {u: {path: world.adoption.chatgpt.want_factor, low: -1, high: 2}}", "uncertainties.u.low", "cannot be -1"),
    ("world: {capacity: {tsmc-cowos: {amount: {unit: parsecs}}}}", "world.capacity.tsmc-cowos.amount.unit", "unit"),
])
def test_what_models_alone_cannot_see(patch: str, key: str, said: str) -> None:
    found = {at: words for _, at, words, _ in faults("extends: history\n" + patch + "\n")}
    assert said in found[key]


# --- identity


def test_the_canonical_text_is_of_the_content_alone(history: Scenario, tmp_path: Path) -> None:
    again = loads("extends: history\ntitle: another title\n")
    assert again.canonical() == history.canonical()
    assert again.hash == history.hash == load("history").hash
    assert Scenario.model_validate(json.loads(history.canonical())).hash == history.hash
    assert str(Path.cwd()) not in history.canonical()


def test_a_scenario_travels_to_a_worker_without_its_files(history: Scenario) -> None:
    packed = pickle.dumps(history)
    assert len(packed) < 1_500_000
    assert pickle.loads(packed).hash == history.hash


def test_where_names_file_and_line(history: Scenario) -> None:
    file, _, line = history.where("world.chips.H20.tpp").rpartition(":")
    assert file == "scenarios/world/chips.yaml"
    text = (Path(__file__).parents[2] / file).read_text().splitlines()
    assert text[int(line) - 1].strip() == "tpp: 2368"


def test_old_files_are_brought_forward() -> None:
    old = loads("schema: 0\nextends: world/behaviour\nstart: 2022-01-03\nend: 2022-07-04\n")
    assert old.clock.n_ticks == 26


# --- what ships


def test_every_shipped_scenario_loads_and_has_a_title() -> None:
    names = shipped_names()
    assert "history" in names
    for name in names:
        scenario = load(name)
        assert scenario.title and scenario.summary, name


def test_the_schema_accepts_what_ships_and_refuses_slips() -> None:
    import jsonschema

    checker = jsonschema.Draft202012Validator(json_schema())
    checker.check_schema(checker.schema)
    checker.validate({"extends": "history", "world": {"chips": {"H20": {"tpp": 5, "aliases": "H20X"}}},
                      "rules": {"without": ["X"]}})
    for wrong in ({"titel": 1}, {"world": {"chips": {"H20": {"tpp": -5}}}}, {"clearing": "books"}):
        assert list(checker.iter_errors(wrong))


def test_a_quantity_of_a_scenario_keeps_unit_and_source(history: Scenario) -> None:
    chip = history.world.chips["H100"]
    assert (chip.list_price_usd.unit, chip.source_of("list_price_usd")) == ("USD", chip.source)
    assert chip.source_of("unit_cost_usd") == chip.unit_cost_usd.source != chip.source
