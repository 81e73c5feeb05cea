"""Store: a folder of results that a killed process cannot spoil.

```
manifest.json                what was asked, of which scenario, code and versions
scenarios/<hash>.json        the resolved scenarios, whole
timeseries/<chunk>.parquet   tidy series of a chunk's runs
runs/<chunk>.parquet         one row a run: key, seed, status, outcomes; a chunk counts once this file is there
failures.jsonl               failed runs, each with the command that reproduces it
lock                         held by the one process that adds to the folder
```

A file is written under a temporary name, flushed to the disk and renamed, the runs file last; it holds the sha256 of
its series. Files are named by content keys, so doing a chunk twice writes the same files twice. A run that two
segments hold (a worker that outlived its parent) counts once: done before failed, then by name of segment.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from experiments.chunk import Chunk, RunOutput
from experiments.design import Case, Design, Entry, Study, plan
from experiments.provenance import STORE_SCHEMA, sources_of
from sim.errors import ChokepointError, UsageError
from sim.provenance import lock_hash, machine, versions

T = TypeVar("T")

_INDEX = pa.schema(
    [
        ("run_key", pa.string()),
        ("seed", pa.int64()),
        ("status", pa.string()),
        ("error", pa.string()),
        ("trace", pa.string()),
        ("reproduce", pa.string()),
        ("wall_s", pa.float64()),
        ("rows", pa.int64()),
        ("finished", pa.string()),
    ]
)
_PLACED = ("run_id", "run_key", "scenario", "policy", "draw", "seed")
"""Columns the design knows better than a run's own table."""


class StoreError(ChokepointError):
    """The folder cannot be written or is in use; what is finished in it is safe."""

    exit_code = 4


# --- writing ----------------------------------------------------------------------------------------------------------


def write_segment(folder: Path, key: str, outputs: Sequence[RunOutput]) -> None:
    """Write one chunk's series, then its runs. Raises StoreError when the disk refuses; nothing half-written stays."""
    tables = [_tidy(out) for out in outputs if out.table is not None]
    series = pa.concat_tables(tables, promote_options="permissive").unify_dictionaries() if tables else _no_series()
    try:
        checksum = _write(series, folder / "timeseries" / f"{key}.parquet")
        _write(_index_rows(outputs, checksum), folder / "runs" / f"{key}.parquet")
    except OSError as error:
        raise StoreError(
            f"{folder}: cannot write results: {error.strerror or error}. Finished runs are safe; free some space, "
            f"then: chokepoint resume {folder}"
        ) from error


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file at once or not at all, and have it on the disk when this returns."""
    spare = path.with_name(f"{path.name}.{socket.gethostname()}-{os.getpid()}.tmp")
    try:
        with open(spare, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(spare, path)
    except OSError:
        with contextlib.suppress(OSError):
            spare.unlink()
        raise


def _write(table: pa.Table, path: Path) -> str:
    """Write a table as parquet; its sha256."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    data = sink.getvalue().to_pybytes()
    write_whole(path, data)
    return hashlib.sha256(data).hexdigest()


def _tidy(out: RunOutput) -> pa.Table:
    """A run's own table, without the columns the design places, under its run key."""
    own = out.table.drop_columns([name for name in _PLACED if name in out.table.column_names])
    index = pa.repeat(pa.scalar(0, pa.int32()), len(own))
    keys = pa.DictionaryArray.from_arrays(index, pa.array([out.run_key]))
    return own.add_column(0, "run_key", keys)


def _no_series() -> pa.Table:
    return pa.table({"run_key": pa.array([], pa.string())})


def _index_rows(outputs: Sequence[RunOutput], checksum: str) -> pa.Table:
    rows = [
        {
            "run_key": out.run_key,
            "seed": out.seed,
            "status": out.status,
            "error": out.error,
            "trace": out.trace,
            "reproduce": out.reproduce,
            "wall_s": out.wall_s,
            "rows": 0 if out.table is None else len(out.table),
            "finished": out.finished,
        }
        for out in outputs
    ]
    table = pa.Table.from_pylist(rows, schema=_INDEX)
    for name in sorted({name for out in outputs for name in out.outcomes}):
        table = table.append_column(name, pa.array([out.outcomes.get(name) for out in outputs], pa.float64()))
    return table.replace_schema_metadata({"timeseries_sha256": checksum})


# --- the folder -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mended:
    """What opening a folder set right: stray files removed, segments set aside because they cannot be read."""

    strays: int
    broken: tuple[str, ...]


class Store:
    """One experiment's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def create(cls, folder: Path, design: Design, study: Study, scenarios: Mapping[str, str]) -> Store:
        """Start a folder, or open it when it holds this very experiment. Raises UsageError when it holds another."""
        manifest = _manifest(design, study)
        store = cls(folder)
        if (folder / "manifest.json").exists():
            store._same(manifest)
            return store
        try:
            for name in ("timeseries", "runs", "scenarios"):
                (folder / name).mkdir(parents=True, exist_ok=True)
            for name, text in scenarios.items():
                write_whole(replace(study, folder=str(folder)).scenario_file(name), text.encode())
            store._save(manifest)
        except OSError as error:
            raise StoreError(f"{folder}: cannot start an experiment here: {error.strerror or error}") from error
        return store

    @classmethod
    def open(cls, folder: Path) -> Store:
        """Open a folder. Raises UsageError when it is none of ours or of another version of the results schema."""
        store = cls(folder)
        try:
            manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UsageError(
                f"{folder} holds no experiment (no manifest.json); start one with sweep or ensemble"
            ) from None
        except (OSError, ValueError) as error:
            raise UsageError(f"{folder}/manifest.json cannot be read: {error}") from error
        if manifest.get("kind") != "experiment":
            raise UsageError(f"{folder} holds a single run, not an experiment; start one with sweep or ensemble")
        if manifest.get("results_schema") != STORE_SCHEMA:
            raise UsageError(
                f"{folder} has results schema {manifest.get('results_schema')}; this version reads {STORE_SCHEMA}"
            )
        return store

    @property
    def manifest(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))
        return found

    @property
    def design(self) -> Design:
        return Design.model_validate(self.manifest["design"])

    @property
    def study(self) -> Study:
        words = self.manifest["study"]
        pairs = {name: tuple(tuple(pair) for pair in words[name]) for name in ("scenarios", "outcomes")}
        return Study(**{**words, **pairs, "folder": str(self.folder.resolve())})

    @property
    def seed_batches(self) -> list[list[int]]:
        """Seeds in the batches they were asked for: the start, then every extension."""
        return [list(batch) for batch in self.manifest["seed_batches"]]

    def add_seeds(self, seeds: Sequence[int]) -> None:
        """Extend the design by seeds it does not hold yet. Raises UsageError on one it holds."""
        manifest = self.manifest
        held = {seed for batch in manifest["seed_batches"] for seed in batch}
        if held & set(seeds):
            raise UsageError(f"{self.folder} already holds seed {min(held & set(seeds))}; give new seeds")
        self._save({**manifest, "seed_batches": [*manifest["seed_batches"], list(seeds)]})

    def plan(self) -> Iterator[tuple[Entry, Case]]:
        """Every place of the design, batch of seeds by batch."""
        design, study = self.design, self.study
        for batch in self.seed_batches:
            yield from plan(design, study, batch)

    def missing(self, retry_failed: bool = False) -> Iterator[Chunk]:
        """The chunks still to do. Chunks are cut from the whole plan, so a resumed folder gets the same segments."""
        status = self.status_by_run()
        settled = {key for key, said in status.items() if said == "done" or not retry_failed}
        study, size = self.study, int(self.manifest["chunk_size"])
        for cases in _cut(_once(case for _, case in self.plan()), size):
            left = tuple(case for case in cases if case.run_key not in settled)
            if left:
                yield Chunk(study, left)

    def n_runs(self) -> int:
        """Distinct runs the design asks for."""
        return sum(1 for _ in _once(case for _, case in self.plan()))

    # --- keeping it whole

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder for one writer. Raises StoreError at once when another process holds it."""
        path = self.folder / "lock"
        with open(path, "a+", encoding="utf-8") as file:
            if not _try_lock(file):
                file.seek(0)
                raise StoreError(
                    f"{self.folder} is in use by {file.read().strip() or 'another process'}; "
                    f"wait for it or stop it; progress: chokepoint status {self.folder}"
                )
            file.seek(0)
            file.truncate()
            file.write(f"process {os.getpid()} on {socket.gethostname()}")
            file.flush()
            yield

    def user(self) -> str:
        """Who holds the folder at the moment; empty for nobody."""
        try:
            with open(self.folder / "lock", "a+", encoding="utf-8") as file:
                if _try_lock(file):
                    return ""
                file.seek(0)
                return file.read().strip() or "another process"
        except OSError:
            return ""

    def pace(self) -> dict[str, Any]:
        """Runs a second over the last hundred runs that finished, and who is at work (empty for nobody)."""
        finished = sorted(datetime.fromisoformat(said) for said in self.index()["finished"].to_pylist() if said)[-100:]
        seconds = (finished[-1] - finished[0]).total_seconds() if len(finished) > 1 else 0.0
        return {"rate": (len(finished) - 1) / seconds if seconds else 0.0, "running": self.user()}

    def mend(self) -> Mended:
        """Remove stray temporary files and set aside segments that cannot be read whole; their runs are done again."""
        strays = [path for path in self.folder.rglob("*.tmp") if path.is_file()]
        for path in strays:
            path.unlink(missing_ok=True)
        counted = {path.stem for path in (self.folder / "runs").glob("*.parquet")}
        uncounted = [path for path in (self.folder / "timeseries").glob("*.parquet") if path.stem not in counted]
        for path in uncounted:
            path.unlink(missing_ok=True)
        broken = [key for key in sorted(counted) if not self._sound(key)]
        for key in broken:
            for name in ("runs", "timeseries"):
                with contextlib.suppress(FileNotFoundError):
                    os.replace(self.folder / name / f"{key}.parquet", self.folder / name / f"{key}.broken")
        return Mended(len(strays) + len(uncounted), tuple(broken))

    def _sound(self, key: str) -> bool:
        """Whether both files of a segment are there, readable and belong together."""
        try:
            runs = self.folder / "runs" / f"{key}.parquet"
            metadata = pq.read_table(runs, page_checksum_verification=True).schema.metadata or {}
            with open(self.folder / "timeseries" / f"{key}.parquet", "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest().encode() == metadata.get(b"timeseries_sha256")
        except (OSError, pa.ArrowException):
            return False

    def write_failures(self) -> int:
        """Write failures.jsonl from the index; how many runs failed."""
        failed = (
            self.index()
            .filter(pc.field("status") == "failed")
            .select(["run_key", "seed", "error", "reproduce", "trace"])
        )
        lines = [json.dumps(row, ensure_ascii=False) for row in failed.to_pylist()]
        try:
            write_whole(self.folder / "failures.jsonl", "".join(f"{line}\n" for line in lines).encode())
        except OSError as error:
            raise StoreError(
                f"{self.folder}/failures.jsonl: {error.strerror or error}; finished runs are safe"
            ) from error
        return len(lines)

    def _save(self, manifest: Mapping[str, Any]) -> None:
        write_whole(self.folder / "manifest.json", (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode())

    def _same(self, manifest: Mapping[str, Any]) -> None:
        held = self.open(self.folder).manifest
        if held["design"] == manifest["design"] and held["study"] == manifest["study"]:
            return
        if held["study"]["sources"] != manifest["study"]["sources"]:
            raise UsageError(f"{self.folder} was started with other sources of the model; choose another --out")
        raise UsageError(f"{self.folder} holds another experiment; choose another --out, or resume or extend that one")

    def check_sources(self) -> None:
        """Raises UsageError when the model's sources are no longer those the folder was started with."""
        held = self.manifest
        here = sources_of(held["study"]["model"])
        if held["study"]["sources"] != here:
            raise UsageError(
                f"{self.folder} was started with other sources of the model (version "
                f"{held['versions'].get('chokepoint')}, {held['study']['sources'][:12]}; here {here[:12]}); "
                "runs would not compare. Use that version, or start a new folder"
            )

    # --- reading

    def index(self) -> pa.Table:
        """One row a run, each run once, sorted by key, with the segment that holds it; a run whose series are gone is
        missing."""
        paths = sorted((self.folder / "runs").glob("*.parquet"))
        parts = [_with_segment(path) for path in paths if (self.folder / "timeseries" / path.name).exists()]
        if not parts:
            return _INDEX.empty_table().append_column("segment", pa.array([], pa.string()))
        rows = pa.concat_tables(parts, promote_options="default")
        rows = rows.sort_by([("run_key", "ascending"), ("status", "ascending"), ("segment", "ascending")])
        return rows.filter(_first_of(rows["run_key"]))

    def status_by_run(self) -> dict[str, str]:
        """Run key -> done or failed, for the runs there are."""
        rows = self.index()
        return dict(zip(rows["run_key"].to_pylist(), rows["status"].to_pylist(), strict=True))

    def entries(self) -> pa.Table:
        """One row a place of the design: policy, draw, block, row, seed, factor values, run key."""
        rows = [
            {**{name: value for name, value in asdict(entry).items() if name != "values"}, **dict(entry.values)}
            for entry, _ in self.plan()
        ]
        return pa.Table.from_pylist(rows)

    def runs(self) -> pa.Table:
        """Every place of the design with its run's status and outcomes, in the order of the design; no wall times in
        it."""
        index, entries = self.index(), self.entries()
        for name in sorted(set(self.design.outcomes) - set(index.column_names)):
            index = index.append_column(name, pa.nulls(len(index), pa.float64()))
        kept = index.select(["run_key", "status", "error", *self.design.outcomes])
        placed = entries.append_column("place", pa.array(range(len(entries))))
        return placed.join(kept, "run_key", join_type="left outer").sort_by("place").drop_columns(["place"])

    def series(self, run_keys: Iterable[str]) -> Iterator[tuple[str, pa.Table]]:
        """(run key, tidy table) for each key that is done, in the order asked, reading each segment once when keys
        follow it."""
        index = self.index()
        where = dict(zip(index["run_key"].to_pylist(), index["segment"].to_pylist(), strict=True))
        status = dict(zip(index["run_key"].to_pylist(), index["status"].to_pylist(), strict=True))
        read = lru_cache(maxsize=4)(lambda key: _read(self.folder / "timeseries" / f"{key}.parquet"))
        for key in run_keys:
            if status.get(key) == "done":
                segment = read(where[key])
                yield key, segment.filter(pc.equal(segment["run_key"].cast(pa.string()), key))

    @cached_property
    def columns(self) -> pa.Schema:
        """Columns of the series over all segments, text as plain text."""
        found: dict[str, pa.DataType] = {}
        for path in sorted((self.folder / "timeseries").glob("*.parquet")):
            for column in _read(path, pq.read_schema):
                plain = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
                if found.get(column.name) in (None, pa.null()):
                    found[column.name] = plain
        return pa.schema(sorted(found.items()))

    def write_table(self, path: Path, seeds: Container[int] | None = None) -> str:
        """Write all series, or those of some seeds, as one parquet file, in the order of the design; its sha256, equal for
        equal experiments."""
        hashed = hashlib.sha256()
        schema = self.columns
        keys = [case.run_key for case in _once(case for _, case in self.plan()) if seeds is None or case.seed in seeds]
        spare = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        try:
            with pq.ParquetWriter(spare, schema, compression="zstd") as writer:
                for batch in _cut(self.series(keys), 50):
                    writer.write_table(pa.concat_tables([_plain(table, schema) for _, table in batch]).combine_chunks())
            os.replace(spare, path)
        finally:
            spare.unlink(missing_ok=True)
        with open(path, "rb") as file:
            hashed.update(file.read())
        return hashed.hexdigest()

    def query(self, sql: str) -> pa.Table:
        """Run SQL over the views `runs`, `timeseries` and `failures`. Raises UsageError with duckdb's words on a bad
        query."""
        import duckdb

        connection = duckdb.connect()
        index = self.index()
        connection.register("run_index", index)
        connection.register("runs", self.runs())
        connection.register("failures", index.filter(pc.field("status") == "failed"))
        files = [
            str(self.folder / "timeseries" / f"{key}.parquet") for key in sorted(set(index["segment"].to_pylist()))
        ]
        if files:
            listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
            view = (
                "create view timeseries as select r.policy, r.draw, r.seed, t.* exclude (filename) from "
                f"read_parquet([{listed}], union_by_name=true, filename='filename') t "
                "join run_index i on t.run_key = i.run_key and parse_filename(t.filename, true) = i.segment "
                "join runs r on r.run_key = t.run_key"
            )
            try:
                connection.execute(view)
            except duckdb.Error as error:
                raise _damaged(self.folder, error) from error
        try:
            answer: pa.Table = connection.sql(sql).to_arrow_table()
        except duckdb.Error as error:
            raise UsageError(
                f"the query cannot be run: {error}\nviews: runs ({', '.join(self.runs().column_names)}), "
                f"timeseries ({', '.join(['policy', 'draw', 'seed', *self.columns.names])}), failures"
            ) from error
        return answer


def _manifest(design: Design, study: Study) -> dict[str, Any]:
    runs = len(design.all_policies()) * _n_draws(design) * len(design.seeds)
    kept = {name: value for name, value in asdict(study).items() if name != "folder"}
    return {
        "results_schema": STORE_SCHEMA,
        "kind": "experiment",
        "title": design.title or f"{design.scenario}: an experiment",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "study": json.loads(json.dumps(kept)),
        "design": json.loads(design.model_dump_json(by_alias=True)),
        "seed_batches": [list(design.seeds)],
        "chunk_size": max(1, min(50, runs // 64), runs // 5000),
        "versions": versions(),
        "platform": machine(),
        "lock": lock_hash(),
    }


def _n_draws(design: Design) -> int:
    from experiments.sampling import points

    return len(points(design.factors, design.sampling))


def _checked(path: Path) -> pa.Table:
    return pq.read_table(path, page_checksum_verification=True)


def _read(path: Path, how: Callable[[Path], Any] = _checked) -> Any:
    """A file of a segment. Raises StoreError when it cannot be read."""
    try:
        return how(path)
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path.parent.parent, error) from error


def _damaged(folder: Path, error: Exception) -> StoreError:
    return StoreError(
        f"{folder} holds a damaged segment ({str(error).splitlines()[0]}); set it aside and do its runs again with: "
        f"chokepoint resume {folder}"
    )


def _with_segment(path: Path) -> pa.Table:
    table = _read(path).replace_schema_metadata(None)
    return table.append_column("segment", pa.array([path.stem] * len(table), pa.string()))


def _first_of(keys: pa.ChunkedArray) -> pa.Array:
    """Mask of the first row of each run of equal keys."""
    values = keys.to_pylist()
    return pa.array([at == 0 or values[at - 1] != value for at, value in enumerate(values)])


def _plain(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A table with exactly the columns of a schema, text as plain text, absent columns null."""
    columns = [
        table[field.name].cast(field.type) if field.name in table.column_names else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _once(cases: Iterable[Case]) -> Iterator[Case]:
    """Each run at its first place."""
    seen: set[str] = set()
    for case in cases:
        if case.run_key not in seen:
            seen.add(case.run_key)
            yield case


def _cut(items: Iterable[T], size: int) -> Iterator[list[T]]:
    batch: list[T] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _try_lock(file: Any) -> bool:
    """Take an exclusive lock that the system drops when the process ends, however it ends."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
