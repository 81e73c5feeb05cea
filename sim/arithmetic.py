"""Arithmetic: numpy without AVX-512, whose exp, log and power differ from every other processor's in the last digit.

All else the model adds, multiplies and compiles is the same on every x86-64 processor; with this a run has the same bits on
machines that have AVX-512 and on those that have not. It costs nothing that a whole run shows.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping

WIDE = ("X86_V4", "AVX512_ICL", "AVX512_SPR")
"""numpy's names of what it uses on such a processor, since its version 2.4."""

_SWITCH = "NPY_DISABLE_CPU_FEATURES"


def narrow() -> None:
    """Ask numpy to leave AVX-512 aside, here and in processes started from here. Called before numpy is first imported; a
    process that has it already stays as it is, which `vectors` tells."""
    if "numpy" in sys.modules or platform.machine() not in ("x86_64", "AMD64") or "NPY_ENABLE_CPU_FEATURES" in os.environ:
        return
    given = os.environ.get(_SWITCH, "").replace(",", " ").split()
    os.environ[_SWITCH] = " ".join([*given, *(name for name in WIDE if name not in given)])


def vectors(features: Mapping[str, bool] | None = None) -> str:
    """"AVX-512" where numpy uses it (by its own table of features), else "common": results of the two differ in their last
    digits."""
    from numpy._core import _multiarray_umath as core  # type: ignore[attr-defined]

    used: Mapping[str, bool] = core.__cpu_features__ if features is None else features
    return "AVX-512" if used.get("X86_V4", used.get("AVX512_SKX", False)) else "common"


narrow()
