"""Questions: what was asked of an experiment's folder, kept beside its results so that its report answers it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from experiments.provenance import canonical
from sim.errors import UsageError

Kind = Literal["attribute", "discover", "effect", "search"]
_FILE = "questions.json"


def keep(folder: Path, kind: Kind, words: Mapping[str, Any]) -> None:
    """Add a question to a folder; one asked before stays once. Raises UsageError when it cannot be written."""
    from experiments.store import write_whole

    known = kept(folder)
    asked = {"kind": kind, **words}
    if canonical(asked) not in map(canonical, known):
        write_whole(folder / _FILE, (json.dumps([*known, asked], indent=2, ensure_ascii=False) + "\n").encode())


def kept(folder: Path, kind: Kind | None = None) -> list[dict[str, Any]]:
    """The questions of a folder, of one kind or all, in the order asked. Raises UsageError when the file is damaged."""
    path = folder / _FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
        return [dict(one) for one in found if kind in (None, one["kind"])]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} cannot be read ({error}); remove it and ask again") from error
