"""What data frames of all libraries have in common: columns that came, went, or changed type.

A library's own module says which rows belong together, and hands over columns in that order.
"""

from __future__ import annotations

import sys

from .numbers import PIECE, Drift
from .walk import short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Optional

MOST_COLUMNS = 50
"""Columns of one sort that are described; all are counted."""
MOST_LISTED = 20
"""Rows of one sort that are named; all are counted."""
MOST_EXAMPLES = 3


def columns_detail(old: Mapping[Any, str], new: Mapping[Any, str]) -> dict[str, Any]:
    """What became of the columns, given their types by name, in order."""
    kept = [name for name in new if name in old]
    added = [{"name": str(n), "type": new[n]} for n in new if n not in old]
    removed = [{"name": str(n), "type": old[n]} for n in old if n not in new]
    retyped = [{"name": str(n), "old": old[n], "new": new[n]} for n in kept if old[n] != new[n]]
    return {
        "counts": {"added": len(added), "removed": len(removed), "retyped": len(retyped)},
        "added": added[:MOST_COLUMNS],
        "removed": removed[:MOST_COLUMNS],
        "retyped": retyped[:MOST_COLUMNS],
        "reordered": [n for n in old if n in new] != kept,
    }


def table_detail(
    rows_count: list[int],
    columns_count: list[int],
    columns: dict[str, Any],
    rows: dict[str, Any],
    index: Optional[dict[str, Any]],
    cells: list[dict[str, Any]],
) -> Optional[dict[str, Any]]:
    """The difference of two tables; None where there is none."""
    renamed = any(columns["counts"].values()) or columns["reordered"]
    moved = rows["added"] or rows["removed"] or rows["reordered"] or index
    if not (renamed or moved or cells):
        return None
    return {
        "rows_count": rows_count,
        "columns_count": columns_count,
        "columns": columns,
        "rows": rows,
        "index": index,
        "cells": cells[:MOST_COLUMNS],
        "changed_columns": len(cells),
        "changed_cells": sum(cell["changed"] for cell in cells),
    }


def rows_detail(by: str, added: Any, removed: Any, reordered: bool = False) -> dict[str, Any]:
    """What became of the rows, given the labels or places of those that came and went."""
    return {
        "matched_by": by,
        "added": len(added),
        "removed": len(removed),
        "reordered": reordered,
        "added_rows": _listed(added),
        "removed_rows": _listed(removed),
    }


def _listed(rows: Any) -> list[str]:
    """The first of some row labels, as text."""
    return [cell_text(row) for row in list(rows[:MOST_LISTED])]


def cell_text(cell: Any) -> str:
    """One cell, or one row's label."""
    return short(cell.item() if getattr(cell, "shape", None) == () else cell)


def column_detail(
    name: object, changed: int, compared: int, examples: list[list[str]], drift: Any
) -> dict[str, Any]:
    """One column in which values differ, or whose statistics do."""
    return {
        "column": str(name),
        "changed": changed,
        "compared": compared,
        "examples": examples,
        "drift": drift,
    }


def drift_of(old: Any, new: Any, paired: bool) -> dict[str, Any]:
    """The drift of two columns that are arrays of float64, NaN for what is missing."""
    np: Any = sys.modules["numpy"]
    drift = Drift(np)
    for start in range(0, max(len(old), len(new)), PIECE):
        part = slice(start, start + PIECE)
        drift.add(old[part], new[part], paired)
    return drift.values()


def has_moved(drift: Any) -> bool:
    """Whether some statistic is another one."""
    pairs = (drift[name] for name in ("mean", "std", "min", "max", "missing"))
    return any(old != new for old, new in pairs)
