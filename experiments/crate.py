"""Crate: RO-Crate 1.1 metadata of an experiment's folder (https://w3id.org/ro/crate/1.1), so that archives can read
it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from experiments.store import Store, write_whole

_FORMATS = {
    ".parquet": "application/vnd.apache.parquet",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".csv": "text/csv",
    ".html": "text/html",
}
_ABOUT = {
    "manifest.json": "What was asked: design, seeds, versions, hash of the model's sources",
    "failures.jsonl": "Failed runs, each with the command that reproduces it",
}


def write_crate(store: Store) -> Path:
    """Write ro-crate-metadata.json into a store's folder, every result file with size and sha256."""
    path = store.folder / "ro-crate-metadata.json"
    write_whole(path, (json.dumps(_crate(store), indent=2, ensure_ascii=False) + "\n").encode())
    return path


def _crate(store: Store) -> dict[str, Any]:
    manifest = store.manifest
    files = [
        _file(store.folder, path)
        for path in sorted(store.folder.rglob("*"))
        if path.suffix in _FORMATS and path.name != "ro-crate-metadata.json"
    ]
    names = [name for name, _ in manifest["study"]["scenarios"]]
    scenarios = [{"@id": file["@id"]} for file in files if file["@id"].startswith("scenarios/")]
    listed = [{"@id": file["@id"]} for file in files]
    return {
        "@context": "https://w3id.org/ro/crate/1.1/context",
        "@graph": [
            {
                "@id": "ro-crate-metadata.json",
                "@type": "CreativeWork",
                "about": {"@id": "./"},
                "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
            },
            {
                "@id": "./",
                "@type": "Dataset",
                "name": manifest["title"],
                "datePublished": manifest["created"],
                "description": f"Simulated runs by chokepoint of {', '.join(names)}",
                "hasPart": listed,
                "mentions": {"@id": "#batch"},
            },
            {
                "@id": "#batch",
                "@type": "CreateAction",
                "name": "chokepoint batch",
                "startTime": manifest["created"],
                "instrument": {"@id": "#chokepoint"},
                "object": scenarios,
                "result": listed,
            },
            {
                "@id": "#chokepoint",
                "@type": "SoftwareApplication",
                "name": "chokepoint",
                "softwareVersion": manifest["versions"].get("chokepoint", ""),
                "identifier": f"sha256:{manifest['study']['sources']}",
                "softwareRequirements": ", ".join(
                    f"{name} {said}" for name, said in sorted(manifest["versions"].items())
                ),
            },
            *files,
        ],
    }


def _file(folder: Path, path: Path) -> dict[str, Any]:
    with open(path, "rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    about = {
        "scenarios": "A resolved scenario, whole",
        "timeseries": "Tidy series of some runs",
        "runs": "One row a run: status and outcomes",
    }
    return {
        "@id": path.relative_to(folder).as_posix(),
        "@type": "File",
        "sha256": checksum,
        "contentSize": str(path.stat().st_size),
        "encodingFormat": _FORMATS[path.suffix],
        "name": _ABOUT.get(path.name) or about.get(path.parent.name, path.name),
    }
