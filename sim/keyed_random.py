"""Keyed draws: every random number is a pure function of (seed, key, tick, draw).

A key is the hash of names (actor, event, counterpart), never a row number, so adding an actor, a rule or a
metric shifts nobody else's luck, and policy minus baseline on one seed is the policy. One Philox4x32-10
(Salmon, Moraes, Dror & Shaw 2011, doi:10.1145/2063384.2063405) serves Python and kernels alike.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
from numba import uint32, uint64
from numpy.typing import NDArray

from sim.kernel import kernel

_MASK = 0xFFFFFFFF


def key_of(*names: object) -> np.uint64:
    """64-bit key of a sequence of names; the same on every machine and for every PYTHONHASHSEED."""
    text = "\x1f".join(str(name) for name in names)
    return np.uint64(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little"))


def keys_of(event: str, names: tuple[str, ...] | list[str]) -> NDArray[np.uint64]:
    """Keys of one event for many names, in their order."""
    return np.array([key_of(event, name) for name in names], dtype=np.uint64)


@kernel
def philox(seed, key, tick, draw):  # type: ignore[no-untyped-def]
    """Philox4x32-10 on counter (draw, tick, seed) and the 64-bit key; returns 64 random bits."""
    c0 = uint32(draw & 0xFFFFFFFF)
    c1 = uint32(tick & 0xFFFFFFFF)
    c2 = uint32(seed & 0xFFFFFFFF)
    c3 = uint32((uint64(seed) >> uint64(32)) & uint64(0xFFFFFFFF))
    k0 = uint32(uint64(key) & uint64(0xFFFFFFFF))
    k1 = uint32((uint64(key) >> uint64(32)) & uint64(0xFFFFFFFF))
    for _ in range(10):
        p0 = uint64(0xD2511F53) * uint64(c0)
        p1 = uint64(0xCD9E8D57) * uint64(c2)
        n0 = uint32((p1 >> uint64(32)) & uint64(0xFFFFFFFF)) ^ c1 ^ k0
        n1 = uint32(p1 & uint64(0xFFFFFFFF))
        n2 = uint32((p0 >> uint64(32)) & uint64(0xFFFFFFFF)) ^ c3 ^ k1
        n3 = uint32(p0 & uint64(0xFFFFFFFF))
        c0, c1, c2, c3 = uint32(n0), n1, uint32(n2), n3
        k0 = uint32((uint64(k0) + uint64(0x9E3779B9)) & uint64(0xFFFFFFFF))
        k1 = uint32((uint64(k1) + uint64(0xBB67AE85)) & uint64(0xFFFFFFFF))
    return (uint64(c0) << uint64(32)) | uint64(c1)


@kernel
def uniform(seed, key, tick, draw):  # type: ignore[no-untyped-def]
    """One draw in the open interval (0, 1)."""
    return (np.float64(philox(seed, key, tick, draw) >> uint64(11)) + 0.5) / 9007199254740992.0


@kernel
def normal(seed, key, tick, draw):  # type: ignore[no-untyped-def]
    """One standard normal draw (Box & Muller 1958, doi:10.1214/aoms/1177706645); uses draws 2*draw and 2*draw + 1."""
    radius = math.sqrt(-2.0 * math.log(uniform(seed, key, tick, 2 * draw)))
    return radius * math.cos(2.0 * math.pi * uniform(seed, key, tick, 2 * draw + 1))


@kernel
def uniforms(seed, keys, tick, draw):  # type: ignore[no-untyped-def]
    """One draw in (0, 1) for each key; (n,) float64."""
    out = np.empty(len(keys), dtype=np.float64)
    for i in range(len(keys)):
        out[i] = uniform(seed, keys[i], tick, draw)
    return out
