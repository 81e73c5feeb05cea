"""Kernel: how a compiled function of ours is compiled: kept on disk (see `sim.kernels_cache`), without the entrance for C that
nobody calls, and without what numba would import for features that none of ours uses.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
from numba import njit
from numba.core import types
from numba.extending import typeof_impl
from numba.np.numpy_support import from_dtype, map_layout

kernel: Callable[..., Callable[..., Any]] = partial(njit, cache=True, no_cfunc_wrapper=True)
"""Compiles a function when it is first called; with error_model="numpy" it divides without looking for noughts."""

_usual_type_of = typeof_impl.dispatch(np.ndarray)


@typeof_impl.register(np.ndarray)
def _type_of(array: Any, context: Any) -> Any:
    """numba's own would import numpy.ma, a tenth of a second, to see that an array is not masked; before somebody else imports it,
    none is."""
    if "numpy.ma" in sys.modules or array.dtype.kind not in "biuf":
        return _usual_type_of(array, context)
    return types.Array(from_dtype(array.dtype), array.ndim, map_layout(array), readonly=not array.flags.writeable)


def _without_blas() -> None:
    """Let numba's first call not import scipy.linalg, a fifth of a second and more: it would register linear algebra, which no
    kernel here uses, as it adds up in an order of its own."""
    if "scipy.linalg" in sys.modules or "numba.np.arraymath" in sys.modules:
        return
    sys.modules["scipy.linalg"] = None  # type: ignore[assignment]  # what makes an import of it fail
    try:
        import_module("numba.np.arraymath")
    finally:
        del sys.modules["scipy.linalg"]


_without_blas()
