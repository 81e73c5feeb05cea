"""Mesa's core: its Model and Agent, without the libraries that only other parts of it ask for.

`import mesa` brings pandas, scipy and its spaces, 0.6 s and 70 MB that a world of columns never uses. Their places are held while
Mesa is imported; whoever asks for something of them later gets the real ones.
"""

from __future__ import annotations

import inspect
import sys
from importlib import import_module
from types import ModuleType
from typing import Any

NOT_USED = ("pandas", "mesa.discrete_space", "mesa.experimental", "mesa.space", "mesa.batchrunner")


class Later(ModuleType):
    """Holds the place of a module that is imported when something of it is first asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what the import system asks of every module
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            return lambda *given, **named: getattr(import_module(self.__name__), name)(*given, **named)
        return getattr(import_module(self.__name__), name)


def _caller_alone(context: int = 1) -> Any:
    """What Mesa's loggers read of the stack: who asked, in second place. All of it with its source lines takes 0.08 s."""
    asked = sys._getframe(1)
    return [(asked,), (asked.f_back,)]


def _import_core() -> None:
    held = {name: Later(name) for name in NOT_USED if name not in sys.modules}
    sys.modules.update(held)
    stack, inspect.stack = inspect.stack, _caller_alone
    try:
        import_module("mesa")
    finally:
        inspect.stack = stack
        for name, module in held.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


if "mesa" not in sys.modules:
    _import_core()

from mesa import Agent, Model  # noqa: E402  # after its neighbours' places are held

__all__ = ["Agent", "Model"]
