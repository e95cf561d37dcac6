"""What to write where a cell failed for a name that another cell has."""

from __future__ import annotations

import re
from collections.abc import Callable

from strata.analysis.targets import CellNames
from strata.core.label import Label
from strata.core.result import CellFailure

_NAME = re.compile(r"name '(\w+)' is not defined|^'(\w+)'$")
"""As `NameError` says it, and as `KeyError` does for `globals()["n"]`."""


def advice(names: CellNames) -> Callable[[Label, CellFailure], str | None]:
    """For a failure of a cell: the cell that has the name that it looked for in vain, or None.

    A cell gets the names that its text shows; one that it makes up while it runs
    (`eval("n + 1")`) does not count.
    """

    def advise(label: Label, failure: CellFailure) -> str | None:
        found = _NAME.search(failure.message)
        if failure.type not in ("NameError", "KeyError") or found is None:
            return None
        name = found[1] or found[2]
        place = next(names.definers[label.package].earlier(name, names.position(label)), None)
        if place is None:
            return None
        definer = names.cells[label.package][place].label
        return f"{definer} defines it: write `{name}` in the cell, so that it is handed in"

    return advise
