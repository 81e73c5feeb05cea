"""Designs: points are keyed and complete, a run is named by its content, a file's faults are told by line."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from experiments.design import Design, Policy, Study, plan
from experiments.design_file import SHIPPED, read_design
from experiments.sampling import Factor, Sampling, points
from sim.errors import ScenarioError, UsageError

STUDY = Study("m", (("toy", "h"),), "s", "headline", ())
TWO = {"a": Factor(low=0, high=1), "b": Factor(low=10, high=20)}


@given(n=st.integers(1, 40), seed=st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_latin_hypercube_visits_each_slice_once(n: int, seed: int) -> None:
    found = points(TWO, Sampling(kind="lhs", n=n, seed=seed))
    for name, low, width in (("a", 0, 1), ("b", 10, 10)):
        slices = [int((dict(point.values)[name] - low) / width * n) for point in found]
        assert sorted(slices) == list(range(n))


def test_a_sobol_design_holds_a_b_and_one_mixed_block_a_factor() -> None:
    found = points(TWO, Sampling(kind="sobol", n=8))
    at = {(point.block, point.row): dict(point.values) for point in found}
    assert len(found) == 8 * 4
    for row in range(8):
        a, b, mixed = at["A", row], at["B", row], at["AB:a", row]
        assert mixed == {"a": b["a"], "b": a["b"]}


def test_a_sobol_sample_is_even() -> None:
    values = [dict(point.values)["a"] for point in points(TWO, Sampling(kind="sobol", n=64)) if point.block == "A"]
    assert np.histogram(values, bins=8, range=(0, 1))[0].tolist() == [8] * 8


def test_a_morris_trajectory_moves_each_factor_once_by_one_step() -> None:
    found = points(TWO, Sampling(kind="morris", n=5, levels=4))
    for row in range(5):
        path = [point for point in found if point.row == row]
        assert path[0].block == "start"
        moved = []
        for before, after in itertools.pairwise(path):
            changed = [name for name, value in after.values if dict(before.values)[name] != value]
            moved += changed
            share = (dict(after.values)[changed[0]] - dict(before.values)[changed[0]]) / (10 if changed == ["b"] else 1)
            assert abs(share) == pytest.approx(2 / 3)
            assert after.block == ("+" if share > 0 else "-") + changed[0]
        assert sorted(moved) == ["a", "b"]


def test_a_grid_crosses_listed_values_and_refuses_intervals() -> None:
    listed = {"a": Factor(values=(1, 2)), "b": Factor(values=("x", "y", "z"))}
    assert len({point.values for point in points(listed, Sampling())}) == 6
    with pytest.raises(UsageError, match="a grid needs listed values for a"):
        points(TWO, Sampling())


def test_a_table_is_taken_as_it_is() -> None:
    rows = ({"a": 1, "b": "x"}, {"a": 2})
    assert [dict(point.values) for point in points({}, Sampling(kind="table", rows=rows))] == list(rows)


@pytest.mark.parametrize(
    ("factor", "middle"),
    [
        (Factor(low=1, high=100, distribution="log_uniform"), 10.0),
        (Factor(low=0, high=4, central=2, distribution="triangular"), 2.0),
        (Factor(low=0, high=4, distribution="normal"), 2.0),
        (Factor(low=1, high=100, distribution="lognormal"), 10.0),
        (Factor(low=1, high=3, distribution="integer"), 2),
        (Factor(values=("x", "y", "z")), "y"),
    ],
)
def test_the_middle_of_a_distribution(factor: Factor, middle: object) -> None:
    assert factor.at(0.5) == pytest.approx(middle) if not isinstance(middle, str) else factor.at(0.5) == middle


@pytest.mark.parametrize(
    "words",
    [
        {"low": 1, "high": 1},
        {"low": 0, "high": 1, "distribution": "log_uniform"},
        {"low": 0, "high": 1, "distribution": "triangular"},
        {},
    ],
)
def test_a_factor_that_makes_no_sense_is_refused(words: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Factor.model_validate(words)


def test_every_policy_meets_every_draw_on_the_same_seeds() -> None:
    said = Design.model_validate(
        {
            "scenario": "toy",
            "policies": {"base": {}, "strict": {"limit": 1}},
            "uncertainties": {"x": [1, 2]},
            "seeds": [7, 9],
        }
    )
    placed = [(entry.policy, entry.draw, entry.seed) for entry, _ in plan(said, STUDY, said.seeds)]
    assert placed == [(policy, draw, seed) for policy in ("base", "strict") for draw in (0, 1) for seed in (7, 9)]


def test_equal_parameters_share_a_run_and_anything_else_changes_its_key() -> None:
    def keys(study: Study = STUDY, seeds: tuple[int, ...] = (1,), **words: object) -> list[str]:
        said = Design.model_validate({"scenario": "toy", **words})
        return [case.run_key for _, case in plan(said, study, seeds)]

    same = keys(policies={"a": {"x": 1}, "b": {"x": 1}})
    assert same[0] == same[1]
    (base,) = keys(constants={"x": 1})
    assert base == same[0]
    others = [
        keys(constants={"x": 2}),
        keys(constants={"y": 1}),
        keys(constants={"x": 1}, seeds=(2,)),
        keys(Study("other", (("toy", "h"),), "s", "headline", ()), constants={"x": 1}),
        keys(Study("m", (("toy", "other"),), "s", "headline", ()), constants={"x": 1}),
        keys(Study("m", (("toy", "h"),), "other", "headline", ()), constants={"x": 1}),
        keys(Study("m", (("toy", "h"),), "s", "full", ()), constants={"x": 1}),
    ]
    assert len({base, *(key for (key,) in others)}) == 1 + len(others)


def test_a_path_is_set_once() -> None:
    said = Design.model_validate({"scenario": "toy", "constants": {"x": 1}, "uncertainties": {"x": [1, 2]}})
    with pytest.raises(UsageError, match="x: set by more than one"):
        list(plan(said, STUDY, (1,)))


def test_levers_cross_into_policies() -> None:
    said = Design.model_validate({"scenario": "toy", "levers": {"a": [0, 1], "b": ["x", "y"]}})
    assert said.all_policies()["a=1 b=y"] == Policy(settings={"a": 1, "b": "y"})
    assert len(said.all_policies()) == 4


def test_uncertainties_may_be_the_scenarios_own() -> None:
    said = Design.model_validate({"scenario": "toy", "uncertainties": ["elasticity"]})
    known = {"elasticity": {"path": "behaviour.x", "distribution": "triangular", "low": 1, "central": 2, "high": 3}}
    whole = said.completed(known, {})
    assert whole.factors["elasticity"].path == "behaviour.x"
    ((entry, case),) = list(plan(whole.model_copy(update={"sampling": Sampling(kind="lhs", n=1)}), STUDY, (1,)))
    assert [path for path, _ in case.settings] == ["behaviour.x"]
    assert [name for name, _ in entry.values] == ["elasticity"]
    with pytest.raises(UsageError, match='states no uncertainty "elasticity"'):
        said.completed({}, {})


def test_faults_of_a_file_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("scenario: history\nsampling:\n  kind: sobol\n  n: 100\nuncertaintys: {}\nseeds: 0\n")
    with pytest.raises(ScenarioError) as caught:
        read_design(str(path))
    said = str(caught.value)
    assert "3 faults" in said
    assert 'line 5  uncertaintys: is no key of a design; did you mean "uncertainties"?' in said
    assert "line 2  sampling: sobol needs n a power of two, such as 128" in said
    assert "line 6  seeds: 0 seeds; give at least 1" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"levers": {"a": 2}}, r"2 is no list of settings; write one, such as \[0.5, 2\]"),
        ({"levers": {"a": []}}, "is no list of settings"),
        ({"sampling": {"kind": "lhs", "n": 2}}, "kind lhs draws uncertainties"),
        ({"sampling": {"n": 5}}, "a grid takes all its points, and no n"),
    ],
)
def test_what_a_design_would_pass_over_in_silence_is_refused(words: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Design.model_validate({"scenario": "toy", **words})


@pytest.mark.parametrize(
    ("lines", "key", "line"),
    [
        ("constants: {behaviour.shel_weeks: 3}", "behaviour.shel_weeks", 2),
        ("uncertainties:\n  shells: {path: behaviour.shel_weeks, low: 1, high: 2}\nsampling: {kind: lhs, n: 2}", "shel_weeks", 3),
        ("uncertainties:\n  behaviour.shell_weeks:\n    low: -0.5\n    high: 2\nsampling: {kind: lhs, n: 2}", "-0.5 is too low", 3),
        ("policies:\n  a: {}\n  b: zero-grac", "zero-grac", 4),
        (
            "sampling:\n  kind: table\n  rows:\n    - {behaviour.shell_weeks: 3}\n    - {behaviour.shel_weeks: 3}",
            "behaviour.shel_weeks",
            6,
        ),
    ],
)
def test_a_setting_that_cannot_be_is_told_at_its_line_before_a_folder_is_made(
    tmp_path: Path, lines: str, key: str, line: int, capsys: pytest.CaptureFixture[str]
) -> None:
    from experiments.cli import main

    path = tmp_path / "bad.yaml"
    path.write_text(f"scenario: teaching/rush\n{lines}\n")
    assert main(["sweep", str(path), "--out", str(tmp_path / "out")]) == 3
    said = capsys.readouterr().err
    assert f"{path} has 1 fault" in said and f"line {line} " in said and key in said
    assert not (tmp_path / "out").exists()


def test_a_design_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(UsageError, match="no design"):
        read_design("no-such-design")


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_designs_read(path: Path) -> None:
    assert read_design(path.stem).scenario
