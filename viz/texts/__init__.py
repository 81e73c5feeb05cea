"""Every word the page says, one file a language."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any


def languages() -> list[str]:
    """Codes of the languages there are texts for."""
    return sorted(module.name for module in iter_modules(__path__))


def texts(language: str = "en") -> dict[str, Any]:
    """The texts of a language, English where it has none yet."""
    english: dict[str, Any] = import_module("viz.texts.en").TEXTS
    if language == "en" or language not in languages():
        return english
    return {**english, **import_module(f"viz.texts.{language}").TEXTS}
