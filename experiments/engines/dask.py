"""Dask: chunks on a dask.distributed cluster, one that is already there or one of this machine's processes.

The folder of results must be visible under the same path to every worker.
"""

from __future__ import annotations

import logging
import os
import re
from concurrent.futures import CancelledError, Future
from pathlib import Path
from typing import Any
from uuid import uuid4

from experiments.chunk import Chunk, ChunkReport
from experiments.engines.base import Engine, EngineLostError, Work, WorkerLostError
from experiments.tasks import run_case
from sim.errors import UsageError

_PATIENCE = "10s"
_MEMORY = {"MALLOC_TRIM_THRESHOLD_": 128 << 20, "MALLOC_MMAP_THRESHOLD_": 32 << 20}
"""Bytes that a worker keeps for its next arrays. Dask's own 64 KB hand them back to the system at every chance, which made a run
of history a seventh slower."""

_ADDRESS = re.compile(r"(\w+://)?(\[[^\]]+\]|[^\s:/\[\]]+):\d{1,5}")


class DaskEngine(Engine):
    """A client of `scheduler`, or of a cluster of `workers` processes that this engine starts and stops."""

    blames_one = False
    """The scheduler counts a death against every chunk it had given to the worker."""

    def __init__(self, workers: int, scheduler: str = "") -> None:
        if scheduler and not _ADDRESS.fullmatch(scheduler):
            raise UsageError(f'--scheduler "{scheduler}" is no address; write one such as tcp://host:8786')
        client_of, cluster_of, config = _distributed()
        config.set(
            {
                "distributed.scheduler.allowed-failures": 1,
                "distributed.worker.daemon": False,
                "distributed.comm.timeouts.connect": _PATIENCE,
                **{f"distributed.nanny.pre-spawn-environ.{name}": size for name, size in _MEMORY.items()},
            }
        )
        self._cluster: Any = None
        if not scheduler:
            self._cluster = cluster_of(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                host="127.0.0.1",
                silence_logs=logging.CRITICAL,
            )
        self._scheduler = scheduler or str(self._cluster.scheduler_address)
        try:
            self._client = client_of(self._scheduler, timeout=_PATIENCE, set_as_default=False)
        except (OSError, TimeoutError) as error:
            raise EngineLostError(
                f"no dask scheduler answers at {self._scheduler}; start one with: dask scheduler"
            ) from error
        if not scheduler:
            self._client.wait_for_workers(workers, timeout=60)
        self._warm = False

    @property
    def slots(self) -> int:  # type: ignore[override]
        """Two chunks for every thread there is at the moment, so that none waits for the network."""
        return max(2 * sum(self._threads().values()), 2)

    def submit(self, work: Work, chunk: Chunk) -> Future[ChunkReport]:
        if not self._warm:
            self._warm_up(chunk)
        remote = self._client.submit(work, chunk, key=f"chunk-{chunk.key[:16]}-{uuid4().hex[:8]}", pure=False)
        answer: _Answer = _Answer(remote)
        remote.add_done_callback(answer.take)
        return answer

    def check(self) -> None:
        if self._client.status != "running":
            raise EngineLostError(
                f"the dask scheduler at {self._scheduler} went away. Finished runs are safe; start it again, then: "
                "chokepoint resume FOLDER --engine dask --scheduler ADDRESS"
            )

    def close(self, finish: bool) -> None:
        self._client.close(timeout=5)
        if self._cluster is not None:
            self._cluster.close(timeout=10)

    def _threads(self) -> dict[str, int]:
        return {
            address: worker["nthreads"]
            for address, worker in self._client.scheduler_info(n_workers=-1)["workers"].items()
        }

    def _warm_up(self, chunk: Chunk) -> None:
        """See that every worker sees the folder, and let one process of each machine fill its cache of compiled
        kernels."""
        self._warm = True
        addresses = sorted(self._threads())
        if not addresses:
            raise EngineLostError(
                f"the dask scheduler at {self._scheduler} has no workers; "
                f"start some with: dask worker {self._scheduler}"
            )
        seen = self._client.run(_sees, chunk.study.folder, workers=addresses)
        blind = sorted(address for address, sees in seen.items() if not sees)
        if blind:
            raise UsageError(
                f"the workers at {', '.join(blind)} do not see {chunk.study.folder}; put --out on a folder that "
                "every machine mounts under the same path"
            )
        first = {address.rsplit(":", 1)[0]: address for address in reversed(addresses)}
        self._client.run(_warm, chunk, workers=sorted(first.values()), on_error="ignore")


class _Answer(Future[ChunkReport]):
    """A future of ours that holds on to the cluster's, which would be forgotten otherwise."""

    def __init__(self, remote: Any) -> None:
        super().__init__()
        self._remote = remote

    def take(self, remote: Any) -> None:
        """Pass on the report, the error, or the loss of the worker."""
        from distributed import KilledWorker

        if remote.client.status != "running":  # closed by an interruption, or left by its scheduler: it can tell no more
            self.set_exception(_gone())
            return
        if remote.status == "error":
            error = remote.exception(timeout=60)
            self.set_exception(WorkerLostError(str(error)) if isinstance(error, KilledWorker) else error)
            return
        try:
            self.set_result(remote.result(timeout=60))
        except (CancelledError, TimeoutError, OSError) as error:  # done, but its worker died before it could tell
            self.set_exception(WorkerLostError(str(error)) if remote.client.status == "running" else _gone())


def _gone() -> EngineLostError:
    return EngineLostError(
        "the dask scheduler forgot its work: it was stopped or started anew. Finished runs "
        "are safe; then: chokepoint resume FOLDER --engine dask --scheduler ADDRESS"
    )


def _sees(folder: str) -> bool:
    return (Path(folder) / "manifest.json").is_file() and os.access(folder, os.W_OK)


def _warm(chunk: Chunk) -> None:
    run_case(chunk.study, chunk.cases[0])


def _distributed() -> tuple[Any, Any, Any]:
    try:
        import dask
        from distributed import Client, LocalCluster
    except ModuleNotFoundError:
        raise UsageError(
            '--engine dask needs dask.distributed; install it with: pip install "chokepoint[dask]"'
        ) from None
    return Client, LocalCluster, dask.config
