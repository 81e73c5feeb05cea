"""What the tests of experiments share: small designs of the toy models, carried out and compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from experiments import batch
from experiments.batch import EngineChoice, Progress
from experiments.design import Design
from experiments.store import Store

SEQUENTIAL = EngineChoice("sequential", 1)
PAIR = EngineChoice("local", 2)


def design(**words: Any) -> Design:
    """Thirty draws of two inputs on two seeds, unless said otherwise."""
    said: dict[str, Any] = {
        "scenario": "toy",
        "uncertainties": {"x1": [-3.0, -2.0, -1.0, 1.0, 2.0, 3.0], "x2": [-3.0, -1.5, 0.0, 1.5, 3.0]},
        "constants": {"noise": 0.1},
        "seeds": 2,
        "outcomes": {"y_end": "y"},
    }
    return Design.model_validate({**said, **words})


def begin(folder: Path, said: Design | None = None, model: str = "ishigami") -> Store:
    return batch.start(said or design(), folder, f"tests.experiments.toys:{model}")


def done(folder: Path, said: Design | None = None, model: str = "ishigami", choice: EngineChoice = SEQUENTIAL) -> Store:
    """A store with every run in it."""
    store = begin(folder, said, model)
    batch.carry_out(store, choice)
    return store


def carry(store: Store, choice: EngineChoice = SEQUENTIAL, **words: Any) -> Progress:
    return batch.carry_out(store, choice, **words)[0]


def bits(store: Store) -> str:
    """sha256 of the sorted table."""
    path = store.folder / "table.parquet"
    said = store.write_table(path)
    path.unlink()
    return said
