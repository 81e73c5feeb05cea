"""docs/validation.md: the parts that commands make, put between their markers; the prose around them stays.

    chokepoint screen history --out docs/touches.csv --workers 2
    chokepoint calibrate history --workers 2            then ship runs/calibrate-history/posterior.yaml in scenarios/
    chokepoint backtest history --facts open --workers 2
    chokepoint backtest history-endogenous-redesign --facts redesign --workers 2
    python -m experiments.validation
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.backtest import folder_of
from experiments.odd import table
from experiments.screening import MOST_INFLUENTIAL, of_one_fact, reach, read_csv

PAGE = Path(__file__).parent.parent / "docs" / "validation.md"
TOUCHES = PAGE.parent / "touches.csv"
SEEDS = 20


def scoreboard(world: str, facts: str) -> str:
    """What a backtest wrote. Raises FileNotFoundError where it was not run."""
    return (folder_of(world, facts, SEEDS) / "scoreboard.md").read_text(encoding="utf-8").strip()


def calibration() -> str:
    """Parameters with range, centre and what moves them; the folds."""
    return fit(json.loads((Path("runs") / "calibrate-history" / "calibration.json").read_text(encoding="utf-8")))


def fit(said: Mapping[str, Any]) -> str:
    """A calibration's JSON as Markdown."""
    out = {one["parameter"]: one for one in said["leave_one_out"]}
    rows = []
    for path, (low, high) in said["parameters"].items():
        one = out.get(path, {"dropped": "", "move": 0.0, "spread": 0.0})
        rows.append((f"`{path}`", f"{low:g} to {high:g}", f"{said['centre'][path]:.3g}", " ".join(said["touches"][path]),
                     one["dropped"], f"{one['move']:+.2f}", f"{one['spread']:.2f}"))
    errors = sorted(one["error_half_widths"] for one in said["emulators"].values())
    misfit, scored = said["misfit"], said["scored"]
    shares = ("fitted_share", "held_share", "held_share_when_fitted")
    folds = [(" ".join(fold["held"]), *(f"{fold[key]:.0%}" for key in shares)) for fold in said["folds"]]
    held, fitted = (sum(fold[key] for fold in said["folds"]) for key in ("held_share", "held_share_when_fitted"))
    lost = f"{1 - held / fitted:.0%}" if fitted else "–"
    return "\n".join((
        f"{said['runs']} runs of `{said['scenario']}` ({said['hash'][:12]}), {len(said['emulators'])} readings before "
        f"{said['cutoff']}. Misfit {misfit['own']:.3f} as the scenario stands, {misfit['centre']:.3f} at the centre, "
        f"{misfit['draws']:.3f} over the draws, which pass {scored['facts_passed']} of {scored['facts']} fitted facts and "
        f"{scored['groups_passed']} of "
        f"{scored['groups']} groups. Share of the box not implausible after each wave: "
        f"{', '.join(f'{share:.1%}' for share in said['standing'])}. Stated error of the emulators: median "
        f"{errors[len(errors) // 2]:.2f} half widths of a band.", "",
        table(("parameter", "range", "centre", "touches (emulators)", "nearest fact", "move without it, ranges", "spread, ranges"),
              rows), "", f"Two folds by group of origin. Over both, the held groups lose {lost} of what they pass when fitted.", "",
        table(("held out", "of the fitted groups pass", "of the held groups pass", "of the same when fitted"), folds)))


def influence() -> str:
    """The parameters that move the record most, and those that touch one fact only."""
    lines = read_csv(TOUCHES.read_text(encoding="utf-8"))
    free = {one.parameter for one in lines if one.free}
    rows = [(f"`{path}`", "free" if path in free else "fixed", f"{moved:.1f}", str(len(names)), " ".join(names[:6]))
            for path, moved, names in reach(lines)[:MOST_INFLUENTIAL]]
    return table(("parameter", "", "half widths", "facts", "most moved"), rows)


def one_fact() -> str:
    """Parameters that touch one fact only."""
    found = of_one_fact(read_csv(TOUCHES.read_text(encoding="utf-8")))
    return table(("parameter", "the one fact"), [(f"`{path}`", name) for path, name in found.items()])


PARTS = {
    "scoreboard": lambda: scoreboard("history", "open"),
    "redesign": lambda: scoreboard("history-endogenous-redesign", "redesign"),
    "calibration": calibration, "influence": influence, "one_fact": one_fact,
}


def renewed(text: str, parts: Mapping[str, str]) -> str:
    """The page with the content between each `<!-- made: NAME -->` and `<!-- end -->` that `parts` has; the rest stays."""

    def fill(match: re.Match[str]) -> str:
        return f"<!-- made: {match[1]} -->\n{parts[match[1]]}\n<!-- end -->" if match[1] in parts else match[0]

    return re.sub(r"<!-- made: (\w+) -->\n.*?<!-- end -->", fill, text, flags=re.DOTALL)


def main() -> None:
    """Renew the parts whose source is there; say which are not."""
    made = {}
    for name, make in PARTS.items():
        try:
            made[name] = make()
        except FileNotFoundError as error:
            print(f"{name}: not renewed, no {error.filename}")
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8"), made), encoding="utf-8")


if __name__ == "__main__":
    main()
