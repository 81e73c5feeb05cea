"""chokepoint: the AI-chip trade under export controls, simulated. The public door: load, build, run, Result.

The door opens on first use, so that `import sim.errors` or a scenario that is refused does not wait for Mesa and numba.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim import arithmetic as arithmetic  # first: numpy reads what to leave aside when it is imported
from sim import kernels_cache as kernels_cache  # and numba its cache folder

if TYPE_CHECKING:
    from sim.door import build as build
    from sim.door import run as run
    from sim.results import Result as Result
    from sim.scenario_io import load as load

__all__ = ["Result", "build", "load", "run"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'sim' has no attribute {name!r}")
    if name == "Result":
        from sim.results import Result

        return Result
    if name == "load":
        from sim.scenario_io import load

        return load
    from sim import door

    return getattr(door, name)
