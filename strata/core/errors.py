"""The one tree of errors that a user can meet.

    StrataError
    ├── UsageError                 a command line that cannot be understood           exit 2
    ├── ConfigError                a file the user wrote is wrong (has a place)       exit 2
    │   ├── WorkspaceError         strata.toml, or no workspace at all
    │   ├── NotebookError          notebook.toml, or a cell it lists
    │   ├── CellError              a cell's own text: syntax, annotations
    │   └── GraphError             cells do not fit together: cycle, duplicate, missing name
    ├── LabelError                 a label or pattern that names nothing              exit 2
    ├── EnvironmentFailed          uv could not make the environment                  exit 2
    ├── StoreError                 the cache                                          exit 4
    │   ├── BlobMissing            bytes that were promised are not there
    │   ├── BlobDamaged            bytes are there and are not what was promised
    │   └── StoreUnreachable       the store cannot be read or written at all
    ├── ExecutorError              the machinery around a cell, not the cell          exit 4
    └── Interrupted                Ctrl-C                                             exit 130

A cell that fails is not an exception: it is an `ActionResult` with an `error`, because a failure
is a result too (it has console output, a duration, a traceback) and the build goes on.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process says when it ends; documented in `docs/reference/exit-codes.md`."""

    OK = 0
    CELL_FAILED = 1
    USAGE = 2
    CHECK_NOT_MET = 3
    INFRASTRUCTURE = 4
    INTERRUPTED = 130


class StrataError(Exception):
    """Something a user can cause or meet: printed as `message`, then `hint`, never a traceback.

    `path` is as the user would write it (relative to the workspace where it is inside); `line`
    counts from 1 and is None where the whole file is meant.
    """

    exit_code = ExitCode.USAGE

    def __init__(
        self,
        what: str,
        *,
        path: str | None = None,
        line: int | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.path = path
        self.line = line
        self.hint = hint

    @property
    def place(self) -> str | None:
        """`path:line`, `path`, or None."""
        if self.path is None:
            return None
        return self.path if self.line is None else f"{self.path}:{self.line}"

    @property
    def message(self) -> str:
        """Place first, then what is wrong."""
        return self.what if self.place is None else f"{self.place}: {self.what}"

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\n  {self.hint}"


class UsageError(StrataError):
    """The command line cannot be understood."""


class ConfigError(StrataError):
    """A file that the user wrote is wrong."""


class WorkspaceError(ConfigError):
    """`strata.toml` is wrong, or there is no workspace here."""


class NotebookError(ConfigError):
    """`notebook.toml` is wrong, or lists a cell that cannot be read."""


class CellError(ConfigError):
    """A cell's own text cannot be understood: its syntax or an annotation."""


class GraphError(ConfigError):
    """Cells do not fit together: a cycle, an ambiguous definition, a missing name."""


class LabelError(StrataError):
    """A label or pattern is malformed, or names nothing; `hint` offers the nearest names."""


class EnvironmentFailed(StrataError):
    """uv could not lock or install a notebook's environment; `what` carries uv's own words."""


class StoreError(StrataError):
    """The cache let us down."""

    exit_code = ExitCode.INFRASTRUCTURE


class BlobMissing(StoreError):
    """Bytes that a record promises are not in the store."""


class BlobDamaged(StoreError):
    """Bytes are in the store but do not have the digest they are stored under."""


class StoreUnreachable(StoreError):
    """The store cannot be opened, read or written: permissions, a full disk, a network."""


class ExecutorError(StrataError):
    """The machinery that runs a cell failed, not the cell."""

    exit_code = ExitCode.INFRASTRUCTURE


class Interrupted(StrataError):
    """The user pressed Ctrl-C."""

    exit_code = ExitCode.INTERRUPTED
