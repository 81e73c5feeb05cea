"""query: SQL over a folder's results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from experiments import console
from experiments.common import options


@click.command("query")
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("sql")
@options("json", "quiet")
def command(folder: Path, sql: str, as_json: bool, quiet: bool) -> None:
    """Answer SQL (duckdb) over FOLDER: views runs, timeseries and failures.

    chokepoint query runs/history-ensemble "select seed, max(value) from timeseries where metric = 'lag_months' group
    by seed"
    """
    from experiments.store import Store

    answer = Store.open(folder).query(sql)
    rows = answer.to_pylist()
    console.tell(rows, as_json, _text(answer.column_names, rows))


def _text(names: list[str], rows: list[dict[str, Any]]) -> str:
    return console.table(names, [[_said(row[name]) for name in names] for row in rows])


def _said(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else "" if value is None else str(value)
