"""What a store is: bytes by digest, results by action key, runs by label.

Three small interfaces; an implementation may offer several. Stores compose by wrapping
(`ReadThrough(local, remote)`), and know nothing of what the bytes mean.

Every implementation in this folder joins `tests/conformance/test_stores.py` by existing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from strata.core.action import ActionKey
from strata.core.digest import Digest
from strata.core.label import Label
from strata.core.result import ActionResult

Blob: TypeAlias = bytes | Path
"""Bytes, or a read-only file that holds exactly these bytes and may be mapped."""


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

        A file is consumed: it MAY be moved into the store, and does not exist afterwards. When
        this returns, a crash of the process MUST NOT lose or tear the blob.
        """

    def missing(self, digests: Iterable[Digest]) -> set[Digest]:
        """Those of `digests` that a `get` would not find. Reads no bytes."""


class ActionCache(Protocol):
    """Action key to result. A result is recorded only after its blobs are stored."""

    def lookup(self, key: ActionKey) -> ActionResult | None:
        """The result recorded under `key`, or None. A record that cannot be read is None."""

    def record(self, key: ActionKey, result: ActionResult) -> None:
        """Keeps `result`; replaces an earlier one. MUST be refused (`assert`) for a failure."""


@dataclass(frozen=True, slots=True)
class Run:
    """What happened the last time a cell was built or looked up: for `log`, `show`, `explain`."""

    key: ActionKey | None
    status: str
    reason: str
    result: ActionResult
    """For a failure too; then with `error`, and the console of the attempt."""


class Journal(Protocol):
    """Label to what last happened to it, in one workspace."""

    def last(self, label: Label) -> Run | None:
        """The newest run of `label`, or None."""

    def append(self, label: Label, run: Run) -> None:
        """Makes `run` the newest of `label`."""
