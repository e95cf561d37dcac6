"""Edits of cells that move names: after them another cell may be where a name comes from.

No edge of the graph of today leads from such a cell to who read the name of it before. Superset:
who mentions the name in the same notebook, or gets it from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from strata.analysis.definers import is_private
from strata.analysis.scanned import scan_cell
from strata.cli.invocation import Cells
from strata.core.dataclass import replace
from strata.core.errors import LabelError
from strata.core.label import Label, parse_pattern
from strata.loading.annotations import comments_of, parse_annotations
from strata.loading.directives import read_directives
from strata.loading.model import Cell, Directives, Notebook
from strata.loading.scope import DefinitionKind, Scan


def touched_by_edits(
    cells: Cells, before: Mapping[Label, bytes | None], renewed: frozenset[str]
) -> Iterator[Label]:
    """The cells that may get a name from another cell than before.

    `before`: what the files of edited cells had in them; None where they were not there. `renewed`:
    notebooks of which more than that changed, there now or not.
    """
    moved: dict[str, set[str] | None] = {}
    for label, content in before.items():
        names = _moved(cells, label, content)
        known = moved.setdefault(label.package, set())
        moved[label.package] = None if names is None or known is None else known | names
    for package in renewed:
        moved[package] = None
    moved = {package: names for package, names in moved.items() if names is None or names}
    if moved:
        for notebook in cells.notebooks:
            yield from _touched(cells, notebook, moved, renewed)


def _touched(
    cells: Cells,
    notebook: Notebook,
    moved: Mapping[str, set[str] | None],
    renewed: frozenset[str],
) -> Iterator[Label]:
    own = moved.get(notebook.package, set())
    given = {i.name for i in notebook.inputs if _package(i.pattern, notebook.package) in moved}
    for cell in notebook.cells:
        after = {_package(text, notebook.package) for text in cell.directives.after}
        is_renewed = own is None or not after.isdisjoint(renewed)
        names = given if own is None else own | given
        if is_renewed or (names and not names.isdisjoint(_mentions(cells, cell.label))):
            yield cell.label


def _moved(cells: Cells, label: Label, content: bytes | None) -> set[str] | None:
    """Names that the cell does otherwise than before; None for any: it imports them with a star."""
    cell = cells.scanned[label].cell
    old_cell = _with_source(cell, (content or b"").decode("utf-8-sig", "replace"))
    old, new = scan_cell(old_cell).scan, cells.scanned[label].scan
    if old.star_imports != new.star_imports:
        return None
    changed = {*_roles(old, old_cell.directives)} ^ {*_roles(new, cell.directives)}
    return {name for name, _ in changed if not is_private(name)}


def _with_source(cell: Cell, source: str) -> Cell:
    annotations = parse_annotations(source, comments_of(cell.kind))
    directives = read_directives(annotations, cell.kind, cell.path).directives
    return replace(cell, source=source, directives=directives, annotations=annotations)


def _roles(scan: Scan, said: Directives) -> Iterator[tuple[str, str]]:
    """What the cell is to each name, as far as joining asks for it."""
    for name in scan.binds:
        yield name, "binds"
    for name in scan.may_bind:
        yield name, "may bind"
    for name in chain(scan.mutates, said.mutates):
        yield name, "mutates"
    for name in scan.assigns_into:
        yield name, "assigns into"
    for name in scan.deletes:
        yield name, "deletes"
    for name, definition in scan.definitions.items():
        # Of imports it also matters what they say: those of several cells add up.
        is_import = definition.kind is DefinitionKind.IMPORT
        yield name, definition.normalized if is_import else "defines"


def _mentions(cells: Cells, label: Label) -> set[str]:
    """Names that the cell, or what it defines, may get from another."""
    scan = cells.scanned[label].scan
    found = {*scan.reads, *scan.may_read, *scan.builtin_reads, *scan.mutates}
    for definition in scan.definitions.values():
        found.update(definition.reads, definition.builtin_reads, definition.text_reads)
    return found | {*scan.assigns_into, *scan.deletes}


def _package(pattern: str, package: str) -> str | None:
    try:
        return parse_pattern(pattern, package).package
    except LabelError:
        return None
