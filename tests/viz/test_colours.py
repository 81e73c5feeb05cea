"""Colours as people without red, green or blue cones see them: what differs by colour alone must still differ.

Simulation: Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color vision deficiency" (2009),
doi:10.1109/TVCG.2009.113, at full severity; distance: CIE 1976 L*a*b*, D65, where 2.3 is just seen and 20 seen at a glance.
"""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import viz

STAGE = Path(viz.__file__).parent / "stage"
GLANCE = 20.0

SIGHT = {
    "full": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def palette() -> tuple[dict[str, tuple[str, str]], dict[str, str], dict[str, str]]:
    """Lanes (colour, dash), marks by jurisdiction, and named inks, read from the script the page runs."""
    core, picture = ((STAGE / name).read_text(encoding="utf-8") for name in ("core.js", "picture.js"))
    lanes = {
        kind: (colour, dash) for kind, colour, dash in re.findall(r'(\w+): \{ colour: "(#\w{6})", dash: \[([^\]]*)\]', core)
    }
    fill = dict(re.findall(r'(\w+): "(#\w{6})"', re.search(r"const FILL = \{(.*?)\}", picture)[1]))  # type: ignore[index]
    inks = dict(re.findall(r'(\w+) = "(#\w{6})"', core))
    assert len(lanes) == 6 and len(fill) == 3 and {"BASE", "POLICY", "BARRED"} <= set(inks)
    return lanes, fill, inks


def lab(colour: str, sight: str) -> NDArray[np.float64]:
    """L*a*b* of a colour as seen."""
    part = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.asarray(SIGHT[sight]) @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ seen
    share = xyz / np.array([0.9505, 1.0, 1.089])
    f = np.where(share > 0.008856, np.cbrt(share), 7.787 * share + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(a: str, b: str, sight: str) -> float:
    return float(np.linalg.norm(lab(a, sight) - lab(b, sight)))


@pytest.mark.parametrize("sight", SIGHT)
def test_what_differs_by_colour_alone_differs_for_all(sight: str) -> None:
    lanes, fill, inks = palette()
    close = [
        (a, b)
        for (a, (one, dash)), (b, (two, other)) in combinations(lanes.items(), 2)
        if dash == other and distance(one, two, sight) < GLANCE
    ]
    close += [(a, b) for a, b in combinations(fill, 2) if distance(fill[a], fill[b], sight) < GLANCE]
    close += [(a, b) for a, b in (("BASE", "POLICY"),) if distance(inks[a], inks[b], sight) < GLANCE]
    assert not close


def test_the_distance_is_the_known_one_and_the_simulation_does_something() -> None:
    assert distance("#000000", "#ffffff", "full") == pytest.approx(100, abs=0.1)
    assert distance("#d62728", "#2ca02c", "full") > 100 > 40 > distance("#b0503a", "#7a7a2a", "deutan")


def test_no_two_kinds_of_lane_share_colour_and_dash() -> None:
    lanes, _, _ = palette()
    assert len(set(lanes.values())) == len(lanes)
