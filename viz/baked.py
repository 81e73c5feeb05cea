"""Baked: frames of shipped worlds kept on disk, so that a preset is there at once. What is kept is named by the sources of the
model and of the page, by every word of the scenario and by the seed, so nothing stale is ever read."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from sim.provenance import digest, lock_hash, source_hash
from sim.record import Event
from viz.making import Framed, Ground
from viz.map import Node, Plan

MOST_FOLDERS = 3
"""Folders of other sources left in place, for other checkouts."""


@cache
def mark() -> str:
    """Hash of all that frames depend on beside scenario and seed."""
    here = Path(__file__).parent
    return digest(source_hash(), lock_hash(), *(path.read_text(encoding="utf-8") for path in sorted(here.glob("*.py"))))[:16]


def usual_folder() -> Path:
    """Where baked frames lie: the user's cache."""
    given = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(given) / "chokepoint"


class Shelf:
    """Frames and bands by what they are of; a shelf that cannot be written keeps nothing and says nothing."""

    def __init__(self, parent: Path | None = None) -> None:
        self._parent = parent or usual_folder()
        self._folder = self._parent / f"frames-{mark()}"

    def framed(self, words: Sequence[Any]) -> Framed | None:
        """The frames of `words`: scenario layers, changes, seed."""
        said = self._read("frames", words)
        if said is None:
            return None
        nodes = tuple(Node(**{**node, "actors": tuple(node["actors"])}) for node in said["nodes"])
        plan = Plan(nodes, tuple(said["edges"]), np.array(said["node_of"], dtype=np.int64), tuple(said["names"]))
        ground = Ground(plan, tuple((a, b, k) for a, b, k in said["lanes"]))
        events = tuple(Event(*row) for row in said["events"])
        return Framed(said["text"], said["hash"], events, tuple(said["series"]), said["wall_s"], ground)

    def keep(self, words: Sequence[Any], framed: Framed) -> None:
        plan = framed.ground.plan
        said = {
            "text": framed.text,
            "hash": framed.hash,
            "series": framed.series,
            "wall_s": framed.wall_s,
            "events": [_plain(event) for event in framed.events],
            "nodes": [asdict(node) for node in plan.nodes],
            "edges": plan.edges,
            "node_of": plan.node_of.tolist(),
            "names": plan.names,
            "lanes": framed.ground.lanes,
        }
        self._write("frames", words, said)

    def bands(self, words: Sequence[Any]) -> dict[str, Any] | None:
        """The bands over seeds of `words`: scenario layers, changes, number of seeds."""
        return self._read("bands", words)

    def keep_bands(self, words: Sequence[Any], bands: Mapping[str, Any]) -> None:
        self._write("bands", words, bands)

    def _path(self, kind: str, words: Sequence[Any]) -> Path:
        return self._folder / f"{kind}-{digest(json.dumps(words, sort_keys=True, default=str))[:24]}.json.gz"

    def _read(self, kind: str, words: Sequence[Any]) -> dict[str, Any] | None:
        try:
            return dict(json.loads(gzip.decompress(self._path(kind, words).read_bytes())))
        except (OSError, EOFError, ValueError):
            return None

    def _write(self, kind: str, words: Sequence[Any], said: Mapping[str, Any]) -> None:
        path = self._path(kind, words)
        try:
            if not path.parent.exists():
                path.parent.mkdir(parents=True)
                self._prune()
            number, beside = tempfile.mkstemp(dir=path.parent)
            with os.fdopen(number, "wb") as file:
                file.write(gzip.compress(json.dumps(said, separators=(",", ":")).encode(), 5, mtime=0))
            os.replace(beside, path)
        except OSError:
            return

    def _prune(self) -> None:
        others = [path for path in self._parent.glob("frames-*") if path != self._folder and path.is_dir()]
        for path in sorted(others, key=lambda one: one.stat().st_mtime)[:-MOST_FOLDERS]:
            shutil.rmtree(path, ignore_errors=True)


def _plain(event: Event) -> list[Any]:
    return [value.item() if isinstance(value, np.generic) else value for value in event]
