"""What questions may ask that is not in the graph of cells. Interfaces only.

Each is asked when an expression needs it and not before: most questions need none of it. Nobody
behind them runs a line of a cell. What they raise is a `StrataError`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Protocol

from strata.core.dataclass import dataclass
from strata.core.label import Label
from strata.query.nodes import Distribution


class State(StrEnum):
    """How a cell stands; a cell that builds nothing has none."""

    FRESH = "fresh"
    """Its result is in the cache."""
    STALE = "stale"
    """It has run before, and would run, or needs what would run."""
    FAILED = "failed"
    """Its last run failed, or it cannot be built, or it needs what cannot."""
    NEVER = "never"
    """No run of it is recorded, and it would run."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a cell stands, and why, as `strata status` says it."""

    state: State
    reason: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the last run of a cell that gave a result took."""

    duration_s: float
    size_bytes: int
    """Of all its outputs together, as they are."""


class Inputs(Protocol):
    """What cells read beside each other. What is not known of a cell that is broken is left out."""

    def files(self, label: Label) -> Collection[str]:
        """The files that can change the result of `label`, relative to the root: its source, its
        notebook's and its environment's files, local modules, what it declares or names, and what
        its recorded runs were seen to read."""

    def distributions(self, label: Label) -> Collection[Distribution]:
        """The locked distributions that count for `label`."""

    def files_at(self, path: str) -> Collection[str]:
        """The files that the user means by `path`, which may be a pattern, as `files` spells them:
        those that are there, and those that a cell is known to read. None for a folder."""

    def versions(self, name: str) -> Collection[Distribution]:
        """Every version of the distribution `name` in any lock of a loaded notebook."""


class Records(Protocol):
    """What is known of runs, and of what a build would do."""

    def standing(self, labels: Collection[Label]) -> Mapping[Label, Standing]:
        """How each of `labels` stands; cells that build nothing are left out."""

    def recorded(self, label: Label) -> Recorded | None:
        """What its last run with a result took; None where none is recorded."""


class Changes(Protocol):
    """What a version control system says."""

    def changed(self, revision: str, labels: Collection[Label]) -> Collection[Label]:
        """Those of `labels` of whose own files one is not as it was at `revision`, and those that
        may get a name from another cell for it. Raises `UsageError` where there is no such
        revision, or no repository."""
