"""Import ban: goods that a country does not let in."""

from __future__ import annotations

from typing import ClassVar, Literal

from sim.levers.base import Control, Sphere, lever


@lever("import_ban")
class ImportBan(Control):
    """Closed at the border of the rule's authors; with `policy: case_by_case` an import licence."""

    activities: ClassVar[tuple[str, ...]] = ("sale", "reexport")
    sphere: ClassVar[Sphere] = "import"

    lever: Literal["import_ban"] = "import_ban"
    policy: Literal["ban", "denial", "case_by_case", "notify"] = "ban"
