"""numpy is kept from AVX-512, so that a run has the same bits on processors that have it and on those that have not."""

from __future__ import annotations

import os
import subprocess
import sys

from sim.arithmetic import vectors

HASH = "import sim; print(sim.arithmetic.vectors(), sim.run(sim.load('teaching/rush'), 1).hash)"


def said(code: str, **environment: str) -> str:
    return subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True,
                          env={**os.environ, **environment}).stdout.strip()


def test_a_run_has_the_same_bits_with_the_oldest_instructions() -> None:
    """What numpy uses of a newer processor, AVX2 among it, moves nothing, and AVX-512 is off where there is any."""
    assert said(HASH) == said(HASH, NPY_DISABLE_CPU_FEATURES="X86_V3")
    assert said(HASH).split()[0] == "common"


def test_what_a_user_leaves_aside_stays_so_and_workers_inherit_it() -> None:
    code = "import os, sim; print(os.environ['NPY_DISABLE_CPU_FEATURES'])"
    assert said(code, NPY_DISABLE_CPU_FEATURES="X86_V3").split() == ["X86_V3", "X86_V4", "AVX512_ICL", "AVX512_SPR"]
    assert said(code, NPY_DISABLE_CPU_FEATURES="X86_V4").split() == ["X86_V4", "AVX512_ICL", "AVX512_SPR"]


def test_a_process_that_had_numpy_first_says_what_it_uses() -> None:
    assert said("import numpy, os, sim; print(os.environ.get('NPY_DISABLE_CPU_FEATURES', 'as it was'))",
                NPY_DISABLE_CPU_FEATURES="") in ("", "as it was")
    assert vectors({"X86_V4": True}) == vectors({"AVX512_SKX": True}) == "AVX-512"
    assert vectors({"X86_V4": False, "AVX512_SKX": True}) == vectors({}) == "common"
