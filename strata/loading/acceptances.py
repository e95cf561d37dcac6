"""`accepted.toml`: edits of a notebook's cells that were said not to change their results.

A tracked file beside `notebook.toml`, so that it is reviewed with the edit and counts wherever the
cache is shared. Entries are added and marked, never removed; everything else in the file, comments
and unknown keys included, survives. Which results exist is not known here.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strata.core.action import ActionKey
from strata.core.dataclass import dataclass
from strata.core.errors import NotebookError
from strata.core.label import Label
from strata.loading.document import Document, read_document
from strata.loading.packages import NOTEBOOK_FILE
from strata.loading.schema import Schema
from strata.loading.values import Table, tables_in, text_in

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

ACCEPTED_FILE = "accepted.toml"

_HEADER = (
    "Edits that were said not to change the result of their cell: `strata accept`.",
    "An entry counts for one state of its cell. `strata accept --revoke` takes it back.",
)
_BY_ACCEPT = "`strata accept` writes these entries; restore the file, or remove the entry"
_KEY: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": _BY_ACCEPT}
_TEXT: Schema = {"type": "string", "minLength": 1, "description": _BY_ACCEPT}
_DATE: Schema = {"description": _BY_ACCEPT}
_ENTRY: Schema = {
    "type": "object",
    "description": _BY_ACCEPT,
    "required": ["cell", "key", "instead_of", "reason", "by", "at"],
    "properties": {
        "cell": _TEXT,
        "key": _KEY,
        "instead_of": _KEY,
        "reason": {
            "type": "string",
            "minLength": 1,
            "description": "say in a few words why the edit does not change the result",
        },
        "by": _TEXT,
        "at": _DATE,
        "revoked": {"type": "boolean", "description": "write true or false"},
        "revoked_by": _TEXT,
        "revoked_at": _DATE,
    },
}
_FILE: Schema = {
    "type": "object",
    "properties": {
        "accepted": {"type": "array", "items": _ENTRY, "description": "write [[accepted]]"}
    },
}


@dataclass(frozen=True, slots=True)
class Accepted:
    """One entry: at `key`, the cell has the result that `instead_of` has."""

    label: Label
    key: ActionKey
    instead_of: ActionKey
    reason: str
    by: str
    at: datetime
    revoked: bool = False
    revoked_by: str | None = None
    revoked_at: datetime | None = None

    @property
    def said(self) -> str:
        """Why, who and when, for people."""
        return f"{self.reason} (by {self.by}, {self.at:%Y-%m-%d})"


@dataclass(frozen=True, slots=True)
class AcceptedFile:
    """The entries of one notebook, in the order of the file, and what is to be warned of."""

    entries: tuple[Accepted, ...] = ()
    warnings: tuple[str, ...] = ()


def read_accepted(root: Path, packages: Iterable[str]) -> AcceptedFile:
    """The entries of some notebooks. Raises `NotebookError` for a file that is wrong."""
    entries: list[Accepted] = []
    warnings: list[str] = []
    for package in packages:
        path = root / package / ACCEPTED_FILE
        if os.path.lexists(path):
            document, found = _checked(path, package)
            warnings += document.misspelt_keys(_FILE)
            entries += found
    return AcceptedFile(tuple(entries), tuple(warnings))


def add_accepted(root: Path, entry: Accepted) -> str:
    """`entry` is the last of its notebook's file; returns the file, relative to `root`.

    Raises `NotebookError` if the file is wrong or cannot be written.
    """

    def add(document: TOMLDocument) -> None:
        import tomlkit
        from tomlkit.items import AoT

        if "accepted" not in document:
            document["accepted"] = tomlkit.aot()
        entries: Any = document["accepted"]
        # Somebody may have written `accepted = [{…}]`: no [[accepted]] can follow that.
        table: Any = tomlkit.table() if isinstance(entries, AoT) else tomlkit.inline_table()
        table["cell"] = entry.label.name
        table["key"] = entry.key
        table["instead_of"] = entry.instead_of
        table["reason"] = entry.reason
        table["by"] = entry.by
        table["at"] = entry.at
        if isinstance(entries, AoT):
            table.trivia.indent = "\n"  # an empty line before [[accepted]]
        entries.append(table)

    return _edit(root, entry.label.package, add)


def revoke_accepted(root: Path, label: Label, by: str, at: datetime) -> int:
    """No acceptance of the cell is in force; returns how many were. Raises `NotebookError`."""
    revoked = 0

    def revoke(document: TOMLDocument) -> None:
        nonlocal revoked
        entries: Any = document.get("accepted", ())
        for table in entries:
            if table["cell"] == label.name and not table.get("revoked", False):
                table["revoked"] = True
                table["revoked_by"] = by
                table["revoked_at"] = at
                revoked += 1

    if os.path.lexists(root / label.package / ACCEPTED_FILE):
        _edit(root, label.package, revoke)
    return revoked


def _shown(package: str) -> str:
    return f"{package}/{ACCEPTED_FILE}" if package else ACCEPTED_FILE


def _checked(path: Path, package: str) -> tuple[Document, list[Accepted]]:
    document = read_document(path, _shown(package), NotebookError)
    document.check(_FILE)
    tables = enumerate(tables_in(document.data, "accepted"))
    return document, [_entry(document, package, i, table) for i, table in tables]


def _entry(document: Document, package: str, position: int, table: Table) -> Accepted:
    def text(key: str) -> str:
        found = text_in(table, key)
        assert found is not None
        return found

    def time(key: str) -> datetime:
        found = table[key]
        if isinstance(found, datetime) and found.tzinfo is not None:
            return found
        raise document.mistake(
            ("accepted", position, key),
            f"'{key}' must be a date and a time with its zone",
            hint=f"write {key} = 2026-01-31T12:00:00Z",
        )

    return Accepted(
        label=Label(package, text("cell")),
        key=ActionKey(text("key")),
        instead_of=ActionKey(text("instead_of")),
        reason=text("reason"),
        by=text("by"),
        at=time("at"),
        revoked=table.get("revoked") is True,
        revoked_by=text_in(table, "revoked_by"),
        revoked_at=time("revoked_at") if "revoked_at" in table else None,
    )


def _edit(root: Path, package: str, change: Callable[[TOMLDocument], None]) -> str:
    """Reads the file, or begins one, and writes it changed, whole or not at all."""
    import tomlkit  # 25 ms, and only who accepts pays for it

    folder = root / package
    path = folder / ACCEPTED_FILE
    try:
        with _locked(folder):
            if os.path.lexists(path):
                document = tomlkit.parse(_checked(path, package)[0].text)
            else:
                document = tomlkit.document()
                for line in _HEADER:
                    document.add(tomlkit.comment(line))
            change(document)
            _replace(Path(os.path.realpath(path)), tomlkit.dumps(document))
    except OSError as problem:
        raise NotebookError(
            f"cannot be written: {(problem.strerror or str(problem)).lower()}",
            path=_shown(package),
            hint="check the permissions of the notebook's folder",
        ) from problem
    return _shown(package)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Nobody else changes the file meanwhile; a lock on the folder leaves nothing behind."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a network disk that knows no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, text: str) -> None:
    import tempfile  # 5 ms, and a build that reads the file has no use for it

    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, _mode_of(path))
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _mode_of(path: Path) -> int:
    """That of the file; a new one is as readable as the notebook."""
    for known in (path, path.with_name(NOTEBOOK_FILE)):
        with contextlib.suppress(OSError):
            return stat.S_IMODE(known.stat().st_mode)
    return 0o644
