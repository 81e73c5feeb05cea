"""Results: tables, readings, identity and the folder of a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from sim.errors import UsageError
from sim.results import Result, check_replaceable, write_folder
from sim.tables import Rest, Tables
from tests.fake_record import FakeScenario, fake_record


@pytest.fixture(scope="module")
def result() -> Result:
    return Result.from_record(fake_record(), FakeScenario(), 1, name="fake")


def test_the_tidy_table_holds_every_series(result: Result) -> None:
    table = result.table("full").to_pandas()
    kept = table[(table.metric == "units_delivered") & (table.basis == "ship_to")]
    assert kept.value.sum() == result.panel("units_delivered").select(basis="ship_to").values.sum()
    row = kept[(kept.actor == "tencent") & (kept.chip == "A100")].iloc[0]
    assert (row.vendor, row["from"], row["to"], row.region, row.unit) == ("nvidia", "US", "CN", "CN", "chips")
    assert row.date == result.clock.date_of(row.tick)


def test_a_dimension_a_metric_lacks_is_null(result: Result) -> None:
    table = result.table("full").to_pandas()
    lag = table[table.metric == "lag_months"]
    assert len(lag) == result.clock.n_ticks
    assert lag[["vendor", "chip", "to"]].isna().all().all()


def test_weeks_without_a_value_have_no_row(result: Result) -> None:
    table = result.table("full").to_pandas()
    assert not table.value.isna().any()
    assert table[table.metric == "grey_premium"].tick.min() == 40


def test_levels_are_refused_by_name() -> None:
    with pytest.raises(UsageError, match='did you mean "standard"'):
        Result.from_record(fake_record(4), FakeScenario(), 1, "standart")  # type: ignore[arg-type]


def test_an_unknown_observable_names_a_near_one(result: Result) -> None:
    with pytest.raises(UsageError, match="lag_months"):
        result.panel("lag_month")


def test_read_is_one_number(result: Result) -> None:
    assert result.read("writedown_usd", "2022", vendor="nvidia") == 4.5e8
    assert result.read("writedown_usd", "2023") == 0.0
    assert result.read("units_delivered", "2022", to="JP") == 0.0
    assert np.isnan(result.read("grey_premium", "2022Q1"))
    assert result.read("revenue_usd", "nvidia:FY23Q2", vendor="nvidia", basis="bill_to") > 0
    for bad in ({"window": "2022Q5"}, {"colour": "red"}):
        with pytest.raises(UsageError, match="lag_months"):
            result.read("lag_months", **bad)  # type: ignore[arg-type]


def test_headline_figures_can_be_read_again(result: Result) -> None:
    head = result.headline()
    assert head.years == ("2022", "2023")
    for figure, readings in zip(head.figures, head.readings, strict=True):
        for year, reading in zip(head.years, readings, strict=True):
            again = result.read(figure.metric, year, **figure.filters)
            assert again == reading or (np.isnan(again) and np.isnan(reading))
    names = {figure.name for figure in head.figures}
    assert {
        "licensed_compute",
        "domestic_compute",
        "grey_compute",
        "rented_compute",
        "china_revenue_bill_to",
        "china_revenue_customer_hq",
        "charges",
        "grey_premium",
        "domestic_share",
        "lag",
        "military_weeks",
        "military_multiple",
    } <= names
    assert [ruling.rule for ruling in head.rulings["2022"]] == ["RULE_2022_10"]
    assert head.rulings["2022"][0].chain == 5
    json.dumps(head.plain(), allow_nan=False)


def test_the_hash_sees_one_bit(result: Result) -> None:
    assert result.hash == Result.from_record(fake_record(), FakeScenario(), 7).hash
    record = fake_record()
    record.state["lag_months"][50] = np.nextafter(record.state["lag_months"][50], 100)
    changed = Result.from_record(record, FakeScenario(), 1)
    differing = {name for name, said in changed.hashes.items() if said != result.hashes[name]}
    assert differing == {"lag_months"} and changed.hash != result.hash


def test_the_hash_sees_a_trade_and_an_event() -> None:
    record = fake_record()
    record.trades["share_cents"][3] += 1
    record.events[0] = record.events[0]._replace(text="another")
    before, after = (Result.from_record(found, FakeScenario(), 1).hashes for found in (fake_record(), record))
    assert {name for name in before if before[name] != after[name]} == {"trades", "events"}


def test_rows_are_hashed_by_name() -> None:
    """An actor more, before all others in the list, moves every row and no hash of a trade."""
    record = fake_record()
    names = {**record.names, "actor": ("aa_new", *record.names["actor"])}
    of = {name: values + 1 if name.endswith("_actor") else values for name, values in record.of.items()}
    trades = {**record.trades, "seller": record.trades["seller"] + 1, "buyer": record.trades["buyer"] + 1}
    moved = Result.from_record(replace(record, names=names, of=of, trades=trades), FakeScenario(), 1)
    assert moved.hashes == Result.from_record(record, FakeScenario(), 1).hashes


def test_a_folder_holds_the_run(result: Result, tmp_path: Path) -> None:
    @contextmanager
    def with_page(tables: Tables, folder: Path) -> Iterator[Rest]:
        tables.write(folder)
        yield lambda manifest: {"report.html": b"<html>"}

    folder = result.write(tmp_path / "run", "full", with_page)
    assert sorted(path.name for path in folder.iterdir()) == [
        "events",
        "manifest.json",
        "report.html",
        "scenario.json",
        "timeseries",
        "trades",
    ]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["hash"] == result.hash and manifest["seeds"] == [1] and manifest["scenario"]["name"] == "fake"
    assert {"versions", "lock", "platform", "code", "hashes", "headline"} <= set(manifest)
    events = pq.read_table(folder / "events" / f"{result.run_id}.parquet").to_pylist()
    assert [event["kind"] for event in events] == [event.kind for event in result.events]
    assert events[events[3]["cause"]]["kind"] == "queue_cancelled"
    trades = pq.read_table(folder / "trades" / f"{result.run_id}.parquet").to_pandas()
    assert len(trades) == len(result.record.trades["tick"])
    assert round(trades.paid_usd.sum() * 100) == result.record.trades["paid_cents"].sum()
    assert set(trades[trades.book == "spot"].lane) == {"grey MY-CN", "grey SG-CN"}
    assert trades[trades.book == "primary"].lane.isna().all()


def test_a_later_result_replaces_an_earlier_one_whole(result: Result, tmp_path: Path) -> None:
    result.write(tmp_path / "run", "full")
    result.write(tmp_path / "run", "headline")
    assert not (tmp_path / "run" / "trades").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_folder_of_something_else_is_left_alone(result: Result, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="other files"):
        result.write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_place_that_cannot_be_is_told_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "file", tmp_path / "file" / "deeper" / "run"):
        with pytest.raises(UsageError, match="choose another --out"):
            check_replaceable(place)
    check_replaceable(tmp_path / "new" / "deep" / "run")


def test_a_failed_write_leaves_the_earlier_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(tmp_path / "run", {"manifest.json": b"{}"})
    rename = os.replace

    def full(source: Path, target: Path) -> None:
        if str(source).endswith(".tmp"):
            raise OSError(28, "No space left on device")
        rename(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UsageError, match="No space left"):
        write_folder(tmp_path / "run", {"manifest.json": b"[]"})
    assert (tmp_path / "run" / "manifest.json").read_bytes() == b"{}"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_tables_are_written_without_pandas() -> None:
    """Importing pandas costs as much as half a run of a small world."""
    code = (
        "import sys, pathlib, tempfile\n"
        "from sim.results import Result\nfrom tests.fake_record import FakeScenario, fake_record\n"
        "folder = pathlib.Path(tempfile.mkdtemp()) / 'run'\n"
        "Result.from_record(fake_record(), FakeScenario(), 1).write(folder)\n"
        "assert 'pandas' not in sys.modules and 'mesa' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
