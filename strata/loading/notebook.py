"""Notebooks: `notebook.toml` and the files of its cells, read into frozen values.

A mistake in `notebook.toml` is a `NotebookError` of the whole notebook; a cell whose file cannot be
used, or whose annotations cannot be understood, carries a `problem` and the rest still builds.
Keys that are not known here are other programs' business and stay silent, unless one is nearly a
known key.
"""

from __future__ import annotations

import math
import os
import posixpath
from pathlib import Path

from strata.core.dataclass import dataclass
from strata.core.errors import CellError, ConfigError, LabelError, NotebookError
from strata.core.label import Label, Scope, parse_pattern
from strata.loading.annotation_values import is_variable, variable_value
from strata.loading.annotations import comments_of, parse_annotations
from strata.loading.directives import Defaults, read_directives
from strata.loading.document import Document, read_document
from strata.loading.files import TextMissing, UnreadableText, read_text
from strata.loading.model import (
    Cell,
    Directives,
    LoopSpec,
    MountSpec,
    Notebook,
    NotebookInput,
    VariantGroup,
)
from strata.loading.packages import CELLS_FOLDER, NOTEBOOK_FILE
from strata.loading.schema import TomlPath, load_schema
from strata.loading.suggest import nearest
from strata.loading.values import (
    Table,
    as_table,
    as_text,
    number_in,
    table_in,
    tables_in,
    text_in,
)
from strata.loading.workspace import Workspace

__all__ = [
    "Cell",
    "Directives",
    "LoopSpec",
    "MountSpec",
    "Notebook",
    "NotebookInput",
    "VariantGroup",
    "load_notebook",
]

_KIND_OF_SUFFIX = {
    ".py": "python",
    ".sql": "sql",
    ".md": "markdown",
    ".r": "r",
    ".widget": "widget",
    ".sh": "shell",
}
_NOT_IN_IDS = ":%@/\\"


def load_notebook(workspace: Workspace, package: str) -> Notebook:
    """The notebook in the folder `package` of `workspace`. Raises `NotebookError`."""
    folder = workspace.root / package
    shown = posixpath.join(package, NOTEBOOK_FILE)
    _check_folder_name(package, shown)
    document = read_document(folder / NOTEBOOK_FILE, shown, NotebookError)
    schema = load_schema("notebook")
    document.check(schema)
    data = document.data
    cells = folder / CELLS_FOLDER
    frame = _Frame(document, package, folder, os.fspath(cells), cells.is_symlink(), _defaults(data))
    entries = sorted(_entries(document), key=lambda entry: entry.order)
    return Notebook(
        package=package,
        folder=folder,
        path=shown,
        name=text_in(data, "name") or folder.name,
        cells=tuple(_cell(entry, frame) for entry in entries),
        inputs=_inputs(document, package),
        variant_groups=_variant_groups(document),
        connections={n: as_table(c) for n, c in table_in(data, "connections").items()},
        warnings=(*document.misspelt_keys(schema), *_hidden_ids(document, entries)),
        notebook_id=text_in(data, "notebook_id"),
        worker=frame.defaults.worker,
        mounts=frame.defaults.mounts,
        workers=tuple(tables_in(data, "workers")),
        ai=table_in(data, "ai"),
    )


@dataclass(frozen=True, slots=True)
class _Frame:
    """What all cells of one notebook share while they are read."""

    document: Document
    package: str
    folder: Path
    cells_folder: str
    cells_linked: bool
    defaults: Defaults


@dataclass(frozen=True, slots=True)
class _Entry:
    """One `[[cells]]` table; `where` is its place in the document."""

    where: TomlPath
    id: str
    file: str
    kind: str
    order: float
    defaults: Defaults


def _check_folder_name(package: str, shown: str) -> None:
    if ":" in package or not package.isprintable():
        raise NotebookError(
            f"a notebook folder cannot be called '{package}'",
            path=shown,
            hint="labels cannot name it: rename the folder, or exclude it in strata.toml",
        )


def _entries(document: Document) -> list[_Entry]:
    """The cells that the document lists, as written; a cell without an order stays where it is."""
    entries: list[_Entry] = []
    first_of_id: dict[str, TomlPath] = {}
    for position, table in enumerate(tables_in(document.data, "cells")):
        where = ("cells", position)
        last_order = entries[-1].order if entries else 0.0
        entry = _entry(table, where, document, last_order)
        if entry.id in first_of_id:
            first_line = document.line((*first_of_id[entry.id], "id"))
            raise document.mistake(
                (*where, "id"),
                f"the cell id '{entry.id}' is taken by the cell on line {first_line}",
                "give every cell an id of its own",
            )
        first_of_id[entry.id] = where
        entries.append(entry)
    return entries


def _entry(table: Table, where: TomlPath, document: Document, last_order: float) -> _Entry:
    cell_id, file = text_in(table, "id"), text_in(table, "file")
    assert cell_id is not None
    assert file is not None
    _check_id(cell_id, where, document)
    _check_file(file, where, document)
    order = number_in(table, "order")
    if order is not None and not math.isfinite(order):
        hint = "a number that says where the cell stands, such as order = 10"
        raise document.mistake((*where, "order"), f"'order' cannot be {order}", hint)
    kind = text_in(table, "language") or kind_of(file)
    return _Entry(
        where, cell_id, file, kind.lower(), last_order if order is None else order, _defaults(table)
    )


def kind_of(file: str) -> str:
    """The language that a cell file of this name holds, where nothing says otherwise."""
    return _KIND_OF_SUFFIX.get(posixpath.splitext(file)[1].lower(), "python")


def _check_id(cell_id: str, where: TomlPath, document: Document) -> None:
    bad = next((c for c in cell_id if c in _NOT_IN_IDS or not c.isprintable()), None)
    if bad is None and cell_id.strip():
        return
    what = f"a cell id cannot hold {bad!r}" if bad else "'id' is blank"
    hint = "use letters, digits, spaces and marks other than : % @ / \\"
    raise document.mistake((*where, "id"), what, hint)


def _check_file(file: str, where: TomlPath, document: Document) -> None:
    if not file.isprintable():
        raise document.mistake((*where, "file"), f"'file' cannot be {file!r}", _FILE_HINT)
    normal = posixpath.normpath(file)
    if normal.startswith(("/", "../")) or normal in (".", ".."):
        raise document.mistake((*where, "file"), f"'{file}' is not inside cells/", _FILE_HINT)


_FILE_HINT = 'a file under cells/, such as file = "load.py"'


def _defaults(table: Table) -> Defaults:
    """What a `[[cells]]` table, or the top level, says for cells."""
    env = {k: as_text(v) for k, v in table_in(table, "env").items()}
    return Defaults(
        worker=text_in(table, "worker") or None,
        timeout_s=number_in(table, "timeout"),
        variables={name: variable_value(name, text) for name, text in env.items()},
        mounts=tuple(_mount(m) for m in tables_in(table, "mounts")),
    )


def _mount(table: Table) -> MountSpec:
    name, uri = text_in(table, "name"), text_in(table, "uri")
    assert name is not None
    assert uri is not None
    mode = text_in(table, "mode") or "ro"
    return MountSpec(name, uri, mode, text_in(table, "pin"), text_in(table, "credential"))


def _cell(entry: _Entry, frame: _Frame) -> Cell:
    path = posixpath.join(frame.package, CELLS_FOLDER, posixpath.normpath(entry.file))
    source, problem = "", None
    try:
        source = _source(entry, frame)
    except UnreadableText as unreadable:
        problem = _unreadable(unreadable, entry, path, frame)
    annotations = parse_annotations(source, comments_of(entry.kind))
    reading = read_directives(annotations, entry.kind, path, entry.defaults, frame.defaults)
    return Cell(
        label=Label(frame.package, entry.id),
        file=entry.file,
        path=path,
        kind=entry.kind,
        order=entry.order,
        source=source,
        directives=reading.directives,
        annotations=annotations,
        problem=problem or reading.problem,
        warnings=reading.warnings,
    )


def _source(entry: _Entry, frame: _Frame) -> str:
    """The text of the cell's file. Raises `UnreadableText`, or `NotebookError` for an escape."""
    file = f"{frame.cells_folder}/{entry.file}"
    # Most cells lie directly in cells/: two cheap looks spare them the walk of realpath.
    if "/" in entry.file or frame.cells_linked or os.path.islink(file):
        inside = os.path.join(os.path.realpath(frame.folder), "")
        if not os.path.realpath(file).startswith(inside):
            raise frame.document.mistake(
                (*entry.where, "file"),
                f"'{entry.file}' links to a file outside the notebook",
                "put the file itself under cells/",
            )
    return read_text(file)


def _unreadable(unreadable: UnreadableText, entry: _Entry, path: str, frame: _Frame) -> ConfigError:
    if not isinstance(unreadable, TextMissing):
        return CellError(f"the file {unreadable.what}", path=path, hint=unreadable.hint)
    try:
        there = [e.name for e in os.scandir(frame.folder / CELLS_FOLDER) if e.is_file()]
    except OSError:
        there = []
    near = nearest(entry.file.removeprefix(f"{CELLS_FOLDER}/"), there)
    hint = unreadable.hint if near is None else f"did you mean '{near}'?"
    what = f"the file of cell '{entry.id}', '{CELLS_FOLDER}/{entry.file}', {unreadable.what}"
    return frame.document.mistake((*entry.where, "file"), what, hint)


def _inputs(document: Document, package: str) -> tuple[NotebookInput, ...]:
    return tuple(
        _input(document, name, str(pattern), package)
        for name, pattern in table_in(document.data, "inputs").items()
    )


def _input(document: Document, name: str, pattern: str, package: str) -> NotebookInput:
    where = ("inputs", name)
    if not is_variable(name):
        hint = 'write one line a variable: features = "//prep:features"'
        raise document.mistake(where, f"'{name}' cannot be a variable", hint)
    hint = 'write the label of a variable in another notebook, such as "//prep:features"'
    try:
        parsed = parse_pattern(pattern, package)
    except LabelError as problem:
        raise document.mistake(where, problem.what, problem.hint or hint) from problem
    if parsed.scope is not Scope.CELL or parsed.negative:
        raise document.mistake(where, f"'{pattern}' does not name one variable", hint)
    return NotebookInput(name, pattern, document.line(where))


def _variant_groups(document: Document) -> tuple[VariantGroup, ...]:
    groups: dict[str, VariantGroup] = {}
    for position, table in enumerate(tables_in(document.data, "variant_group")):
        group = text_in(table, "group")
        assert group is not None
        if group in groups:
            where = ("variant_group", position, "group")
            what = f"the variant group '{group}' is described twice"
            raise document.mistake(where, what, "keep one of the two tables")
        mode = text_in(table, "mode") or "switch"
        groups[group] = VariantGroup(group, text_in(table, "active") or None, mode)
    return tuple(groups.values())


def _hidden_ids(document: Document, entries: list[_Entry]) -> tuple[str, ...]:
    """Warnings for ids that patterns read as something else."""
    return tuple(
        f"{document.path}:{document.line((*e.where, 'id'))}: ':{e.id}' means all cells of a "
        f"notebook; no pattern can name only the cell '{e.id}'"
        for e in entries
        if e.id in ("all", "*")
    )
