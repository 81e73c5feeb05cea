"""verify: whether every number of a report still holds."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from experiments import console
from experiments.common import Bar, options

if TYPE_CHECKING:
    from experiments.verify import Check


_CHANGED = (
    "but the page was changed after it was written: what it shows may differ from the numbers it was made of. "
    "Write it again: chokepoint report FOLDER"
)


@click.command("verify")
@click.argument("report", type=click.Path(path_type=Path))
@click.option(
    "--workers", type=click.IntRange(1), default=os.cpu_count() or 1, show_default="one a core", help="Processes."
)
@options("json", "quiet")
def command(report: Path, workers: int, as_json: bool, quiet: bool) -> int:
    """Run again what REPORT states, and say which of its numbers hold, and whether the page is as it was written. Exit code
    4 when one does not, or it is not."""
    from experiments.verify import page_is_whole, read_claims, verify

    claims, whole = read_claims(report), page_is_whole(report)
    bar = Bar(report.name, quiet or as_json, "runs")
    checks = verify(claims, workers, bar)
    bar.close()
    broken = [check for check in checks if not check.holds]
    data = {
        "report": str(report),
        "numbers": len(checks),
        "hold": len(checks) - len(broken),
        "broken": list(map(_data, broken)),
        "page_as_written": whole,
    }
    console.tell(data, as_json, _text(report, checks, broken) + ("" if whole else f"\n{_CHANGED}"))
    return console.SOME_FAILED if broken or not whole else 0


def _data(check: Check) -> dict[str, Any]:
    claim = check.claim
    now = None if math.isnan(check.now) else check.now
    return {"id": claim.id, "scenario": _scenario(check), "stated": claim.value, "now": now, "error": check.error}


def _scenario(check: Check) -> str:
    return ", ".join(dict.fromkeys(scenario for (scenario, _), _ in check.claim.jobs))


def _text(report: Path, checks: list[Check], broken: list[Check]) -> str:
    if not broken:
        return f"all {len(checks)} numbers of {report} hold"
    rows = [
        [check.claim.id, _scenario(check), f"{check.claim.value:.8g}", check.error or f"{check.now:.8g}"]
        for check in broken
    ]
    table = console.table(["number", "scenario", "stated", "now"], rows)
    return f"{len(broken)} of {len(checks)} numbers of {report} do not hold:\n{table}"
