"""What a store is: bytes by digest, results by action key, runs by label.

Three small interfaces; an implementation may offer several. Stores compose by wrapping
(`ReadThrough(local, remote)`), and know nothing of what the bytes mean.

Every implementation in this folder joins `tests/conformance/test_stores.py` by existing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol, TypeAlias

from blake3 import blake3

from strata.core.action import ActionKey
from strata.core.dataclass import dataclass, field
from strata.core.digest import Digest
from strata.core.encoding import encode
from strata.core.label import Label
from strata.core.observation import Observed
from strata.core.result import ActionResult

Blob: TypeAlias = bytes | Path
"""Bytes, or a read-only file that holds exactly these bytes and may be mapped."""


MOST_SETS = 16
"""How many sets of observations are kept for one key."""


class ContentStore(Protocol):
    """Digest to bytes. Safe for threads and for several processes at once."""

    def get(self, digest: Digest) -> Blob:
        """The bytes of `digest`, verified when they enter this process from outside it.

        Raises `BlobMissing`, `BlobDamaged` (the store MUST have dropped the damaged copy, so that
        the next put heals it) or `StoreUnreachable`. A returned path MUST stay readable for the
        life of the build and MUST NOT be written to.
        """

    def put(self, source: bytes | Path) -> Digest:
        """Stores bytes, or the bytes of a file; idempotent. Raises `StoreUnreachable`.

        A file is consumed: it MAY be moved into the store, and does not exist afterwards. A crash
        of the process MUST NOT tear the blob, and MAY lose it until a result is recorded.
        """

    def missing(self, digests: Iterable[Digest]) -> set[Digest]:
        """Those of `digests` that a `get` would not find. Reads no bytes."""


class ActionCache(Protocol):
    """Action key to result. A result is recorded only after its blobs are stored."""

    def lookup(self, key: ActionKey) -> ActionResult | None:
        """The result recorded under `key`, or None; so is one that cannot be read, or of whose
        blobs one is missing."""

    def record(self, key: ActionKey, result: ActionResult) -> None:
        """Keeps `result`; replaces an earlier one. MUST be refused (`assert`) for a failure.

        When this returns, a crash of the process MUST NOT lose the result, nor what this process
        put and added before it.
        """

    def recorded_sets(self, key: ActionKey) -> tuple[Observed, ...]:
        """The sets of observations added under `key`, newest first, at most `MOST_SETS`."""

    def add_set(self, key: ActionKey, observed: Observed) -> None:
        """Makes `observed` the newest set of `key`, once; the oldest beyond `MOST_SETS` goes."""


@dataclass(frozen=True, slots=True)
class Run:
    """What happened when a cell was built or looked up: for `log`, `show`, `explain`."""

    key: ActionKey | None
    status: str
    reason: str
    result: ActionResult
    """For a failure too; then with `error`, and the console of the attempt."""
    at: float = 0.0
    """When it was settled, in seconds since the epoch; 0 where that was not recorded."""
    build: str = ""
    """The `BuildRecord.id` of the build it was settled in."""
    artifacts: Mapping[str, str] = field(default_factory=dict)
    """Input slot to the artifact that was in it: `//prep:clean%df`."""
    definers: Mapping[str, str] = field(default_factory=dict)
    """Names of definitions it used to the files that they are in."""
    looked: Observed = field(default_factory=dict)
    """Of what an earlier run was found to depend on: what had another value by now, and which."""
    moving: tuple[str, ...] = ()
    """Files that changed while it ran, so that its result was not kept."""


@dataclass(frozen=True, slots=True)
class BuildRecord:
    """What a build looked at, and what became of it."""

    id: str
    at: float
    """When it began, in seconds since the epoch."""
    duration_s: float
    asked: tuple[str, ...]
    """What the user named: patterns or labels."""
    cells: tuple[str, ...]
    """The labels of all cells that it looked at, sorted."""
    counts: Mapping[str, int]
    """Status to number of cells."""
    settled: Mapping[str, tuple[str, str]]
    """Label to status and reason, of every cell that was not a hit on what the journal knew."""
    interrupted: bool = False


class Brief(NamedTuple):
    """The newest run of a label in short: enough to see that a hit says nothing new."""

    key: ActionKey | None
    duration_s: float
    gist: bytes


def brief_of(run: Run) -> Brief:
    """`run` in short."""
    return Brief(run.key, run.result.duration_s, gist_of(run.result))


def gist_of(result: ActionResult) -> bytes:
    """What of a result may differ under one key and is worth a record; equal for equal."""
    if result.error is not None:
        return b"failed"
    if not result.observed and not result.accepted:
        return b""
    return blake3(encode([result.accepted, dict(result.observed)])).digest(16)


class Journal(Protocol):
    """Label to what happened to it, in one workspace."""

    def last(self, label: Label) -> Run | None:
        """The newest run of `label`, or None."""

    def history(self, label: Label) -> list[Run]:
        """The runs of `label`, newest first, at most 64."""

    def briefs(self, labels: Iterable[Label]) -> dict[Label, Brief]:
        """The newest run of each of `labels` in short. MAY leave out a label that has runs, and
        costs microseconds a label."""

    def append(self, label: Label, run: Run) -> None:
        """Makes `run` the newest of `label`. A crash of the process MAY lose it soon after."""

    def add_build(self, build: BuildRecord) -> None:
        """Makes `build` the newest build."""


class Records(Protocol):
    """What is left of builds that are over."""

    def history(self, label: Label) -> list[Run]:
        """The runs of `label`, newest first, at most 64."""

    def builds(self) -> list[BuildRecord]:
        """The builds, newest first, at most 256; those that are damaged left out."""


def with_newest(sets: Iterable[Observed], newest: Observed) -> tuple[Observed, ...]:
    """`sets` with `newest` before them, once, and none beyond `MOST_SETS`."""
    return (dict(newest), *(s for s in sets if s != newest))[:MOST_SETS]
