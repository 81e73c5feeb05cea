"""The store: whole segments only, each run once, one writer, and words for what went wrong."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from experiments.crate import write_crate
from experiments.store import Store, StoreError, write_whole
from sim.errors import UsageError
from tests.experiments.workshop import begin, bits, carry, design, done


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> str:
    return bits(done(tmp_path_factory.mktemp("reference")))


def test_a_batch_is_whole_and_asked_again_does_nothing(tmp_path: Path, reference: str) -> None:
    store = done(tmp_path)
    assert carry(store).done == 0
    assert store.n_runs() == 60 == len(store.status_by_run())
    assert bits(store) == reference
    assert (tmp_path / "failures.jsonl").read_text() == ""


def test_the_same_chunk_twice_leaves_the_same_bytes(tmp_path: Path) -> None:
    store = done(tmp_path)
    before = {path.name: path.read_bytes() for path in (tmp_path / "timeseries").iterdir()}
    for path in (tmp_path / "runs").iterdir():
        path.unlink()
    carry(store)
    assert {path.name: path.read_bytes() for path in (tmp_path / "timeseries").iterdir()} == before


def test_failed_runs_are_kept_apart_with_the_command_that_reproduces_them(tmp_path: Path) -> None:
    store = done(tmp_path, design(seeds=6, uncertainties={"x1": [1.0, 2.0]}), "faulty")
    failures = [json.loads(line) for line in (tmp_path / "failures.jsonl").read_text().splitlines()]
    assert len(failures) == 4
    assert all(row["error"] == f"ValueError: seed {row['seed']} is a multiple of three" for row in failures)
    line = failures[0]["reproduce"].replace("python", sys.executable, 1)
    again = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
    assert f"seed {failures[0]['seed']} is a multiple of three" in again.stderr
    assert len([key for key, said in store.status_by_run().items() if said == "done"]) == 8
    assert carry(store).failed == 0, "failed runs are not tried again unasked"
    assert carry(store, retry_failed=True).failed == 4


@pytest.mark.parametrize("name", ["timeseries", "runs"])
@pytest.mark.parametrize("damage", ["truncated", "flipped", "gone", "empty"])
def test_a_damaged_segment_is_set_aside_and_done_again(tmp_path: Path, reference: str, name: str, damage: str) -> None:
    store = done(tmp_path)
    path = sorted((tmp_path / name).iterdir())[3]
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "flipped":
        path.write_bytes(content[:40] + bytes([content[40] ^ 255]) + content[41:])
    else:
        path.write_bytes(content[: len(content) // 2 if damage == "truncated" else 0])
    progress = carry(store)
    assert bits(store) == reference
    assert len(store.status_by_run()) == 60
    if not (damage == "flipped" and name == "runs"):
        assert progress.done == 1


@pytest.mark.parametrize("damage", ["truncated", "gone"])
def test_a_reader_of_a_damaged_segment_is_told_to_resume(tmp_path: Path, reference: str, damage: str) -> None:
    store = done(tmp_path)
    path = sorted((tmp_path / "timeseries").iterdir())[3]
    if damage == "gone":
        path.unlink()
        assert len(store.status_by_run()) == 59
        assert store.query("select count(distinct run_key) n from timeseries")["n"].to_pylist() == [59]
    else:
        path.write_bytes(path.read_bytes()[:100])
        for read in (lambda: store.query("select * from timeseries"), lambda: store.write_table(tmp_path / "t.parquet")):
            with pytest.raises(StoreError, match=r"damaged segment.*chokepoint resume"):
                read()
        assert not list(tmp_path.rglob("*.tmp"))
    assert carry(store).done == 1
    assert bits(store) == reference


def test_stray_files_of_a_killed_writer_go(tmp_path: Path, reference: str) -> None:
    store = done(tmp_path)
    stray = tmp_path / "timeseries" / "abc.parquet.host-1.tmp"
    stray.write_bytes(b"half")
    carry(store)
    assert not stray.exists()
    assert bits(store) == reference


def test_a_run_in_two_segments_counts_once(tmp_path: Path, reference: str) -> None:
    store = done(tmp_path)
    first = sorted((tmp_path / "runs").iterdir())[0].stem
    for name in ("runs", "timeseries"):
        os.link(tmp_path / name / f"{first}.parquet", tmp_path / name / f"{'f' * 64}.parquet")
    assert len(store.index()) == 60
    assert bits(store) == reference
    assert store.query("select count(*) n from timeseries")["n"].to_pylist() == [60 * 8]


def test_a_second_parent_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    store = begin(tmp_path)
    code = (
        "import sys; from pathlib import Path; from experiments.store import Store\n"
        "with Store.open(Path(sys.argv[1])).lock(): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match=f"in use by process {other.pid} on .*chokepoint status"):
            carry(store)
        assert store.user().startswith(f"process {other.pid}")
        other.kill()
    assert store.user() == ""
    assert carry(store).done == 60


def test_a_full_disk_keeps_what_is_finished_and_says_what_to_do(tmp_path: Path, reference: str) -> None:
    store = begin(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    largest = 0

    def small_disk(progress: object) -> None:
        nonlocal largest
        if getattr(progress, "done", 0) == 20:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))

    try:
        with pytest.raises(StoreError, match=r"cannot (write|be written).*Finished runs are safe.*chokepoint resume|failures"):
            carry(store, listen=small_disk)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.rglob("*.tmp"))
    assert 20 <= len(store.status_by_run()) < 60
    carry(store)
    assert bits(store) == reference


def test_another_experiment_or_another_version_of_the_model_is_not_mixed_in(tmp_path: Path) -> None:
    store = begin(tmp_path)
    with pytest.raises(UsageError, match="holds another experiment"):
        begin(tmp_path, design(seeds=3))
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    manifest["study"]["sources"] = "0" * 64
    write_whole(tmp_path / "manifest.json", json.dumps(manifest).encode())
    with pytest.raises(UsageError, match="other sources of the model"):
        carry(store)


def test_folders_that_are_none_of_ours_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no experiment"):
        Store.open(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(UsageError, match="cannot be read"):
        Store.open(tmp_path)
    (tmp_path / "manifest.json").write_text('{"kind": "run"}')
    with pytest.raises(UsageError, match="single run"):
        Store.open(tmp_path)


def test_extended_seeds_leave_the_others_alone(tmp_path: Path) -> None:
    store = done(tmp_path / "grown", design(seeds=2))
    store.add_seeds([3, 4])
    assert carry(store).done == 60
    whole = done(tmp_path / "whole", design(seeds=4))
    sql = "select run_key, tick, value from timeseries order by all"
    assert store.query(sql).equals(whole.query(sql))
    with pytest.raises(UsageError, match="already holds seed 2"):
        store.add_seeds([2])


def test_query_joins_the_design_and_explains_a_bad_word(tmp_path: Path) -> None:
    store = done(tmp_path)
    by_seed = store.query("select seed, count(distinct run_key) runs from timeseries group by seed order by seed")
    assert by_seed.to_pylist() == [{"seed": 1, "runs": 30}, {"seed": 2, "runs": 30}]
    last = store.query("select max(abs(r.y_end - t.value)) d from runs r join timeseries t using (run_key) where tick = 7")
    assert last["d"].to_pylist() == [0.0]
    with pytest.raises(UsageError, match="views: runs \\(policy, draw"):
        store.query("select nothing from runs")


def test_the_crate_lists_every_file_with_its_checksum(tmp_path: Path) -> None:
    import hashlib

    store = done(tmp_path)
    graph = json.loads(write_crate(store).read_text())["@graph"]
    by_id = {item["@id"]: item for item in graph}
    assert by_id["ro-crate-metadata.json"]["conformsTo"]["@id"].startswith("https://w3id.org/ro/crate/")
    parts = [part["@id"] for part in by_id["./"]["hasPart"]]
    assert {"manifest.json", "failures.jsonl"} < set(parts)
    for part in parts:
        assert by_id[part]["sha256"] == hashlib.sha256((tmp_path / part).read_bytes()).hexdigest()


def test_results_carry_no_wall_time(tmp_path: Path) -> None:
    store = done(tmp_path)
    assert "wall_s" not in store.runs().column_names
    assert pq.read_table(next((tmp_path / "runs").iterdir()))["wall_s"].to_pylist()[0] > 0
