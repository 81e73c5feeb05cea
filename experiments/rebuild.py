"""Rebuild: the report of a folder, from what is in it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from sim.errors import UsageError


def manifest_of(folder: Path) -> dict[str, Any]:
    """The manifest of a run's or a comparison's folder. Raises UsageError when there is none."""
    try:
        found: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{folder} holds no results (no manifest.json); chokepoint run writes such a folder") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder}/manifest.json cannot be read: {error}") from error
    if found.get("kind") not in ("run", "comparison"):
        raise UsageError(f"{folder} holds neither a run nor a comparison")
    return found


def rebuild(folder: Path) -> Path:
    """Write report.html anew, whole or not at all; its path."""
    from experiments.compare_report import folder_page
    from experiments.report import folder_report

    manifest = manifest_of(folder)
    page = folder_report(folder) if manifest["kind"] == "run" else folder_page(folder, manifest)
    spare = folder / f".report.{os.getpid()}.tmp"
    try:
        spare.write_text(page, encoding="utf-8")
        os.replace(spare, folder / "report.html")
    except OSError as error:
        spare.unlink(missing_ok=True)
        raise UsageError(f"{folder}/report.html cannot be written: {error.strerror or error}") from error
    return folder / "report.html"
