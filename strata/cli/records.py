"""What the journal and the cache remember of one cell: for `log` and `show`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from strata.cli.invocation import Opened, load_cells, open_workspace, pattern_of, starting_point
from strata.cli.output import say_notice
from strata.cli.session import Stores, stores
from strata.core.dataclass import dataclass
from strata.core.digest import Digest
from strata.core.errors import BlobDamaged, BlobMissing, LabelError, StrataError, UsageError
from strata.core.events import unheard
from strata.core.label import Label, Scope
from strata.stores.base import Run


class NothingRecorded(StrataError):
    """The cell exists, and nothing is known of a run of it."""


@dataclass(frozen=True, slots=True)
class Record:
    """One cell, the variable that was asked for, its newest run, and where bytes are."""

    label: Label
    variable: str | None
    last: Run
    stores: Stores

    def bytes_of(self, digest: Digest) -> bytes:
        """The bytes of a blob. Raises `BlobMissing` or `BlobDamaged` with advice."""
        try:
            blob = self.stores.store.get(digest)
        except (BlobMissing, BlobDamaged) as problem:
            problem.hint = f"`strata build {self.label}` makes it again"
            raise
        return blob.read_bytes() if isinstance(blob, Path) else blob

    def console(self) -> list[tuple[str, str]]:
        """(stream, text) pairs of the newest run, in order."""
        digest = self.last.result.console
        return [] if digest is None else [tuple(p) for p in json.loads(self.bytes_of(digest))]


@contextlib.contextmanager
def record_of(target: str) -> Iterator[Record]:
    """The record of the one cell that `target` names. Raises `NothingRecorded`."""
    label, variable, opened = located(target)
    with stores(opened) as open_stores:
        last = open_stores.journal.last(label)
        if last is None:
            raise never_built(label)
        yield Record(label, variable, last, open_stores)


def never_built(label: Label) -> NothingRecorded:
    """The error of a cell of which no run is known."""
    return NothingRecorded(f"{label} was never built", hint=f"`strata build {label}` builds it")


def located(target: str) -> tuple[Label, str | None, Opened]:
    """The one cell that `target` names, the variable in it, and the workspace."""
    start, (text,) = starting_point(Path.cwd(), (target,))
    opened = open_workspace(start, say_notice)
    pattern = pattern_of(opened, text)
    if pattern.scope is not Scope.CELL or pattern.negative:
        raise UsageError(f"'{target}' is not one cell", hint="write //notebook:cell")
    if pattern.qualifier is not None:
        raise LabelError(f"'{target}': there are no loops or variants in this version of Strata")
    cells = load_cells(opened, [pattern])
    label, variable = cells.names.resolve(pattern)
    if cells.scanned[label].cell.kind == "markdown":
        raise NothingRecorded(f"{label} is prose: it builds nothing, so there is nothing to show")
    return label, variable, opened


def removed(target: str) -> tuple[Label, Opened]:
    """The label that `target` spells, whether or not there is such a cell, and the workspace.

    For cells that are no more. `located` has said what there is to say about the workspace.
    """
    start, (text,) = starting_point(Path.cwd(), (target,))
    opened = open_workspace(start, unheard)
    pattern = pattern_of(opened, text)
    return Label(pattern.package, pattern.name or ""), opened
