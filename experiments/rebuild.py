"""Rebuild: the report of a folder, from what is in it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sim.errors import UsageError


def _run_page(folder: Path) -> str:
    from experiments.report import folder_report

    return folder_report(folder)


def _comparison_page(folder: Path) -> str:
    from experiments.compare_report import folder_page

    return folder_page(folder, manifest_of(folder))


def _experiment_page(folder: Path) -> str:
    from experiments.experiment_report import experiment_report

    return experiment_report(folder)


def _search_page(folder: Path) -> str:
    from experiments.experiment_report import search_report

    return search_report(folder)


_PAGES: dict[str, Callable[[Path], str]] = {"run": _run_page, "comparison": _comparison_page, "experiment": _experiment_page}


def manifest_of(folder: Path) -> dict[str, Any]:
    """The manifest of a run's, a comparison's or an experiment's folder. Raises UsageError when there is none."""
    try:
        found: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{folder} holds no results (no manifest.json); chokepoint run writes such a folder") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder}/manifest.json cannot be read: {error}") from error
    if found.get("kind") not in _PAGES:
        raise UsageError(f"{folder} holds no run, comparison or experiment")
    return found


def citable(folder: Path) -> dict[str, Any]:
    """The manifest of a folder in the words of a run's. Raises UsageError when there is none."""
    found = manifest_of(folder)
    if found["kind"] != "experiment":
        return found
    from experiments.experiment_report import citation

    return citation(folder)


def rebuild(folder: Path) -> Path:
    """Write report.html anew, whole or not at all; its path."""
    searched = (folder / "round-0").is_dir()
    page = _search_page(folder) if searched else _PAGES[manifest_of(folder)["kind"]](folder)
    spare = folder / f".report.{os.getpid()}.tmp"
    try:
        spare.write_text(page, encoding="utf-8")
        os.replace(spare, folder / "report.html")
    except OSError as error:
        spare.unlink(missing_ok=True)
        raise UsageError(f"{folder}/report.html cannot be written: {error.strerror or error}") from error
    return folder / "report.html"
