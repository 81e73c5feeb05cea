"""export: results in the forms other tools read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from experiments import console
from experiments.common import options

if TYPE_CHECKING:
    from experiments.store import Store


@click.command("export")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--form",
    type=click.Choice(["parquet", "iamc", "ro-crate"]),
    required=True,
    help="parquet: one sorted table; iamc: yearly CSV for pyam; ro-crate: metadata beside the files.",
)
@click.option("--out", type=click.Path(path_type=Path), help="File to write; inside the folder when left out.")
@options("json", "quiet")
def command(folder: Path, form: str, out: Path | None, as_json: bool, quiet: bool) -> None:
    """Write FOLDER's results as one sorted table, in IAMC form, or with RO-Crate metadata."""
    from experiments.store import Store
    from sim.errors import UsageError

    store = Store.open(folder)
    about: dict[str, str | int] = {}
    if form == "ro-crate":
        if out:
            raise UsageError("ro-crate metadata stands beside the files it describes; leave out --out")
        from experiments.crate import write_crate

        path = write_crate(store)
    elif form == "iamc":
        path = out or folder / "iamc.csv"
        about = {"rows": _iamc(store, path)}
    else:
        path = out or folder / "table.parquet"
        about = {"sha256": store.write_table(path)}
    said = ", ".join(f"{name} {value}" for name, value in about.items())
    console.tell({"file": str(path), **about}, as_json, f"{path}{': ' + said if said else ''}")


def _iamc(store: Store, path: Path) -> int:
    import sim
    from experiments.iamc import write_iamc
    from experiments.tasks import overrides
    from sim.metrics.base import METRICS
    from sim.registry import discover

    discover("sim.metrics", "chokepoint.metrics", METRICS)
    _, case = next(store.plan())
    clock = sim.load(store.study.scenario_file(case.scenario), overrides(case)).clock
    return write_iamc(store, path, clock, {name: METRICS[name].over_time for name in METRICS.names})
