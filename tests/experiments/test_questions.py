"""Questions put to an experiment: answers known in advance come back inside their intervals."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.attribution import Coalition, attribute, coalitions, policies, words_of
from experiments.design import Policy
from experiments.discovery import condition, discover, find_box
from experiments.frames import Draw, Frame, chosen, frames
from experiments.outcome import Outcome
from experiments.pairing import Interval, bootstrap, paired, variance_factor
from experiments.robustness import verdict
from experiments.search import Aim, search, unbeaten
from experiments.sensitivity import indices
from experiments.stopping import Goal, half_width, look, run_until
from experiments.store import Store
from sim.errors import UsageError
from tests.experiments.toys import Toy
from tests.experiments.workshop import begin, carry, design, done

PI = math.pi
THREE = {f"x{i}": {"low": -PI, "high": PI} for i in (1, 2, 3)}


def inside(interval: Interval, value: float) -> bool:
    return interval.low <= value <= interval.high


# --- sensitivity ---


@pytest.fixture(scope="module")
def sobol(tmp_path_factory: pytest.TempPathFactory) -> Store:
    said = design(uncertainties=THREE, sampling={"kind": "sobol", "n": 256}, constants={}, seeds=1)
    return done(tmp_path_factory.mktemp("sobol"), said)


def test_ishigami_has_its_known_sobol_indices_inside_the_intervals(sobol: Store) -> None:
    found = indices(chosen(sobol, "y_end"))
    first, total = dict(zip(found.factors, found.first, strict=True)), dict(zip(found.factors, found.total, strict=True))
    for name, known_first, known_total in (("x1", 0.3139, 0.5576), ("x2", 0.4424, 0.4424), ("x3", 0.0, 0.2437)):
        assert inside(first[name], known_first), (name, first[name])
        assert inside(total[name], known_total), (name, total[name])
        assert total[name].high - total[name].low < 0.4


def test_sobol_indices_equal_those_of_salib_on_the_same_sample(sobol: Store) -> None:
    from SALib.analyze import sobol as salib

    frame = chosen(sobol, "y_end")
    value = {(draw.block, draw.row): frame.values[at, 0] for at, draw in enumerate(frame.draws)}
    rows = range(256)
    blocks = ["A", *(f"AB:x{i}" for i in (1, 2, 3)), "B"]
    ordered = np.array([value[block, row] for row in rows for block in blocks])
    problem = {"num_vars": 3, "names": ["x1", "x2", "x3"], "bounds": [[-PI, PI]] * 3}
    theirs = salib.analyze(problem, ordered, calc_second_order=False, num_resamples=2, seed=1)
    ours = indices(frame)
    np.testing.assert_allclose([one.value for one in ours.total], theirs["ST"], rtol=0.02)
    np.testing.assert_allclose([one.value for one in ours.first], theirs["S1"], atol=0.05)


def test_indices_do_not_depend_on_the_order_of_rows(sobol: Store) -> None:
    frame = chosen(sobol, "y_end")
    order = np.random.default_rng(3).permutation(len(frame.draws))
    shuffled = Frame(frame.outcome, frame.policy, tuple(frame.draws[at] for at in order), frame.seeds, frame.values[order])
    ours, theirs = indices(shuffled), indices(frame)
    assert (ours.first, ours.total) == (theirs.first, theirs.total)


def test_a_lost_run_costs_its_base_row_only(sobol: Store) -> None:
    frame = chosen(sobol, "y_end")
    values = frame.values.copy()
    values[5] = np.nan
    found = indices(Frame(frame.outcome, frame.policy, frame.draws, frame.seeds, values))
    assert (found.rows, found.rows_left_out) == (255, 1)


def test_luck_is_split_from_the_factors(tmp_path: Path) -> None:
    said = design(uncertainties=THREE, sampling={"kind": "sobol", "n": 64}, constants={"noise": 3.0}, seeds=4)
    found = indices(chosen(done(tmp_path, said), "y_end"))
    known = 9.0 / (9.0 + 13.845)  # the noise's variance over it and Ishigami's
    assert found.replicate_share.low <= known <= found.replicate_share.high


def test_morris_finds_effects_of_a_line_exactly(tmp_path: Path) -> None:
    said = design(
        uncertainties={name: {"low": 0, "high": 1} for name in "ac"}, sampling={"kind": "morris", "n": 6}, constants={}, seeds=2
    )
    found = indices(chosen(done(tmp_path, said, "levers"), "y_end"))
    step = 2 / 3
    assert [one.value for one in found.first] == pytest.approx([1 * step, 4 * step])
    assert found.sigma == pytest.approx((0.0, 0.0), abs=1e-9)


@pytest.mark.parametrize("kind", ["sobol", "morris"])
def test_an_outcome_that_no_factor_moves_has_no_indices_and_says_so(tmp_path: Path, kind: str) -> None:
    from experiments.commands.sensitivity import _text

    flat = {"a": {"low": 0.0, "high": 1.0}, "b": {"low": 0.0, "high": 1.0}}
    said = design(uncertainties=flat, constants={"x1": 1.0, "noise": 0.0}, sampling={"kind": kind, "n": 4})
    found = indices(chosen(done(tmp_path, said), "y_end"))
    assert found.flat and found.seeds == 2
    assert "the factors do not move it" in _text(found) and "nan" not in _text(found)


def test_a_design_of_another_kind_has_no_indices(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="kind sobol or morris"):
        indices(chosen(done(tmp_path), "y_end"))


# --- discovery and robustness ---


def draws_of(columns: Mapping[str, Any]) -> list[Draw]:
    names = list(columns)
    return [Draw(at, "", at, dict(zip(names, row, strict=True))) for at, row in enumerate(zip(*columns.values(), strict=True))]


def test_prim_finds_the_box_and_drops_what_is_chance() -> None:
    rng = np.random.default_rng(1)
    x, y, z = rng.random((3, 600))
    box = find_box(draws_of({"x": x.tolist(), "y": y.tolist(), "z": z.tolist()}), (x > 0.7) & (y < 0.4), "it happens")
    assert [limit.factor for limit in box.limits] == ["x", "y"]
    assert box.limits[0].low == pytest.approx(0.7, abs=0.03)
    assert box.limits[1].high == pytest.approx(0.4, abs=0.03)
    assert box.density > 0.9
    assert box.coverage > 0.9
    assert "x is above 0.7" in str(box)
    assert "of the draws where" in str(box)


def test_prim_takes_words_too() -> None:
    rng = np.random.default_rng(2)
    kind = [("free", "shut", "taxed")[int(at)] for at in rng.integers(0, 3, 300)]
    x = rng.random(300)
    box = find_box(draws_of({"kind": kind, "x": x.tolist()}), np.array([said == "shut" for said in kind]), "it closes")
    assert str(box.limits[0]) == "kind is shut"
    assert (box.density, box.coverage) == (1.0, 1.0)


def test_a_condition_on_an_outcome(tmp_path: Path) -> None:
    store = done(tmp_path)
    outcome, test = condition("y_end > 5")
    box = discover(chosen(store, outcome), "y_end > 5", test)
    assert box.draws == 30
    with pytest.raises(UsageError, match='"lag exceeds 3" is no condition'):
        condition("lag exceeds 3")
    with pytest.raises(UsageError, match="in none of 30 draws"):
        discover(chosen(store, outcome), "y_end > 99", condition("y_end > 99")[1])


def two_frames(effect: np.ndarray, columns: Mapping[str, Any]) -> tuple[Frame, Frame]:
    draws = tuple(draws_of(columns))
    luck = np.random.default_rng(5).normal(size=(len(draws), 3))
    return (Frame("lag", "base", draws, (1, 2, 3), luck), Frame("lag", "strict", draws, (1, 2, 3), luck + effect[:, None]))


def test_a_verdict_says_where_the_sign_flips() -> None:
    x = np.random.default_rng(6).random(200)
    base, strict = two_frames(1.0 - x / 0.8, {"elasticity": x.tolist(), "other": x[::-1].tolist()})
    found = verdict(base, strict)
    assert found.thresholds[0].factor == "elasticity"
    assert found.thresholds[0].at == pytest.approx(0.8, abs=0.02)
    assert str(found).startswith("strict raises lag against base by")
    assert "the sign flips if elasticity exceeds 0." in str(found)
    assert "(in 100% of those draws, 0% of the others)" in str(found)


def test_a_verdict_that_holds_everywhere() -> None:
    x = np.linspace(0, 1, 20)
    assert str(verdict(*two_frames(1 + x, {"x": x.tolist()}))) == "strict raises lag against base in all 20 draws"


# --- attribution ---


def test_shapley_shares_and_interactions_are_the_known_ones_on_shared_luck(tmp_path: Path) -> None:
    players = {name: Policy(settings={name: 1}) for name in "abc"}
    store = done(tmp_path, design(policies=policies(players, {}), uncertainties={}, constants={}, seeds=5), "levers")
    by_policy = frames(store, "y_end")
    found = attribute("y_end", {one: by_policy[words_of(one)].values[0] for one in coalitions(players)})
    assert {name: share.value for name, share in found.shares.items()} == pytest.approx({"a": 2.5, "b": 3.5, "c": 4.0})
    assert found.interactions["a", "b"].value == pytest.approx(3.0)
    assert found.interactions["a", "c"].value == pytest.approx(0.0, abs=1e-9)
    assert found.whole.value == pytest.approx(10.0)
    assert found.residual == pytest.approx(0.0, abs=1e-9)


@given(st.integers(1, 4), st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_shares_add_up_and_a_lever_that_does_nothing_gets_nothing(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = "abcd"[:n]
    worth: dict[Coalition, np.ndarray] = {one: rng.normal(size=3) for one in coalitions(names)}
    with_idle = {frozenset(one): worth[frozenset(set(one) - {"idle"})] for one in coalitions([*names, "idle"])}
    found = attribute("y", with_idle)
    assert abs(found.residual) < 1e-9
    assert found.shares["idle"].value == pytest.approx(0.0, abs=1e-12)


def test_rules_left_out_are_those_whose_group_is_not_in_the_coalition() -> None:
    found = policies({}, {"chips": ("R1", "R2"), "tools": ("R3",)})
    assert found["none"].settings == {"rules.without": ["R1", "R2", "R3"]}
    assert found["chips"].settings == {"rules.without": ["R3"]}
    assert found["chips + tools"].settings == {}
    with pytest.raises(UsageError, match="1 to 8 levers, not 9"):
        coalitions("abcdefghi")


# --- stopping, pairing, search ---


def test_seeds_are_added_until_the_interval_is_narrow_enough(tmp_path: Path) -> None:
    store = begin(tmp_path, design(uncertainties={}, constants={"noise": 1.0, "x1": 1.0}, seeds=10))
    looks = []
    seen = run_until(store, Goal.parse("y_end ±0.25"), 400, lambda: carry(store), looks.append)
    assert seen.half_width <= 0.25 < looks[-2].half_width
    assert 30 < seen.seeds < 150
    assert len(store.status_by_run()) == seen.seeds


def test_seeds_run_out_at_the_most(tmp_path: Path) -> None:
    store = begin(tmp_path, design(uncertainties={}, constants={"noise": 1.0}, seeds=10))
    assert run_until(store, Goal.parse("y_end +-0.001"), 25, lambda: carry(store), lambda seen: None).seeds == 25


def test_a_goal_needs_a_width_and_one_draw(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no goal"):
        Goal.parse("lag_months 0.2")
    with pytest.raises(UsageError, match="one draw"):
        look(done(tmp_path), Goal("y_end", 1.0))


def test_half_widths_cover_the_mean_as_often_as_they_say() -> None:
    samples = np.random.default_rng(8).normal(size=(2000, 12))
    covered = [abs(row.mean()) <= half_width(row) for row in samples]
    assert 0.935 < np.mean(covered) < 0.965


def test_bootstrap_intervals_cover_about_as_often_as_they_say() -> None:
    samples = np.random.default_rng(9).normal(size=(120, 40))
    assert np.mean([inside(bootstrap(row), 0.0) for row in samples]) > 0.86


def test_shared_luck_is_worth_what_it_takes_away() -> None:
    rng = np.random.default_rng(4)
    luck, own = rng.normal(size=(2, 4000))
    assert variance_factor(luck, luck + 0.1 * own + 1) == pytest.approx(201, rel=0.1)
    assert variance_factor(luck, own) == pytest.approx(1, rel=0.1)
    assert variance_factor(luck, luck + 1) == math.inf or variance_factor(luck, luck + 1) > 1e20
    found = paired(luck, luck + 0.1 * own + 1)
    assert found.difference.value == pytest.approx(float((0.1 * own).mean()) + 1)
    assert found.difference.high - found.difference.low < 0.01
    assert found.positive_share == 1.0


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=20))
def test_the_front_is_what_nothing_beats(costs: list[tuple[int, int]]) -> None:
    slow = [not any(all(a <= b for a, b in zip(other, one, strict=True)) and other != one for other in costs) for one in costs]
    assert unbeaten(np.array(costs, dtype=float)).tolist() == slow


def test_search_refines_between_the_points_of_the_front(tmp_path: Path) -> None:
    said = design(
        uncertainties={},
        constants={},
        seeds=3,
        levers={"x": [0.0, 1.0, 2.0], "w": [0.0, 1.0]},
        outcomes={"gain": "y@2024-W02", "cost": "y@2024-W03"},
    )
    front = search(said, (Aim("gain", True), Aim("cost", False)), 1, tmp_path, carry, "tests.experiments.toys:trade_off")
    assert {option.setting for option in front.best} == {(x, 0.0) for x in (0.0, 0.5, 1.0, 1.5, 2.0)}
    assert all(option.stays_share == 1.0 for option in front.best)
    assert {option.setting for option in front.options if not option.on_front} >= {(0.0, 1.0), (2.0, 1.0)}
    with pytest.raises(UsageError, match="2 or 3 levers"):
        search(design(), (Aim("gain", True), Aim("cost", False)), 1, tmp_path, carry)


# --- outcomes ---


@pytest.mark.parametrize(
    ("text", "value"),
    [("y", 3.0), ("y@2024-W02", 1.0), ("y:max", 3.0), ("y:mean", 1.5), ("y:sum", 6.0), ("y@2024-W01:last", 0.0)],
)
def test_an_outcome_is_read_as_it_says(text: str, value: float) -> None:
    assert Outcome.parse(text).read(Toy(np.arange(4.0))) == value


@pytest.mark.parametrize("text", ["", "y@", "y[vendor]", "y:median", "two words"])
def test_an_outcome_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Outcome.parse(text)


def test_an_outcome_names_what_it_does_not_know() -> None:
    with pytest.raises(UsageError, match='y has no dimension "vendor"'):
        Outcome.parse("y[vendor=nvidia]").read(Toy(np.arange(4.0)))
    with pytest.raises(UsageError, match="is no window"):
        Outcome.parse("y@someday").read(Toy(np.arange(4.0)))


def test_pairs_of_frames_share_seeds(tmp_path: Path) -> None:
    store = done(tmp_path, design(policies={"base": {}, "more": {"x3": 1.0}}, seeds=3))
    found = frames(store, "y_end")
    assert found["base"].seeds == found["more"].seeds == (1, 2, 3)
    assert [draw.factors for draw in found["base"].draws] == [draw.factors for draw in found["more"].draws]
    assert len(list(itertools.chain(*(frame.values for frame in found.values())))) == 60
