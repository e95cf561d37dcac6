"""A near store before a far one: what is found far away is kept near.

Writes go to the near store alone; uploading is decided elsewhere. A far result is taken with all of
its blobs or not at all, because the near store answers only for results whose blobs it has.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from strata.core.action import ActionKey
from strata.core.digest import Digest
from strata.core.errors import BlobDamaged, BlobMissing
from strata.core.observation import Observed
from strata.core.result import ActionResult
from strata.stores.base import MOST_SETS, ActionCache, Blob, ContentStore
from strata.stores.memory import MemoryStore


class Store(ContentStore, ActionCache, Protocol):
    """Both seams in one."""


class ReadThrough:
    """A `ContentStore` and `ActionCache` out of two; asks `far` only for what `near` lacks."""

    def __init__(self, near: Store, far: Store) -> None:
        self._near = near
        self._far = far

    def get(self, digest: Digest) -> Blob:
        try:
            return self._near.get(digest)
        except (BlobMissing, BlobDamaged):
            return self._fetch(digest)

    def put(self, source: bytes | Path) -> Digest:
        return self._near.put(source)

    def missing(self, digests: Iterable[Digest]) -> set[Digest]:
        absent = self._near.missing(digests)
        return self._far.missing(absent) if absent else absent

    def lookup(self, key: ActionKey) -> ActionResult | None:
        result = self._near.lookup(key)
        if result is not None:
            return result
        result = self._far.lookup(key)
        if result is None:
            return None
        try:
            for digest in self._near.missing(result.blobs()):
                self._fetch(digest)
        except (BlobMissing, BlobDamaged):
            return None
        self._near.record(key, result)
        return result.answered_by("remote")

    def record(self, key: ActionKey, result: ActionResult) -> None:
        self._near.record(key, result)

    def recorded_sets(self, key: ActionKey) -> tuple[Observed, ...]:
        near = self._near.recorded_sets(key)
        far = (s for s in self._far.recorded_sets(key) if s not in near)
        return (*near, *far)[:MOST_SETS]

    def add_set(self, key: ActionKey, observed: Observed) -> None:
        self._near.add_set(key, observed)

    def _fetch(self, digest: Digest) -> Blob:
        """The blob from afar, kept near."""
        kept = self._near.put(_own(self._far.get(digest)))
        if kept != digest:
            raise BlobDamaged(f"blob {digest} came from afar as {kept}")
        return self._near.get(digest)


def _own(blob: Blob) -> bytes:
    return blob if isinstance(blob, bytes) else blob.read_bytes()


CONFORMANCE = {
    "content": lambda folder: ReadThrough(MemoryStore(), MemoryStore()),
    "results": lambda folder: ReadThrough(MemoryStore(), MemoryStore()),
}
"""Seam to what makes an empty implementation in a folder, for `tests/conformance`."""
