"""Imports that stand when a cell has run: its own, and what those of cells before it left.

`from m import *` leaves names that nobody can list. `import a.b` leaves more than the name `a`:
from then on `a` has `b`, for whoever reads `a`, also after an `import a.c` of a later cell.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from strata.loading.scope import DefinitionKind, Scan


def stars(scans: Sequence[Scan]) -> list[tuple[str, ...]]:
    """For each cell, its star imports and those before it, in order."""
    found: list[tuple[str, ...]] = []
    so_far: tuple[str, ...] = ()
    for scan in scans:
        if scan.star_imports:
            # The same statement once more only moves it to the end: later names win.
            before = (s for s in so_far if s not in scan.star_imports)
            so_far = (*before, *scan.star_imports)
        found.append(so_far)
    return found


def packages(scans: Sequence[Scan]) -> list[dict[str, tuple[str, ...]]]:
    """For each cell, by name, what stands of each package that it imports: `import a`, `import a.b`

    of its own and of cells before it, up to one that makes the name something else.
    """
    found: list[dict[str, tuple[str, ...]]] = []
    so_far: dict[str, tuple[str, ...]] = {}
    for scan in scans:
        own = _imported(scan)
        here = {n: tuple(dict.fromkeys((*so_far.get(n, ()), *own[n]))) for n in own}
        for name in scan.binds:
            so_far.pop(name, None)
        so_far.update(here)
        found.append(here)
    return found


def unasked(scan: Scan, standing: Mapping[str, Iterable[str]], known: Collection[str]) -> list[str]:
    """Names of earlier cells that a cell may use without looking them up, sorted.

    Those in annotations that are text, unless they are `known`; and packages that the cell imports,
    `standing` as they do, of which it names a part that only an earlier cell imports.
    """
    hints = {name for d in scan.definitions.values() for name in d.text_reads}
    own = _imported(scan)
    parts = {
        name
        for name, statements in standing.items()
        if any(_names(scan, other) for other in set(statements).difference(own[name]))
    }
    return sorted(hints.difference(scan.binds, known) | parts)


def _names(scan: Scan, statement: str) -> bool:
    """Whether the cell names the part of a package that `statement` imports."""
    part = statement.removeprefix("import ")
    return "." in part and re.search(rf"\b{re.escape(part)}\b", scan.normalized) is not None


def _imported(scan: Scan) -> Mapping[str, Sequence[str]]:
    """The packages that a cell imports by their own names, and the statements that do it."""
    found = {}
    for definition in scan.definitions.values():
        if definition.kind is DefinitionKind.IMPORT:
            statements = definition.source.split("\n")
            if all(s.startswith("import ") and " as " not in s for s in statements):
                found[definition.name] = statements
    return found
