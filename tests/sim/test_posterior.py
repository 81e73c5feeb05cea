"""Posterior: a scenario that names one starts from its centre, its heirs with it; whoever says a value after it wins; an ensemble
takes draws by seed; one fitted on something else is left out and says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sim.errors import ScenarioError
from sim.posterior import UNFITTED
from sim.scenario_io import dumps, load, read_layers, read_posterior, shipped_folder, shipped_names

PATH = "behaviour.impatience_share_per_month"
OTHER = "behaviour.credit_multiple"
BASE = "teaching/rush"


def posterior(**words: Any) -> dict[str, Any]:
    return {"schema": 1, "scenario": BASE, "hash": load(BASE).hash, "facts": "f", "cutoff": "2025-05-01", "sources": "s",
            "waves": 1, "runs": 3, "centre": {PATH: 0.11, OTHER: 2.5},
            "draws": [{PATH: 0.08, OTHER: 2.0}, {PATH: 0.12, OTHER: 3.0}], **words}


@pytest.fixture
def heir(tmp_path: Path) -> Path:
    """A scenario that extends one which names a posterior beside it."""
    (tmp_path / "fit.yaml").write_text(dumps(posterior()))
    (tmp_path / "base.yaml").write_text(f"schema: 1\nextends: {BASE}\nposterior: fit\n")
    (tmp_path / "heir.yaml").write_text("schema: 1\nextends: base\n"
                                        "levers: {hasty: {behaviour: {impatience_share_per_month: 0.13}}}\n")
    return tmp_path / "heir.yaml"


def test_heirs_start_from_the_centre_with_range_and_place(heir: Path) -> None:
    scenario, before = load(heir), load(BASE).behaviour.impatience_share_per_month
    value = scenario.behaviour.impatience_share_per_month
    assert value.value == 0.11 and (value.low, value.high, value.source) == (before.low, before.high, before.source)
    assert scenario.where(PATH).split("/")[-1].startswith("fit.yaml:")
    assert scenario.posterior.hash and scenario.hash != load(BASE).hash


def test_draws_go_by_seed_and_round_again(heir: Path) -> None:
    fitted = load(heir).posterior
    assert fitted.settings(1) == fitted.settings(3) == (f"{OTHER}=2.0", f"{PATH}=0.08")
    assert fitted.settings(2) == (f"{OTHER}=3.0", f"{PATH}=0.12")


@pytest.mark.parametrize("overrides", [(f"{PATH}=0.09",), (f"{PATH}.value=0.09",), ("hasty",)])
def test_whoever_speaks_later_wins_in_every_draw(heir: Path, overrides: tuple[str, ...]) -> None:
    scenario = load(heir, overrides)
    assert scenario.behaviour.impatience_share_per_month.value in (0.09, 0.13)
    assert scenario.posterior.settings(1) == (f"{OTHER}=2.0",)


def test_a_later_file_wins_in_every_draw(heir: Path) -> None:
    (heir.parent / "last.yaml").write_text("schema: 1\nextends: heir\nbehaviour: {credit_multiple: 1.6}\n")
    scenario = load(heir.parent / "last.yaml")
    assert scenario.behaviour.credit_multiple.value == 1.6 and scenario.posterior.settings(1) == (f"{PATH}=0.08",)


def test_one_fitted_on_something_else_is_left_out_and_says_so(heir: Path) -> None:
    (heir.parent / "base.yaml").write_text(f"schema: 1\nextends: {BASE}\nposterior: fit\nbehaviour: {{run_weeks: 12}}\n")
    scenario = load(heir)
    assert scenario.behaviour.impatience_share_per_month == load(BASE).behaviour.impatience_share_per_month
    assert "is left out: it was fitted on teaching/rush" in scenario.posterior.note and not scenario.posterior.settings(1)


def test_one_that_is_not_there_is_told(heir: Path) -> None:
    (heir.parent / "fit.yaml").unlink()
    assert 'the posterior "fit" is no file' in load(heir).posterior.note
    assert load(BASE).posterior == UNFITTED


def test_a_faulty_one_is_told_with_its_key(heir: Path) -> None:
    (heir.parent / "fit.yaml").write_text(dumps(posterior(draws=[{PATH: 0.08}])))
    with pytest.raises(ScenarioError, match="draw 1 has other parameters than the centre"):
        load(heir)
    (heir.parent / "fit.yaml").write_text(dumps(posterior(runs="many")))
    with pytest.raises(ScenarioError, match=r"line \d+  runs: does not do"):
        load(heir)


def test_it_can_be_left_aside(heir: Path) -> None:
    from sim.scenario_io import assembled

    assert assembled(read_layers(heir, unfitted=True)).behaviour == load(BASE).behaviour


def test_history_and_its_heirs_name_the_shipped_one() -> None:
    """Where it ships, it is the one fitted on history as it stands."""
    file = shipped_folder() / "posterior.yaml"
    fitted = load("history").posterior
    assert "posterior" not in shipped_names() and fitted != UNFITTED
    assert not file.is_file() or (fitted.hash == read_posterior(file).content == load("no-controls").posterior.hash)
