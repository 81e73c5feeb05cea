"""sensitivity: which uncertainties matter."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from experiments import console
from experiments.common import options

if TYPE_CHECKING:
    from experiments.sensitivity import Indices


@click.command("sensitivity")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--outcome", "outcomes", multiple=True, help="Outcome to explain; all when left out.")
@click.option("--policy", default="", help="Policy to look at; the first when left out.")
@options("json", "quiet")
def command(folder: Path, outcomes: tuple[str, ...], policy: str, as_json: bool, quiet: bool) -> None:
    """Sobol or Morris indices with 95% intervals from FOLDER, swept with sampling of kind sobol or morris."""
    from experiments.frames import chosen
    from experiments.sensitivity import indices
    from experiments.store import Store

    store = Store.open(folder)
    found = [indices(chosen(store, name, policy)) for name in outcomes or store.design.outcomes]
    console.tell([asdict(one) for one in found], as_json, "\n\n".join(_text(one) for one in found))


def _text(found: Indices) -> str:
    words = ("first order", "total") if found.method == "sobol" else ("mu", "mu*")
    ranked = sorted(range(len(found.factors)), key=lambda at: -found.total[at].value)
    rows = [
        [
            found.factors[at],
            str(found.first[at]),
            str(found.total[at]),
            *([f"{found.sigma[at]:.4g}"] if found.sigma else []),
        ]
        for at in ranked
    ]
    header = [found.outcome, *words, *(["sigma"] if found.sigma else [])]
    unit = "base rows" if found.method == "sobol" else "trajectories"
    lost = f"; {found.rows_left_out} {unit} left out for lost runs" if found.rows_left_out else ""
    if found.flat:
        return f"{found.outcome}: the factors do not move it, so it has no indices; {found.rows} {unit}{lost}"
    luck = (
        f"share of the variance of one run that is luck: {found.replicate_share}"
        if found.seeds > 1
        else "luck is not split out: one seed"
    )
    return f"{console.table(header, rows)}\n{luck}; {found.rows} {unit}{lost}"
