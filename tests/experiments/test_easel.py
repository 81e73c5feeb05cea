"""The easel writes and draws what a run's own process would, in another process or, where that is gone, here."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.easel import Easel
from experiments.pictures import pictures
from experiments.report import marks_of
from experiments.tidy import Tidy
from sim.results import Result
from tests.fake_record import FakeScenario, fake_record


@pytest.fixture(scope="module")
def result() -> Result:
    return Result.from_record(fake_record(), FakeScenario(), 1, name="fake")


def read(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.parquet")}


def test_the_easel_writes_and_draws_the_same_even_when_its_process_dies(result: Result, tmp_path: Path) -> None:
    tables, marks = result.tables(), marks_of(result)
    tables.write(tmp_path / "here")
    here = pictures(Tidy(tables.timeseries, tables.clock), marks)
    with Easel() as easel:
        assert easel.begin(result.tables(), marks, tmp_path / "there")() == here
        waiting = easel.begin(result.tables(), marks, tmp_path / "then")
        for process in easel._pool._processes.values():
            process.kill()
        assert waiting() == here
        assert easel.begin(result.tables(), marks, tmp_path / "after")() == here
    assert read(tmp_path / "here") == read(tmp_path / "there") == read(tmp_path / "then") == read(tmp_path / "after")


def test_what_cannot_be_written_is_told_to_who_waits(result: Result, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with Easel() as easel, pytest.raises(OSError, match="file"):
        easel.begin(result.tables(), marks_of(result), tmp_path / "file")()
