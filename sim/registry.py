"""Registries: a folder's variants by name, found by importing the folder and the installed entry points."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Generic, TypeVar

T = TypeVar("T")


class Registry(Generic[T]):
    """Variants of one kind by name, in the order of their names; a name is given once."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.provenance: dict[str, str] = {}
        """Name -> distribution and version, for the variants third parties bring."""
        self._items: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator that files a variant under `name`; raises ValueError on a name already taken."""

        def keep(item: T) -> T:
            if name in self._items and self._items[name] is not item:
                raise ValueError(f'{self.kind} "{name}" is registered twice')
            self._items[name] = item
            return item

        return keep

    def __getitem__(self, name: str) -> T:
        return self._items[name]

    def __contains__(self, name: str) -> bool:
        return name in self._items

    @property
    def names(self) -> list[str]:
        return sorted(self._items)


_FOUND: set[str] = set()
"""Packages whose folder and entry points were looked through in this process."""


def discover(package: str, group: str | None = None, registry: Registry[T] | None = None) -> None:
    """Import every module of `package`, then what third parties registered under the entry-point `group`; once a process."""
    if package in _FOUND:
        return
    folder = importlib.import_module(package)
    for module in sorted(info.name for info in pkgutil.iter_modules(folder.__path__)):
        importlib.import_module(f"{package}.{module}")
    for point in entry_points(group=group) if group else ():
        before = set(registry.names) if registry else set()
        point.load()
        if registry and point.dist:
            for name in sorted(set(registry.names) - before):
                registry.provenance[name] = f"{point.dist.name} {point.dist.version}"
    _FOUND.add(package)
