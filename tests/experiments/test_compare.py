"""Comparisons: paired differences, where two worlds part, and what is left when runs fail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sim
from experiments import compare
from experiments.compare import WHOLE, Comparison, Failure, Side, comparison, jobs_of, plain, read_all, write
from experiments.compare_report import parting_lines
from experiments.comparing import say, show_matrix
from experiments.gallery import DRAWN, PAGE, write_gallery
from experiments.numbers import said_difference
from experiments.rebuild import rebuild
from experiments.summary import console
from sim.errors import InvariantError, UsageError
from sim.headline import figures_of
from sim.results import Result
from tests.fake_record import FakeScenario, fake_record

A, B = Side("leaky"), Side("tight")


def fake_run(scenario: str, settings: tuple[str, ...], seed: int, *_: Any) -> Result:
    """A made-up run: `tight` leaks half, and every seed leaks a little more."""
    if scenario == "broken" and seed == 2:
        raise InvariantError("tick 31: 2 chips too many")
    leak = {"leaky": 1.0, "tight": 0.5, "broken": 0.5}[scenario] + 0.1 * seed
    return Result.from_record(fake_record(leak=leak), FakeScenario(), seed, name=scenario)


@pytest.fixture(autouse=True)
def made_up_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "run_one", fake_run)


def made(a: Side = A, b: Side = B, seeds: tuple[int, ...] = (1, 2, 3)) -> Comparison:
    return comparison(a, b, seeds, read_all(jobs_of((a, b), seeds), 1, lambda done, whole: None))


@pytest.fixture(scope="module")
def found() -> Comparison:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compare, "run_one", fake_run)
        return made()


def test_the_difference_is_paired(found: Comparison) -> None:
    line = found.line("grey_compute")
    assert line is not None
    each = [
        fake_run(name, (), seed).read("delivered_h100e", "", country="CN", channel="grey") / 1e3
        for seed in (1, 2, 3)
        for name in ("leaky", "tight")
    ]
    differences = np.array(each[1::2]) - np.array(each[::2])
    assert line.difference.difference.value == pytest.approx(differences.mean())
    assert line.difference.difference.low <= differences.mean() <= line.difference.difference.high < 0


def test_what_does_not_differ_is_zero(found: Comparison) -> None:
    for line in found.lines:
        if line.figure.name in ("domestic_compute", "lag", "charges"):
            interval = line.difference.difference
            assert interval.value == interval.low == interval.high == 0


def test_years_and_the_whole_run_are_there(found: Comparison) -> None:
    assert {line.window for line in found.lines} == {WHOLE, "2022", "2023"}


def test_where_they_part_is_the_first_event_that_differs(found: Comparison) -> None:
    assert found.parting is not None
    assert found.parting.date == "2022-12-12"
    assert found.parting.only_a[0].startswith("smuggled: hub_sg H100 (tencent) 11 chips")
    assert found.parting.only_b[0].startswith("smuggled: hub_sg H100 (tencent) 6 chips")
    assert found.parting.trade.startswith("2022-10-10: ")
    assert "leaky" in " ".join(parting_lines(plain(found)))


def test_equal_worlds_do_not_part() -> None:
    assert made(A, A).parting is None


def test_readings_come_in_the_order_of_the_jobs() -> None:
    jobs = jobs_of((A, B), (1, 2))
    assert [(job.side.name, job.seed, job.traced) for job in jobs] == [
        ("leaky", 1, True),
        ("tight", 1, True),
        ("leaky", 2, False),
        ("tight", 2, False),
    ]
    assert list(read_all(jobs, 1, lambda done, whole: None)) == jobs


def test_two_processes_read_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    jobs = jobs_of((Side("teaching/rush"),), (1, 2))
    told: list[int] = []
    alone, together = (read_all(jobs, workers, lambda done, whole: told.append(done)) for workers in (1, 2))
    assert told == [1, 2, 1, 2]
    for job in jobs:
        one, other = alone[job], together[job]
        assert not isinstance(one, Failure) and not isinstance(other, Failure)
        assert one.hash == other.hash and one.values.tobytes() == other.values.tobytes()


def test_a_failed_run_takes_no_other_with_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    broken = made(A, Side("broken"))
    assert broken.seeds == (1, 3)
    assert broken.failures == (Failure("tick 31: 2 chips too many", "chokepoint run broken --seed 2"),)
    assert say([broken], tmp_path, False, False, False, print) == 4
    assert "chokepoint run broken --seed 2" in capsys.readouterr().err


def test_no_pair_at_all_is_an_error() -> None:
    with pytest.raises(UsageError, match="tick 31"):
        made(A, Side("broken"), (2,))


def test_scenarios_of_other_weeks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def short(scenario: str, settings: tuple[str, ...], seed: int, *_: Any) -> Result:
        return Result.from_record(fake_record(60 if scenario == "tight" else 104), FakeScenario(), seed, name=scenario)

    monkeypatch.setattr(compare, "run_one", short)
    with pytest.raises(UsageError, match="same weeks"):
        made()


def test_the_folder_holds_the_comparison_and_its_page_can_be_rebuilt(found: Comparison, tmp_path: Path) -> None:
    write(found, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "comparison.json",
        "manifest.json",
        "report.html",
    ]
    page = (tmp_path / "out" / "report.html").read_text()
    assert rebuild(tmp_path / "out").read_text() == page
    assert "tight against leaky" in page and page.count("<svg") >= 3 and "Where the two worlds part" in page
    data = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert data["seeds"] == [1, 2, 3] and data["lines"]


def test_claims_are_means_over_the_seeds(found: Comparison) -> None:
    from experiments.compare_report import claims

    said = {claim["id"]: claim for claim in claims(plain(found))}["grey_compute-2023-b"]
    runs = [
        fake_run("tight", (), seed).read(said["metric"], said["window"], **said["filters"]) for seed in said["seeds"]
    ]
    assert said["scenario"] == "tight" and said["value"] == pytest.approx(np.mean(runs))


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.0, 1, "0"),
        (-0.0123, 1, "-0.012"),
        (0.0004, 1, "+0"),
        (4.26, 1, "+4.3"),
        (-12345.6, 1, "-12,346"),
        (float("nan"), 0, "–"),
        (0.4, 0, "+0.40"),
    ],
)
def test_a_difference_keeps_its_sign_and_two_figures(value: float, digits: int, text: str) -> None:
    assert said_difference(value, digits) == text


def test_the_screen_is_eighty_columns(found: Comparison, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert say([found], tmp_path, False, False, False, print) == 0
    show_matrix([found, found], console())
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert not any("…" in line for line in lines if "k H100e" in line or "USD" in line)


def test_the_gallery_says_of_every_world_what_it_changes_and_where_it_parts(found: Comparison, tmp_path: Path) -> None:
    same = made(A, Side("leaky", ("seed=1",)))
    page = write_gallery([found, same], tmp_path)
    assert page == tmp_path / PAGE and [path.name for path in tmp_path.iterdir()] == [PAGE]
    text = page.read_text(encoding="utf-8")
    line = found.line("grey_compute")
    assert line is not None
    assert f"<b>{said_difference(line.difference.difference.value, line.figure.digits)}*</b>" in text
    assert "2022-12-12" in text and "the two logs are the same" in text
    assert all(f"<td>{one.b.name}</td>" in text for one in (found, same))


def test_the_gallery_covers_what_is_asked_of_it() -> None:
    """Every group of figures has its table, welfare by party among them; every figure with a chart is one that exists."""
    result = sim.run(sim.load("teaching/rush"), 1)
    names = {figure.name for figure in (*figures_of(result.record), *compare._more_figures(result))}
    assert set(DRAWN) <= names
    assert {f"welfare_{party}" for party in result.record.names["party"]} <= names
    assert {"lag", "military_weeks", "charges", "lost_sales", "smuggled_chips", "domestic_share"} <= names
