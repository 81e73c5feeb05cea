"""bench: times, against rivals on the same input in one process."""

from __future__ import annotations

from pathlib import Path

import click

from experiments.common import options


@click.group("bench")
def command() -> None:
    """Times, against rivals on the same input in one process."""


@command.command("clearing")
@click.option("--size", type=click.Choice(["tiny", "history", "large", "huge"]), default="history", show_default=True,
              help="Offers x buyers: 60 x 20, 50 x 200, 500 x 10,000, 2,000 x 100,000.")
@click.option("--seeds", type=click.IntRange(1), help="Books to race on; by default 31, fewer where they are large.")
@click.option("--books", type=click.Choice(["random", "plain", "ticks"]), default="random", show_default=True,
              help="Random books with two uses' structure, harder ones whose chips are all alike, or those of history's ticks.")
@click.option("--instance", type=click.Path(path_type=Path), metavar="FILE.npz", help="Clear this book; no race.")
@options("json")
def clearing(size: str, seeds: int | None, books: str, instance: Path | None, as_json: bool) -> None:
    """Race the exact clearing against OR-tools and HiGHS, or clear one book from a file."""
    import json

    from experiments.bench_clearing import answer, race

    said = answer(instance) if instance else race(size, seeds, books)
    if as_json:
        click.echo(json.dumps(said))
        return
    for key, value in said.items():
        click.echo(f"{key:>20}  {value:.4g}" if isinstance(value, float) else f"{key:>20}  {value}")


@command.command("ensemble")
@click.argument("scenario", default="history")
@click.option("--runs", type=click.IntRange(2), default=200, show_default=True, help="Runs a side.")
@click.option("--pairs", type=click.IntRange(1), default=1, show_default=True, help="How often both sides go, in turns.")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Processes a side.")
@options("json")
def ensemble(scenario: str, runs: int, pairs: int, workers: int, as_json: bool) -> None:
    """Race the local engine, storing included, against mesa.batch_run on the same World to equal tables."""
    import json

    from experiments.bench_ensemble import race

    said = race(scenario, runs, workers, pairs)
    if as_json:
        click.echo(json.dumps(said))
        return
    for key, value in said.items():
        click.echo(f"{key:>32}  {value:.4g}" if isinstance(value, float) else f"{key:>32}  {value}")


@command.command("engines")
@click.argument("scenario", default="history")
@click.option("--runs", type=click.IntRange(2), default=1000, show_default=True, help="Runs an engine.")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Processes of local and of dask.")
@click.option("--reference", type=click.IntRange(2), help="Runs of the sequential engine, the first seeds; all when left out.")
@options("json")
def engines(scenario: str, runs: int, workers: int, reference: int | None, as_json: bool) -> None:
    """Time a batch on local processes and on dask, storing included, against the run times of the sequential engine."""
    import json

    from experiments.bench_engines import race

    said = race(scenario, runs, workers, min(reference or runs, runs), lambda line: click.echo(line, err=True))
    if as_json:
        click.echo(json.dumps(said))
        return
    for key, value in said.items():
        click.echo(f"{key:>32}  {value:.4g}" if isinstance(value, float) else f"{key:>32}  {value}")


@command.command("pairing")
@click.argument("scenario", default="history")
@click.option("--seeds", type=click.IntRange(2), default=20, show_default=True, help="Pairs of runs a counterfactual.")
@options("seed", "workers", "json", "quiet")
def pairing(scenario: str, seeds: int, seed: int, workers: int, as_json: bool, quiet: bool) -> None:
    """How many times fewer seeds each shipped counterfactual of SCENARIO needs by keyed random numbers than by independent
    seeds: Var of an unpaired difference over Var of the paired one, parameters at their centre."""
    from experiments import bench_pairing, console
    from experiments.common import Bar

    rows = bench_pairing.measure(scenario, range(seed, seed + seeds), workers, Bar(scenario, quiet or as_json, "runs"))
    console.tell(rows, as_json, bench_pairing.table(rows))


@command.command("run")
@click.argument("scenario", default="history")
@click.option("--repeats", type=click.IntRange(1), default=3, show_default=True, help="Warm runs to take the median of.")
@click.option("--labs", type=click.IntRange(1), help="Time the scenario with a drawn tail of so many labs instead.")
@click.option("--weeks", type=click.IntRange(1), default=52, show_default=True, help="Weeks to run, with --labs.")
@click.option("--freeze", is_flag=True, help="Keep this version's books as the ones OR-tools is timed on.")
@options("json")
def run(scenario: str, repeats: int, labs: int | None, weeks: int, freeze: bool, as_json: bool) -> None:
    """Time a whole run against `import mesa` and against OR-tools on the run's own books."""
    import json

    from experiments import bench_run

    if freeze:
        click.echo(bench_run.freeze())
        return
    said = bench_run.race_of_tail(scenario, labs, weeks) if labs else bench_run.race(scenario, repeats)
    if as_json:
        click.echo(json.dumps(said))
        return
    for key, value in said.items():
        if isinstance(value, dict):
            click.echo(f"{key:>22}  " + "  ".join(f"{name} {part:.2f}" for name, part in value.items()))
        else:
            click.echo(f"{key:>22}  {value:.4g}" if isinstance(value, float) else f"{key:>22}  {value}")


@command.command("growth")
@click.argument("scenario", default="history")
@click.option("--weeks", type=click.IntRange(1), default=52, show_default=True, help="Weeks to run at each size.")
@click.option("--labs", "sizes", type=click.IntRange(1), multiple=True, help="Sizes to run; 100 to 100,000 when left out.")
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE.svg", help="Draw the growth into this file.")
@options("json")
def growth(scenario: str, weeks: int, sizes: tuple[int, ...], plot: Path | None, as_json: bool) -> None:
    """Time the whole model with 100 to 100,000 drawn labs, each size in a process of its own, beside its roofline."""
    import json

    from experiments import bench_growth

    rows = bench_growth.grow(scenario, weeks, sizes or bench_growth.SIZES)
    if plot:
        bench_growth.draw(rows, plot)
    click.echo(json.dumps(rows) if as_json else bench_growth.table(rows), nl=as_json)
