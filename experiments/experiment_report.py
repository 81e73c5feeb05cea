"""The page of an experiment: its outcomes by policy with paired differences, fans over the runs, what the uncertainties do
(tornado, Sobol or Morris), and the questions asked of it (Shapley shares, boxes, a Pareto front).

Every mean is a claim with the runs behind it and each run's own number; what else the page says is computed from those
numbers alone, so `verify` checks all of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments import charts, questions
from experiments.attribution import Attribution, attribute, coalitions, words_of
from experiments.cite import bibtex
from experiments.discovery import condition, discover
from experiments.frames import Frame, chosen, frames
from experiments.outcome import Outcome
from experiments.pairing import bootstrap, paired
from experiments.pictures import Picture
from experiments.provenance import SCENARIO_MODEL, canonical
from experiments.report import Finding, anchor, embedded, render
from experiments.robustness import verdict
from experiments.search import Front, front_of
from experiments.sensitivity import Indices, indices
from experiments.store import Store
from experiments.tasks import overrides
from experiments.tidy import Tidy
from sim.clock import Clock
from sim.errors import UsageError
from sim.metrics import metrics
from sim.provenance import digest, versions

FAN_RUNS = 400
"""Runs a policy at most behind a fan; more change the picture no further."""

END_SHARE = 0.2
"""Share of the draws at either end of a factor that a tornado compares."""

Floats = NDArray[np.float64]


def experiment_report(folder: Path) -> str:
    """The whole page, from the folder alone. Raises UsageError when nothing in it is done."""
    store = Store.open(folder)
    by_outcome = {name: frames(store, name) for name in store.design.outcomes}
    if not any(np.isfinite(frame.values).any() for by_policy in by_outcome.values() for frame in by_policy.values()):
        raise UsageError(f"{folder} holds no outcome of a finished run; see chokepoint status {folder}")
    differences = [line for name, by_policy in by_outcome.items() for line in _differences(store, name, by_policy)]
    return _page(
        store,
        claims(store),
        findings=[_finding(line) for line in differences if line["sure"]],
        tables=[_levels(store, by_outcome), *_difference_table(store, differences), *_attributions(store)[1]],
        pictures=[*_fans(store), *_difference_pictures(differences), *index_pictures(store), *_attributions(store)[0]],
        notes=[*_said(store), _failures(store), _design(store)],
    )


def citation(folder: Path) -> dict[str, Any]:
    """An experiment's manifest in the words of a run's, for `cite`."""
    store = Store.open(folder)
    return _manifest(store, claims(store))


def search_report(folder: Path) -> str:
    """The page of a search: the front, every setting tried, and the design."""
    front = front_of(folder)
    store = Store.open(folder / "round-0")
    stated = [claim for path in sorted(folder.glob("round-*")) for claim in claims(Store.open(path), f"{path.name}-")]
    best = [Finding(f"{_setting(front, option.setting)}: " + "; ".join(
        f"{aim.outcome} {value}" for aim, value in zip(front.aims, option.aims, strict=True)
    ), anchor(_setting(front, option.setting))) for option in front.best]
    return _page(store, stated, findings=best, tables=[_tried(front)], pictures=[_front_picture(front)], notes=[_design(store)],
                 command=f"chokepoint search {folder.name}.yaml "
                 + " ".join(f'--aim "{"max" if aim.more else "min"} {aim.outcome}"' for aim in front.aims))


def claims(store: Store, prefix: str = "") -> list[dict[str, Any]]:
    """A claim a policy and outcome: the mean over its runs, and each run's number."""
    if store.study.model != SCENARIO_MODEL:
        return []
    cases = {case.run_key: case for _, case in store.plan()}
    columns = store.runs().to_pydict()
    out = []
    for name, text in store.design.outcomes.items():
        outcome = Outcome.parse(text)
        for policy in store.design.all_policies():
            rows = [at for at, of in enumerate(columns["policy"]) if of == policy and columns["status"][at] == "done"]
            values = [columns[name][at] for at in rows]
            known = [value for value in values if value is not None and math.isfinite(value)]
            if known:
                runs = [cases[columns["run_key"][at]] for at in rows]
                out.append(
                    {
                        "id": anchor(f"{prefix}{name}", policy),
                        "runs": [[case.scenario, list(overrides(case)), case.seed] for case in runs],
                        "metric": outcome.metric,
                        "filters": {dim: list(labels) for dim, labels in outcome.filters},
                        "window": outcome.window,
                        "statistic": outcome.statistic,
                        "value": math.fsum(known) / len(known),
                        "values": [None if value is None or not math.isfinite(value) else value for value in values],
                    }
                )
    return out


def _page(store: Store, stated: list[dict[str, Any]], command: str = "", **parts: Any) -> str:
    manifest = _manifest(store, stated)
    design = store.design
    return render(
        title=store.manifest["title"],
        summary=" ".join(design.summary.split()),
        manifest=manifest,
        changed=_changed(store),
        head=[],
        years=[],
        rulings=[],
        command=command or "chokepoint sweep design.yaml      # the design is at the end of this page",
        cite=bibtex(manifest),
        claims=embedded("chokepoint-claims", stated),
        **parts,
    )


def _manifest(store: Store, stated: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The folder's manifest in the words of the page."""
    said_there, clock = store.manifest, _clock(store)
    result = digest(canonical(list(stated)))
    return {
        "run_id": digest(canonical(said_there["design"]))[:12],
        "time": {"start": clock.start.isoformat(), "end": clock.end.isoformat()},
        "scenario": {
            "name": store.design.scenario,
            "title": said_there["title"],
            "hash": store.study.hash_of(store.design.scenario),
            "overrides": [f"{path}={value}" for path, value in store.design.constants.items()],
        },
        "seeds": [seed for batch in store.seed_batches for seed in batch],
        "code": {"version": versions().get("chokepoint", "unknown"), "sources": store.study.sources},
        "versions": {"python": "unknown", **said_there["versions"]},
        "platform": said_there["platform"],
        "lock": said_there["lock"],
        "hash": result,
    }


def _changed(store: Store) -> list[str]:
    """What the design changes against the scenario as shipped."""
    design = store.design
    held = [f"{path} = {value}" for path, value in design.constants.items()]
    for name, policy in design.all_policies().items():
        words = [*policy.levers, *(f"{path} = {value}" for path, value in policy.settings.items())]
        if policy.scenario and policy.scenario != design.scenario:
            words.insert(0, f"scenario {policy.scenario}")
        if words:
            held.append(f"{name}: {', '.join(words)}")
    for name, factor in design.factors.items():
        ends = ", ".join(map(str, factor.values)) if factor.values else f"{factor.low:g} to {factor.high:g}"
        held.append(f"{factor.path or name} drawn from {ends} ({factor.distribution})")
    return held


@lru_cache(maxsize=4)
def _time(path: Path) -> tuple[str, str]:
    time = json.loads(path.read_text(encoding="utf-8"))["time"]
    return str(time["start"]), str(time["end"])


def _clock(store: Store) -> Clock:
    """The design's own weeks."""
    start, end = _time(store.folder / "scenarios" / f"{store.study.hash_of(store.design.scenario)[:16]}.json")
    held = store.design.constants
    return Clock(
        date.fromisoformat(str(held.get("time.start", start))), date.fromisoformat(str(held.get("time.end", end)))
    )


# --- levels and differences


def _unit(store: Store, name: str) -> str:
    metric = store.design.parsed_outcomes[name].metric
    return {found.name: found.unit for found in metrics()}.get(metric, "")


def _levels(store: Store, by_outcome: Mapping[str, Mapping[str, Frame]]) -> dict[str, Any]:
    rows, ids = [], []
    for name, by_policy in by_outcome.items():
        for policy, frame in by_policy.items():
            values = frame.values[np.isfinite(frame.values)]
            if len(values):
                low, middle, high = np.quantile(values, (0.05, 0.5, 0.95))
                numbers = (f"{values.mean():.6g}", f"{middle:.6g}", f"{low:.4g} to {high:.4g}", f"{len(values):,}")
                rows.append((name, _unit(store, name), policy, *numbers))
                ids.append(anchor(name, policy))
    return {
        "title": "Outcomes",
        "ids": ids,
        "head": ("Outcome", "unit", "policy", "mean", "median", "90% of the runs", "runs"),
        "rows": rows,
        "note": " · ".join(f"{name}: {text}" for name, text in store.design.outcomes.items() if name != text),
    }


def _differences(store: Store, name: str, by_policy: Mapping[str, Frame]) -> list[dict[str, Any]]:
    """Each policy against the first, over shared draws and seeds."""
    first, *others = by_policy
    out = []
    for policy in others:
        found = paired(by_policy[first].values.ravel(), by_policy[policy].values.ravel())
        if found.difference.n:
            interval = found.difference
            out.append(
                {
                    "outcome": name,
                    "unit": _unit(store, name),
                    "policy": policy,
                    "against": first,
                    "found": found,
                    "sure": interval.n > 1 and (interval.low > 0 or interval.high < 0),
                }
            )
    return out


def _finding(line: Mapping[str, Any]) -> Finding:
    interval = line["found"].difference
    text = (
        f"{line['outcome']}: {line['policy']} against {line['against']} {interval.value:+.4g} {line['unit']} "
        f"(95% interval {interval.low:+.4g} to {interval.high:+.4g}, {interval.n} pairs)."
    )
    return Finding(text, _row_of(line))


def _row_of(line: Mapping[str, Any]) -> str:
    return anchor("difference", line["outcome"], line["policy"])


def _difference_table(store: Store, lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    if not lines:
        return []
    rows = [
        (
            line["outcome"],
            line["unit"],
            line["policy"],
            f"{line['found'].difference.value:+.5g}",
            f"{line['found'].difference.low:+.4g} to {line['found'].difference.high:+.4g}",
            f"{line['found'].positive_share:.0%}",
            _factor(line["found"].variance_factor),
        )
        for line in lines
    ]
    return [
        {
            "title": f"Differences to {lines[0]['against']}",
            "ids": [_row_of(line) for line in lines],
            "head": ("Outcome", "unit", "policy", "difference", "95% interval", "above zero", "fewer seeds"),
            "rows": rows,
            "note": "Paired on draws and seeds; the interval is a bootstrap over pairs. Fewer seeds: how many times more "
            "seeds unpaired runs would need.",
        }
    ]


def _factor(value: float) -> str:
    return f"{value:,.1f}x" if math.isfinite(value) else "–"


def _difference_pictures(lines: Sequence[Mapping[str, Any]]) -> list[Picture]:
    pictures = []
    for at, name in enumerate(dict.fromkeys(line["outcome"] for line in lines)):
        mine = [line for line in lines if line["outcome"] == name]
        rows = [(line["policy"], *_ends(line["found"].difference)) for line in mine]
        pictures.append(
            Picture(
                f"{name}: differences to {mine[0]['against']}",
                "Paired differences with their 95% intervals; grey where the interval holds zero.",
                charts.svg(charts.intervals(rows, mine[0]["unit"]), f"difference{at}"),
            )
        )
    return pictures


def _ends(interval: Any) -> tuple[float, float, float]:
    return interval.low, interval.value, interval.high


# --- fans


def _fans(store: Store) -> list[Picture]:
    """The series behind each outcome by quarter: median and band of every policy's runs."""
    wanted = {(outcome.metric, outcome.filters) for outcome in store.design.parsed_outcomes.values()}
    keys = _sampled(store)
    if store.study.model != SCENARIO_MODEL or not any(len(some) > 1 for some in keys.values()):
        return []
    clock = _clock(store)
    series: dict[Any, dict[str, list[Floats]]] = {one: {policy: [] for policy in keys} for one in wanted}
    days: list[date] = []
    units: dict[Any, str] = {}
    for policy, some in keys.items():
        for _, table in store.series(some):
            tidy = Tidy(table, clock)
            for metric, filters in wanted:
                got = tidy.lines(metric, "", **dict(filters))
                if got.labels:
                    days, values = got.per("quarter", clock)
                    units[metric, filters] = got.unit
                    series[metric, filters][policy].append(values[0])
    pictures = []
    for at, (metric, filters) in enumerate(sorted(wanted)):
        drawn = {policy: np.array(rows) for policy, rows in series[metric, filters].items() if rows}
        if any(np.isfinite(rows).any() for rows in drawn.values()):
            words = ", ".join(f"{dim} {' or '.join(labels)}" for dim, labels in filters)
            unit = f"{units[metric, filters]}, by quarter"
            pictures.append(
                Picture(
                    f"{metric}{f' ({words})' if words else ''}",
                    f"Median and the band that holds nine tenths of the runs, {max(map(len, drawn.values()))} a policy.",
                    charts.svg(charts.fans(days, drawn, unit), f"fan{at}"),
                )
            )
    return pictures


def _sampled(store: Store) -> dict[str, list[str]]:
    """By policy the keys of its finished runs, evenly thinned to FAN_RUNS."""
    columns = store.runs().to_pydict()
    out: dict[str, list[str]] = {}
    for policy in store.design.all_policies():
        done = [
            key for key, of, status in zip(columns["run_key"], columns["policy"], columns["status"], strict=True)
            if of == policy and status == "done"
        ]
        step = max(1, math.ceil(len(done) / FAN_RUNS))
        out[policy] = list(dict.fromkeys(done[::step]))
    return out


# --- what the uncertainties do


def index_pictures(store: Store) -> list[Picture]:
    """A tornado an outcome, or its Sobol or Morris indices, for the first policy; nothing for a design of one draw."""
    pictures = []
    for at, name in enumerate(store.design.outcomes):
        policy, frame = next(iter(frames(store, name).items()))
        if len(frame.draws) < 2 or not np.isfinite(frame.values).any():
            continue
        title, unit = f"{name}: what matters ({policy})", _unit(store, name)
        if store.design.sampling.kind in ("sobol", "morris"):
            pictures.append(_index_picture(title, unit, indices(frame), f"index{at}"))
        else:
            pictures += _tornado(title, unit, frame, f"tornado{at}")
    return pictures


def _index_picture(title: str, unit: str, found: Indices, name: str) -> Picture:
    ranked = sorted(range(len(found.factors)), key=lambda at: -found.total[at].value)
    if found.method == "sobol":
        bars = [
            (found.factors[at], {"first order": _ends(found.first[at]), "total": _ends(found.total[at])}) for at in ranked
        ]
        drawn = charts.paired_bars(bars, "share of variance")
        note = f"Sobol indices with 95% intervals over {found.rows} base rows."
    else:
        rows = [(found.factors[at], found.total[at].value, found.sigma[at], place < 6) for place, at in enumerate(ranked)]
        drawn = charts.points(rows, f"mu*, {unit}", f"sigma, {unit}")
        note = f"Morris screening over {found.rows} paths: right, a factor that matters; up, one that interacts or bends."
    head = ("factor", "first order" if found.method == "sobol" else "mu", "total" if found.method == "sobol" else "mu*")
    table = tuple((found.factors[at], str(found.first[at]), str(found.total[at])) for at in ranked)
    return Picture(title, note, charts.svg(drawn, name), head, table)


def _tornado(title: str, unit: str, frame: Frame, name: str) -> list[Picture]:
    """The outcome's mean in the fifth of the draws where a factor is lowest and where it is highest."""
    means = np.array([row[np.isfinite(row)].mean() if np.isfinite(row).any() else np.nan for row in frame.values])
    rows = []
    for factor in frame.draws[0].factors:
        column = [draw.factors[factor] for draw in frame.draws]
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in column):
            numbers = np.array(column, dtype=np.float64)
            low, high = np.quantile(numbers, (END_SHARE, 1 - END_SHARE))
            ends = (bootstrap(means[numbers <= low]).value, bootstrap(means[numbers >= high]).value)
            if low < high and not np.isnan(ends).any():
                rows.append((factor, *ends))
    rows.sort(key=lambda row: -abs(row[2] - row[1]))
    if not rows:
        return []
    note = f"Mean over the {END_SHARE:.0%} of the {len(frame.draws)} draws where a factor is lowest, and where it is highest."
    drawn = charts.svg(charts.tornado(rows[:15], bootstrap(means).value, unit), name)
    table = tuple((row[0], f"{row[1]:.5g}", f"{row[2]:.5g}") for row in rows)
    return [Picture(title, note, drawn, ("factor", "at its low end", "at its high end"), table)]


# --- questions


def _attributions(store: Store) -> tuple[list[Picture], list[dict[str, Any]]]:
    """Shapley shares as a picture, interactions as a table."""
    pictures, tables = [], []
    for asked in questions.kept(store.folder, "attribute"):
        for at, name in enumerate(asked["outcomes"]):
            found, unit = _attribution(store, name, asked["players"]), _unit(store, name)
            rows = [(player, *_ends(share)) for player, share in sorted(found.shares.items(), key=lambda item: -abs(item[1].value))]
            whole = ("whole package", *_ends(found.whole))
            pictures.append(
                Picture(
                    f"{name}: each lever's share",
                    "Shapley shares of the package's effect on shared seeds, with 95% intervals; they add up to the whole.",
                    charts.svg(charts.intervals([*rows, whole], unit), f"share{at}"),
                )
            )
            pairs = [(" x ".join(pair), str(value)) for pair, value in found.interactions.items()]
            if pairs:
                title = f"{name}: together, beyond each alone"
                tables.append({"title": title, "head": ("Levers", unit), "rows": pairs, "note": ""})
    return pictures, tables


def _attribution(store: Store, name: str, players: Sequence[str]) -> Attribution:
    by_policy = frames(store, name)
    return attribute(name, {some: by_policy[words_of(some)].values[0] for some in coalitions(players)})


def _said(store: Store) -> list[dict[str, Any]]:
    """Boxes and verdicts that were asked for, as sentences."""
    lines = [str(discover(chosen(store, *_outcome_of(asked)), asked["condition"], condition(asked["condition"])[1]))
             for asked in questions.kept(store.folder, "discover")]
    lines += [
        str(verdict(chosen(store, asked["effect"], asked["against"]), chosen(store, asked["effect"], asked["policy"])))
        for asked in questions.kept(store.folder, "effect")
    ]
    return [{"title": "Where it happens, and where it flips", "paragraphs": lines}] if lines else []


def _outcome_of(asked: Mapping[str, Any]) -> tuple[str, str]:
    return condition(asked["condition"])[0], asked["policy"]


def _failures(store: Store) -> dict[str, Any]:
    index = store.index()
    failed = [row for row in index.select(["status", "error", "reproduce"]).to_pylist() if row["status"] == "failed"]
    lines = [f"{row['error']}  ({row['reproduce']})" for row in failed[:20]]
    more = [f"and {len(failed) - 20} more in failures.jsonl"] if len(failed) > 20 else []
    return {"title": "Runs that failed", "paragraphs": [*lines, *more] or ["None."]}


def _design(store: Store) -> dict[str, Any]:
    words = json.loads(store.design.model_dump_json(by_alias=True, exclude_defaults=True))
    text = json.dumps({"schema": 1, **words}, indent=2, ensure_ascii=False)
    return {"title": "The design", "paragraphs": ["As design.yaml (JSON is YAML too)."], "text": text}


# --- search


def _setting(front: Front, setting: Sequence[Any]) -> str:
    return ", ".join(f"{lever} = {value}" for lever, value in zip(front.levers, setting, strict=True))


def _tried(front: Front) -> dict[str, Any]:
    rows = [
        (
            _setting(front, option.setting),
            *(str(value) for value in option.aims),
            "yes" if option.on_front else "",
            f"{option.stays_share:.0%}",
        )
        for option in front.options
    ]
    aims = [f"{'max' if aim.more else 'min'} {aim.outcome}" for aim in front.aims]
    return {
        "title": "Every setting tried",
        "ids": [anchor(_setting(front, option.setting)) for option in front.options],
        "head": ("Setting", *aims, "on the front", "stays there"),
        "rows": rows,
        "note": "Means with 95% intervals on shared draws and seeds. Stays there: share of resamples of the runs in which "
        "no setting beats it on every aim.",
    }


def _front_picture(front: Front) -> Picture:
    x, y = front.aims[:2]
    rows = [
        (_setting(front, option.setting), option.aims[0].value, option.aims[1].value, option.on_front)
        for option in front.options
    ]
    across, up = (f"{aim.outcome} ({'more' if aim.more else 'less'} is aimed at)" for aim in (x, y))
    note = f"{len(front.best)} of {len(front.options)} settings are beaten by none (blue); the others in grey."
    return Picture("The Pareto front", note, charts.svg(charts.points(rows, across, up, len(front.aims) == 2), "front"))
