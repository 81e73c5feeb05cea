"""The report of a run: it opens offline, says what the tables say, and every figure is a claim that holds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from experiments import charts
from experiments.rebuild import rebuild
from experiments.report import embedded, run_report
from experiments.tidy import Tidy, periods
from sim.errors import UsageError
from sim.results import Result
from sim.tables import Rest, Tables
from tests.fake_record import FakeScenario, fake_record


@pytest.fixture(scope="module")
def result() -> Result:
    return Result.from_record(fake_record(), FakeScenario(), 1, name="fake", overrides=("a.b=1",))


@pytest.fixture(scope="module")
def page(result: Result) -> str:
    return run_report(result)


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_it_asks_the_network_for_nothing(page: str) -> None:
    asks = [
        (tag, said)
        for tag, attributes in Tags(page).found
        for said in (attributes.get("src"), attributes.get("href"), attributes.get("xlink:href"))
        if said
    ]
    assert all(said.startswith("#") for _, said in asks)
    assert "@import" not in page and "url(http" not in page


def test_charts_scale_and_keep_their_ids_apart(page: str) -> None:
    assert page.count("<svg") >= 8
    for drawn in re.findall(r"<svg[^>]*>", page):
        assert "viewBox" in drawn and ' width="' not in drawn
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_every_figure_is_a_claim_that_holds(page: str, result: Result) -> None:
    said = re.search(r'<script type="application/json" id="chokepoint-claims">(.*?)</script>', page, re.DOTALL)
    assert said
    claims = json.loads(said[1])
    assert len(claims) > 20
    for claim in claims:
        assert claim["scenario"] == "fake" and claim["overrides"] == ["a.b=1"] and claim["seeds"] == [1]
        assert result.read(claim["metric"], claim["window"], **claim["filters"]) == claim["value"]
        assert result.panel(claim["metric"]).over_time == claim["statistic"]
        assert f'id="{claim["id"]}"' in page


def test_it_says_what_was_changed_and_how_to_repeat_it(page: str, result: Result) -> None:
    assert "chokepoint run fake --seed 1 --set a.b=1" in page
    assert result.hash in page and "@software{chokepoint" in page
    assert "RULE_2022_10" in page and "Advanced computing rule" in page


def test_names_cannot_break_out_of_the_page() -> None:
    record = fake_record()
    nasty = "</script><script>alert(1)</script>"
    record.events[1] = record.events[1]._replace(text=nasty)
    page = run_report(Result.from_record(record, FakeScenario(), 1, name=nasty))
    assert "<script>alert" not in page
    assert json.loads(re.search(r">(.*)<", embedded("x", {"a": nasty}))[1]) == {"a": nasty}  # type: ignore[index]


def test_the_folder_gives_the_same_page(result: Result, tmp_path: Path) -> None:
    @contextmanager
    def with_report(tables: Tables, folder: Path) -> Iterator[Rest]:
        tables.write(folder)
        yield lambda manifest: {"report.html": run_report(result).encode()}

    folder = result.write(tmp_path / "run", fill=with_report)
    before = (folder / "report.html").read_text()
    (folder / "report.html").unlink()
    assert rebuild(folder).read_text() == before
    assert sorted(path.name for path in folder.iterdir()) == [
        "events",
        "manifest.json",
        "report.html",
        "scenario.json",
        "timeseries",
    ]


def test_a_spoilt_folder_is_told(result: Result, tmp_path: Path) -> None:
    folder = result.write(tmp_path / "run")
    (folder / "timeseries" / f"{result.run_id}.parquet").write_bytes(b"PAR1")
    with pytest.raises(UsageError, match="chokepoint run"):
        rebuild(folder)


def test_a_run_with_nothing_in_it_has_a_page() -> None:
    record = fake_record(30)
    record.trades = {name: column[:0] for name, column in record.trades.items()}
    empty = replace(record, state={name: np.zeros_like(values) for name, values in record.state.items()}, events=[])
    assert "Where the numbers come from" in run_report(Result.from_record(empty, FakeScenario(), 1))


@pytest.mark.parametrize("level", ["headline", "full"])
def test_every_recording_level_has_a_page(level: str) -> None:
    page = run_report(Result.from_record(fake_record(), FakeScenario(), 1, level))  # type: ignore[arg-type]
    assert page.count("<svg") >= 4


def test_tidy_reads_back_what_the_panels_hold(result: Result) -> None:
    tidy = Tidy(result.table(), result.clock)
    got = tidy.lines("delivered_h100e", "channel", region="CN")
    panel = result.panel("delivered_h100e").select(region="CN").by("channel")
    assert got.labels == tuple(key[0] for key in panel.keys)
    np.testing.assert_allclose(np.nan_to_num(got.values), panel.values)
    days, values = got.per("quarter", result.clock)
    assert len(days) == len(periods("quarter", result.clock)) == 8
    np.testing.assert_allclose(values[:, 3], panel.over(result.clock.window("2022Q4")))


def test_near_marks_share_a_number() -> None:
    marks = [charts.Mark("2022-10-01", 1), charts.Mark("2022-10-20", 2), charts.Mark("2023-10-17", 3)]
    text = json.dumps(charts.lines([marks_day(1), marks_day(2)], {"a": [1.0, float("nan")]}, "x", marks=marks))
    assert '"1\\u20132"' in text and '"3"' in text and "NaN" not in text


def marks_day(month: int) -> object:
    from datetime import date

    return date(2022, 9 + month, 1)
