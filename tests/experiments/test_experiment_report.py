"""The page of an experiment: every mean is a claim with its runs, and what was asked of the folder is on it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from experiments import questions
from experiments.cli import main
from experiments.design import Design
from experiments.experiment_report import claims, experiment_report, index_pictures
from experiments.rebuild import citable, rebuild
from experiments.search import Aim, front_of, search
from experiments.store import Store
from experiments.verify import page_is_whole, read_claims, verify
from sim.errors import UsageError
from tests.experiments.workshop import SEQUENTIAL, carry, design, done

SHORT = "2030-05-06"
WORLD = {
    "scenario": "teaching/scarcity",
    "constants": {"time.end": SHORT},
    "policies": {"base": {}, "no-rule": "no-rule"},
    "sampling": {"kind": "lhs", "n": 3, "seed": 1},
    "uncertainties": {"behaviour.impatience_share_per_month": {"low": 0.06, "high": 0.14}},
    "outcomes": {"lag": "lag_months", "licensed": "licensed_h100e_cumulative[region=CN]:last"},
    "seeds": 2,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from experiments import batch

    store = batch.start(Design.model_validate(WORLD), tmp_path_factory.mktemp("experiment") / "scarcity")
    carry(store)
    return store.folder


def titles(page: str) -> list[str]:
    return re.findall(r"<h[23]>(.*?)</h[23]>", page)


def test_the_page_has_levels_differences_fans_and_a_tornado(folder: Path) -> None:
    page = rebuild(folder).read_text(encoding="utf-8")
    shown = titles(page)
    assert {"Outcomes", "Differences to base", "lag_months", "lag: differences to base", "lag: what matters (base)"} <= set(shown)
    assert "behaviour.impatience_share_per_month drawn from 0.06 to 0.14" in page
    assert f"time.end = {SHORT}" in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert not re.search(r'(src|href)="(?!#)', page.split("<pre>")[0])


def test_verify_runs_again_every_run_behind_a_mean(folder: Path) -> None:
    rebuild(folder)
    stated = read_claims(folder / "report.html")
    assert {claim.id for claim in stated} == {f"{name}-{policy}" for name in ("lag", "licensed") for policy in ("base", "no-rule")}
    assert all(len(claim.jobs) == 6 for claim in stated)
    one = next(claim for claim in stated if claim.id == "licensed-base")
    assert verify([one], 1)[0].holds
    swapped = (one.values[0] + 1, one.values[1] - 1, *one.values[2:])
    assert "2 of its 6 runs" in verify([type(one)(**{**vars(one), "values": swapped})], 1)[0].error


def test_a_number_changed_on_the_page_is_seen_though_its_claims_hold(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = rebuild(folder)
    assert page_is_whole(page)
    monkeypatch.setattr("experiments.verify.verify", lambda *_: [])
    assert main(["verify", str(page), "--quiet"]) == 0
    text = page.read_text(encoding="utf-8")
    cell = re.search(r"<td>(\d+\.\d+)</td>", text)
    assert cell
    page.write_text(text.replace(cell[1], f"1{cell[1]}", 1), encoding="utf-8")
    assert main(["verify", str(page), "--quiet"]) == 4
    assert "the page was changed after it was written" in capsys.readouterr().out
    page.write_text(text.replace("chokepoint-seal", "no-seal", 1), encoding="utf-8")
    assert not page_is_whole(page)


def test_every_finding_leads_to_its_row_and_every_claim_has_one(folder: Path) -> None:
    page = rebuild(folder).read_text(encoding="utf-8")
    ids = set(re.findall(r'\bid="([^"]+)"', page))
    leads = re.findall(r'href="#([^"]+)"', page)
    assert leads and set(leads) <= ids
    assert {claim.id for claim in read_claims(folder / "report.html")} <= ids


def test_the_design_on_the_page_is_the_design(folder: Path) -> None:
    import html

    text = re.search(r"<h2>The design</h2>.*?<pre>(.*?)</pre>", experiment_report(folder), re.DOTALL)
    assert text is not None
    assert Design.model_validate(json.loads(html.unescape(text[1]))) == Store.open(folder).design


def test_a_folder_without_a_finished_run_has_no_page(folder: Path, tmp_path: Path) -> None:
    from experiments import batch

    batch.start(Design.model_validate(WORLD), tmp_path / "empty")
    with pytest.raises(UsageError, match="no outcome of a finished run"):
        rebuild(tmp_path / "empty")
    assert citable(folder)["seeds"] == [1, 2]


def test_a_question_asked_is_on_the_page_and_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        capsys.readouterr()
        assert main(["discover", str(folder), "--effect", "licensed", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["says"]
    assert len(questions.kept(folder, "effect")) == 1
    assert said in experiment_report(folder)
    (folder / "questions.json").write_text("[1]")
    with pytest.raises(UsageError, match="ask again"):
        experiment_report(folder)
    (folder / "questions.json").unlink()


def test_attributed_shares_are_drawn(tmp_path: Path) -> None:
    words = ["attribute", "teaching/scarcity", "--rules", "rule=US_CHIP_RULE", "--lever", "no-thrift", "--outcome", "lag_months"]
    assert main([*words, "--seeds", "1", "--engine", "sequential", "--quiet", "--out", str(tmp_path / "out")]) == 0
    assert "lag_months: each lever&#39;s share" in experiment_report(tmp_path / "out")


def test_a_search_has_a_page_with_its_front(tmp_path: Path) -> None:
    levers = {"behaviour.scarcity_thrift_share": [0.1, 0.3], "behaviour.impatience_share_per_month": [0.06, 0.14]}
    said = Design.model_validate(
        {**WORLD, "policies": {"base": {}}, "sampling": {}, "uncertainties": {}, "seeds": 1, "levers": levers}
    )
    aims = (Aim("lag", True), Aim("licensed", False))
    found = search(said, aims, 0, tmp_path, lambda store: carry(store, SEQUENTIAL))
    assert front_of(tmp_path) == found
    page = rebuild(tmp_path).read_text(encoding="utf-8")
    assert {"The Pareto front", "Every setting tried"} <= set(titles(page))
    assert len(read_claims(tmp_path / "report.html")) == 8
    with pytest.raises(UsageError, match="no observable"):
        wrong = said.model_copy(update={"outcomes": {"lag": "lag_moths"}})
        search(wrong, (Aim("lag", True), Aim("licensed", False)), 0, tmp_path / "none", lambda store: carry(store, SEQUENTIAL))
    assert not (tmp_path / "none").exists()
    with pytest.raises(UsageError, match="holds no search"):
        front_of(tmp_path / "round-0")


@pytest.mark.parametrize(("kind", "words"), [("sobol", "Sobol indices"), ("morris", "Morris screening")])
def test_indices_are_drawn_with_their_numbers(kind: str, words: str, tmp_path: Path) -> None:
    three = {f"x{i}": {"low": -3.0, "high": 3.0} for i in (1, 2, 3)}
    store = done(tmp_path / kind, design(uncertainties=three, sampling={"kind": kind, "n": 8}, constants={}, seeds=1))
    (picture,) = index_pictures(store)
    assert words in picture.note and "<svg" in picture.svg
    assert {row[0] for row in picture.rows} == set(three)
    assert claims(store) == []


def test_a_design_with_a_wrong_name_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    from experiments import batch
    from sim.errors import ScenarioError

    wrong = {**WORLD, "uncertainties": {"behaviour.impatience": {"low": 0.06, "high": 0.14}}}
    with pytest.raises(ScenarioError, match="impatience"):
        batch.start(Design.model_validate(wrong), tmp_path / "out")
    assert not (tmp_path / "out").exists()
