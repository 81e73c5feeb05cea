"""The race of whole runs: a run against `import mesa` in a fresh process, and against OR-tools on the run's own books.

The books are those that `history` cleared, every tenth week, frozen with their hash; OR-tools solves them alone, build and
solve, and the time is scaled to the run's number of books. Times are processor seconds, so a busy machine moves them little.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sim.errors import InvariantError, UsageError

if TYPE_CHECKING:
    from sim.world import World

Ints = NDArray[np.int64]

EVERY_WEEKS = 10
BOOKS_FILE = "history-books.npz"
COLUMNS = ("offer_ask", "offer_cap", "tranche_buyer", "tranche_value", "tranche_cap",
           "lane_offer", "lane_buyer", "lane_cost", "lane_cap", "size")


def race(scenario_name: str = "history", repeats: int = 3) -> dict[str, Any]:
    """Run a scenario warm `repeats` times in this process; the keys of the answer are those `bench run --json` prints."""
    import sim
    from sim.world import TICK

    scenario = sim.load(scenario_name)
    sim.run(scenario, 1)
    seconds, parts = [], dict.fromkeys((name for name, _ in TICK), 0.0)
    for seed in range(2, 2 + repeats):
        start = time.process_time()
        result = sim.run(scenario, seed)
        result.table()
        seconds.append(time.process_time() - start)
    world = sim.build(scenario, 1)
    weeks = world.frame.clock.n_ticks
    for _ in range(weeks):
        for name, part in TICK:
            start = time.process_time()
            part(world)
            parts[name] += time.process_time() - start
        world.tick += 1
    mesa = median(_import_mesa() for _ in range(repeats))
    run = median(seconds)
    said = {
        "scenario": scenario_name, "weeks": weeks, "labs": len(world.frame.names.lab), "seconds": run, "seconds_import_mesa": mesa,
        "ratio_import_mesa": run / mesa, "ticks_per_second": weeks / run, "peak_memory_mb": _peak_mb(),
        "ms_per_tick": {name: 1000.0 * spent / weeks for name, spent in parts.items()},
    }
    if scenario_name == "history":
        rival = ortools_seconds(weeks)
        said |= {"seconds_ortools_books": rival, "ratio_ortools_books": run / rival, "books_sha256": books_hash()}
    return said


def race_of_tail(scenario_name: str, labs: int, weeks: int) -> dict[str, Any]:
    """Build a scenario with a drawn tail of so many labs and run its first weeks; the same weeks with one drawn lab come first,
    so that no compilation is timed. Processor seconds; memory is the process's peak. The roofline beside them: the time it would
    take to read every column with a row a lab once."""
    import sim
    from experiments.bench_clearing import bandwidth
    from experiments.commands.new import world_text
    from sim.scenario_io import loads
    from sim.world import TICK

    parts = dict.fromkeys((name for name, _ in TICK), 0.0)
    for size in (1, labs):
        scenario = loads(world_text("tail", size, base=scenario_name))
        start = time.process_time()
        world = sim.build(scenario, 1)
        built = time.process_time() - start
        weeks = min(weeks, world.frame.clock.n_ticks)
        parts = dict.fromkeys(parts, 0.0)
        for _ in range(weeks):
            for name, part in TICK:
                start = time.process_time()
                part(world)
                parts[name] += time.process_time() - start
            world.tick += 1
    peak = _peak_mb()
    run, bytes_, speed = sum(parts.values()), column_bytes(world), bandwidth()
    return {
        "scenario": scenario_name, "weeks": weeks, "labs": len(world.frame.names.lab), "seconds_build": built, "seconds": run,
        "ticks_per_second": weeks / run, "peak_memory_mb": peak,
        "column_mb": bytes_ / 1e6, "bandwidth_gb_s": speed / 1e9, "ms_roofline": 1000.0 * bytes_ / speed,
        "ms_per_tick": {name: 1000.0 * spent / weeks for name, spent in parts.items()},
    }


def column_bytes(world: World) -> int:
    """Bytes of the columns with a row a lab that a week reads or writes: those of the world, its ledger, queue, law, view and
    minds, each once."""
    rows = {len(world.frame.names.lab), len(world.frame.names.buyer)}
    parts = (world, world.ledger, world.primary, world.law, world.standing, world.view, world.minds)
    columns = (column for part in parts for column in vars(part).values() if isinstance(column, np.ndarray))
    found = {column.__array_interface__["data"][0]: column.nbytes for column in columns if rows & set(column.shape)}
    return sum(found.values())


def _import_mesa() -> float:
    """Processor seconds of `import mesa` in a fresh process, beyond an empty one."""
    def spent(code: str) -> float:
        said = subprocess.run([sys.executable, "-c", f"import time; {code}; print(time.process_time())"],
                              capture_output=True, text=True, check=True)
        return float(said.stdout)

    return spent("import mesa") - spent("pass")


def _peak_mb() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def record_books(weeks_apart: int = EVERY_WEEKS) -> dict[str, Ints]:
    """The books `history` clears in every tenth week, columns joined; `size` holds offers, tranches, lanes, buyers of each."""
    import sim
    from sim import market

    kept: list[tuple[Any, Any]] = []
    week = 0
    clear = market.__dict__["clear"]

    def keep(book: Any, lanes: Any, *rest: Any) -> Any:
        if week % weeks_apart == 0:
            kept.append((book, lanes))
        return clear(book, lanes, *rest)

    market.__dict__["clear"] = keep
    try:
        world = sim.build(sim.load("history"), 1)
        for week in range(world.frame.clock.n_ticks):  # noqa: B007
            world.step()
    finally:
        market.__dict__["clear"] = clear
    columns: dict[str, list[Ints]] = {name: [] for name in COLUMNS}
    for book, lanes in kept:
        for name in COLUMNS[:5]:
            columns[name].append(getattr(book, name))
        for name in COLUMNS[5:9]:
            columns[name].append(getattr(lanes, name))
        columns["size"].append(np.array([len(book.offer_ask), len(book.tranche_buyer), len(lanes.lane_offer), len(book.buyer_key)]))
    return {name: np.concatenate(parts).astype(np.int64) for name, parts in columns.items()}


def books_path() -> Path:
    """Where the frozen books lie, in a wheel as in a clone."""
    return Path(str(files("scenarios") / "bench" / BOOKS_FILE))


def books_hash() -> str:
    """SHA-256 of the frozen books' columns, whatever the file's compression."""
    with np.load(books_path()) as frozen:
        digest = hashlib.sha256()
        for name in COLUMNS:
            digest.update(np.ascontiguousarray(frozen[name]).tobytes())
    return digest.hexdigest()


def freeze() -> str:
    """Write this version's books in place of the frozen ones; returns their hash, to be committed with them."""
    path = books_path()
    path.parent.mkdir(exist_ok=True)
    np.savez_compressed(path, **dict(record_books()))  # type: ignore[arg-type]
    said = books_hash()
    (path.parent / "history-books.json").write_text(json.dumps({"sha256": said, "every_weeks": EVERY_WEEKS}) + "\n")
    return said


def ortools_seconds(weeks: int) -> float:
    """Processor seconds OR-tools takes for the frozen books, times the weeks they stand for."""
    told = json.loads((books_path().parent / "history-books.json").read_text())
    if told["sha256"] != books_hash():
        raise InvariantError("the frozen books differ from the hash committed with them")
    with np.load(books_path()) as frozen:
        columns = {name: frozen[name] for name in COLUMNS}
    start = time.process_time()
    at = dict.fromkeys(("offer", "tranche", "lane"), 0)
    for offers, tranches, lanes, buyers in columns["size"].reshape(-1, 4).tolist():
        _solve(columns, at, offers, tranches, lanes, buyers)
        at["offer"] += offers
        at["tranche"] += tranches
        at["lane"] += lanes
    return (time.process_time() - start) * min(EVERY_WEEKS, weeks)


def _solve(columns: dict[str, Ints], at: dict[str, int], offers: int, tranches: int, lanes: int, buyers: int) -> None:
    """One book as a minimum-cost flow: source to offers to buyers to the sink, and past it what is not sold."""
    from ortools.graph.python import min_cost_flow

    def part(name: str, kind: str, n: int) -> Ints:
        return columns[name][at[kind]: at[kind] + n]

    cap, ask = part("offer_cap", "offer", offers), part("offer_ask", "offer", offers)
    source, sink = offers + buyers, offers + buyers + 1
    lane_offer, lane_buyer = part("lane_offer", "lane", lanes), part("lane_buyer", "lane", lanes)
    tail = np.concatenate([np.full(offers, source), lane_offer, offers + part("tranche_buyer", "tranche", tranches), [source]])
    head = np.concatenate([np.arange(offers), offers + lane_buyer, np.full(tranches, sink), [sink]])
    total = int(cap.sum())
    room = np.concatenate([cap, part("lane_cap", "lane", lanes), part("tranche_cap", "tranche", tranches), [total]])
    cost = np.concatenate([ask, part("lane_cost", "lane", lanes), -part("tranche_value", "tranche", tranches), [0]])
    flow = min_cost_flow.SimpleMinCostFlow()
    flow.add_arcs_with_capacity_and_unit_cost(tail, head, room, cost)
    flow.set_node_supply(source, total)
    flow.set_node_supply(sink, -total)
    if flow.solve() != flow.OPTIMAL:
        raise UsageError("OR-tools found no optimum on a frozen book")
