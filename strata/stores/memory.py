"""Stores in memory, for tests and for `--no-cache`: they end with the process.

Keep every blob in memory whole, so a build of large values without a cache is better off with
`strata.stores.lmdb.open_store` in a temporary folder.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Iterable
from pathlib import Path

from strata.core.action import ActionKey
from strata.core.digest import Digest, digest_bytes
from strata.core.errors import BlobMissing, StoreUnreachable
from strata.core.label import Label
from strata.core.observation import Observed
from strata.core.result import ActionResult
from strata.stores.base import Blob, Brief, BuildRecord, Run, brief_of, with_newest

HISTORY = 64
"""How many runs of a label a journal keeps."""

BUILDS = 256
"""How many builds a journal keeps."""


class MemoryStore:
    """A `ContentStore` and `ActionCache` that nobody else sees."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blobs: dict[Digest, bytes] = {}
        self._results: dict[ActionKey, ActionResult] = {}
        self._sets: dict[ActionKey, tuple[Observed, ...]] = {}

    def get(self, digest: Digest) -> Blob:
        with self._lock:
            data = self._blobs.get(digest)
        if data is None:
            raise BlobMissing(f"blob {digest} is missing")
        return data

    def put(self, source: bytes | Path) -> Digest:
        data = source if isinstance(source, bytes) else _consume(source)
        digest = digest_bytes(data)
        with self._lock:
            self._blobs[digest] = data
        return digest

    def missing(self, digests: Iterable[Digest]) -> set[Digest]:
        wanted = set(digests)
        with self._lock:
            return wanted - self._blobs.keys()

    def lookup(self, key: ActionKey) -> ActionResult | None:
        with self._lock:
            result = self._results.get(key)
        if result is None or self.missing(result.blobs()):
            return None
        return result

    def record(self, key: ActionKey, result: ActionResult) -> None:
        assert result.error is None, f"a failure must not be recorded: {key}"
        with self._lock:
            self._results[key] = result

    def recorded_sets(self, key: ActionKey) -> tuple[Observed, ...]:
        with self._lock:
            return self._sets.get(key, ())

    def add_set(self, key: ActionKey, observed: Observed) -> None:
        with self._lock:
            self._sets[key] = with_newest(self._sets.get(key, ()), observed)


class MemoryJournal:
    """A `Journal` that nobody else sees."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: dict[Label, deque[Run]] = defaultdict(lambda: deque(maxlen=HISTORY))
        self._builds: deque[BuildRecord] = deque(maxlen=BUILDS)

    def last(self, label: Label) -> Run | None:
        newest_first = self.history(label)
        return newest_first[0] if newest_first else None

    def append(self, label: Label, run: Run) -> None:
        with self._lock:
            self._runs[label].appendleft(run)

    def history(self, label: Label) -> list[Run]:
        """The runs of `label`, newest first, at most `HISTORY`."""
        with self._lock:
            return list(self._runs.get(label, ()))

    def briefs(self, labels: Iterable[Label]) -> dict[Label, Brief]:
        with self._lock:
            newest = {label: self._runs[label][0] for label in labels if label in self._runs}
        return {label: brief_of(run) for label, run in newest.items()}

    def add_build(self, build: BuildRecord) -> None:
        with self._lock:
            self._builds.appendleft(build)

    def builds(self) -> list[BuildRecord]:
        """The builds, newest first, at most `BUILDS`."""
        with self._lock:
            return list(self._builds)


CONFORMANCE = {
    "content": lambda folder: MemoryStore(),
    "results": lambda folder: MemoryStore(),
    "journal": lambda folder: MemoryJournal(),
}
"""Seam to what makes an empty implementation in a folder, for `tests/conformance`."""


def _consume(source: Path) -> bytes:
    try:
        data = source.read_bytes()
        source.unlink()
    except OSError as problem:
        raise StoreUnreachable(f"cannot read: {problem.strerror}", path=str(source)) from problem
    return data
