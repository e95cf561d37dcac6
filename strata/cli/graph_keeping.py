"""Writing the graph of all cells down, for questions that are asked later in the same folder.

By a command that knows every notebook, from what it looked at meanwhile (`strata.cli.proving`). How
it is read back is `strata.cli.graph_memory`.
"""

from __future__ import annotations

import contextlib
import marshal
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from strata.cli import stamp
from strata.cli.graph_memory import Notices, Remembered, asked_in, plain_cell
from strata.cli.stamping import Entries, Owners, Section, merged, stamp_of

if TYPE_CHECKING:
    from strata.cli.invocation import Cells, Opened
    from strata.cli.proving import Proof


def keep_graph(
    proof: Proof,
    opened: Opened,
    cells: Cells,
    looked_at: tuple[Entries, Owners],
    unchanged: Mapping[str, Remembered],
) -> None:
    """Leaves the graph of `cells` and of the notebooks that are `unchanged`: together all there is.

    `looked_at` is everything that counts, and for whom something of it has moved meanwhile: these
    are loaded again next time.
    """
    entries, moved = looked_at
    known = {**unchanged, **remembered(cells, proof.notices_of)}
    sections = [
        Section(frozenset({package}), (), proof.notices_of({package}), package not in moved)
        for package in cells.names.cells
    ]
    sections += [Section(frozenset(pair)) for pair in cells.imports]
    if proof.narrowed is None:
        everybodys = Section(frozenset(), (), proof.notices_of(_nobodys(proof, cells)))
    else:
        everybodys = proof.narrowed.everybodys
        sections += proof.narrowed.unchanged
    plain = {package: tuple(one) for package, one in known.items()}
    kept = stamp_of(everybodys, merged(sections), entries, proof.environ.asked, plain)
    with contextlib.suppress(OSError):  # then the next question loads notebooks, too
        stamp.write(str(opened.state), asked_in(str(opened.current)), kept)


def forget_graph(opened: Opened) -> None:
    """Nothing is remembered for this folder any more."""
    place = stamp.place(asked_in(str(opened.current)))
    stamp.remove(str(opened.state / stamp.FOLDER / place))


def _nobodys(proof: Proof, cells: Cells) -> set[str | None]:
    """For whom things were said that belong to no notebook: searching the tree, and settings."""
    return {package for package, _, _ in proof.notices} - {*cells.names.cells}


def remembered(
    cells: Cells, notices_of: Callable[[Iterable[str | None]], Notices]
) -> dict[str, Remembered]:
    """The notebooks of `cells`, as they are kept, with what was said while they were loaded."""
    graph = cells.graph
    imports: dict[str, list[str]] = {}
    for package, other in sorted(cells.imports):
        imports.setdefault(package, []).append(other)
    found = {}
    for notebook in cells.notebooks:
        package = notebook.package
        definers = cells.names.definers[package]
        plain = [plain_cell(graph.cells[cell.label], cell.file) for cell in notebook.cells]
        positions = {name: tuple(places) for name, places in definers.positions.items()}
        data = marshal.dumps((plain, positions, dict(definers.changes)))
        named = tuple(imports.get(package, ()))
        found[package] = Remembered(named, notices_of({package}), data)
    return found
