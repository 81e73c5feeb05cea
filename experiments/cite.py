"""Cite: BibTeX for the model, its data and a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.provenance import source_hash, versions

_MODEL = """@software{{chokepoint,
  title   = {{chokepoint: an agent-based simulation of the AI-chip trade under export controls}},
  author  = {{{{The chokepoint founders}}}},
  version = {{{version}}},
  year    = {{2026}},
  license = {{Apache-2.0}},
  note    = {{Model sources {sources}}}
}}"""

_DATA = """@misc{{chokepoint-data,
  title  = {{AI chips, export rules, actors and lanes, 2022-2026: the data shipped with chokepoint}},
  author = {{{{The chokepoint founders}}}},
  year   = {{2026}},
  note   = {{Version {version}; source and licence of every table in scenarios/LICENSE}}
}}"""

_RUN = """@misc{{chokepoint-run-{run},
  title  = {{chokepoint run {run}: {title}}},
  author = {{{{The chokepoint founders}}}},
  year   = {{2026}},
  note   = {{Scenario {scenario}{overrides}, seed {seeds}; model {version}, sources {sources}; result {hash}}}
}}"""


def bibtex(manifest: Mapping[str, Any] | None = None) -> str:
    """Entries for model and data, and for the run a manifest is of."""
    version = versions().get("chokepoint", "unknown")
    entries = [_MODEL.format(version=version, sources=source_hash()[:12]), _DATA.format(version=version)]
    if manifest:
        run = manifest["scenario"]
        said = ", ".join(run["overrides"])
        entries.append(
            _RUN.format(
                run=manifest["run_id"],
                title=run["title"] or run["name"],
                scenario=run["name"],
                overrides=f" with {said}" if said else "",
                seeds=", ".join(map(str, manifest["seeds"])),
                version=manifest["code"]["version"],
                sources=manifest["code"]["sources"][:12],
                hash=manifest["hash"][:16],
            )
        )
    return "\n\n".join(entries)
