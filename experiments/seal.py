"""Seal: a checksum that a page carries of itself, so that a number changed by hand is seen before anything is run again."""

from __future__ import annotations

import hashlib
import re

_PLACE = '<meta charset="utf-8">\n'
_SEAL = re.compile(r'<meta name="chokepoint-seal" content="(\w*)">\n')


def sealed(page: str) -> str:
    """A page with the checksum of all that it says."""
    return page.replace(_PLACE, f'{_PLACE}<meta name="chokepoint-seal" content="{_checksum(page)}">\n', 1)


def is_whole(page: str) -> bool:
    """Whether a page is as it was written; not when it has no seal."""
    found = _SEAL.search(page)
    return found is not None and found[1] == _checksum(_SEAL.sub("", page, count=1))


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
