"""The local cache: one folder that workspaces, processes and threads of this machine share.

Small blobs and action results are records of one LMDB environment, large blobs are files:

    STORE_VERSION   which layout this is
    index/          the environment (`strata.stores._environment`)
    cas/xx/<hex>    large blobs, read-only (`strata.stores._blobfiles`)
    tmp/            files being written
    old/            a cache of an earlier layout, until `clear`

The layout is described in `docs/reference/cache-layout.md`, its reasons in `docs/adr/0003`.

Invariants: a result is on the disk, with all blobs that this process put before it, when `record`
returns, whichever process dies; a small blob alone is within 50 ms, and can be read by this process
at once. What is read is verified: records by checksum, inline blobs by digest, files by how they
looked when they were right, and else by digest. What does not verify is dropped and is a miss.
Nothing anybody does to a file of the folder between two builds makes a later one wrong
(`tests/stores/test_store_damage.py`).

Does not know what bytes mean, which are in use, or when to delete any.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from strata.core.action import ActionKey
from strata.core.digest import Digest, digest_bytes
from strata.core.errors import BlobDamaged, BlobMissing, StoreUnreachable
from strata.core.observation import Observed
from strata.core.result import ActionResult, from_json, to_json
from strata.stores._blobfiles import BlobFiles, digest_file
from strata.stores._database import Database, Transaction, acquire, release
from strata.stores._filesystem import unreachable
from strata.stores._folder import clear as clear
from strata.stores._folder import prepared
from strata.stores._folder import size_bytes as size_bytes
from strata.stores._inline import (
    COMPRESS_FROM_BYTES,
    RAW_FROM_BYTES,
    Kind,
    blob_key,
    file_value,
    file_witness,
    head_of,
    inline_bytes,
    inline_value,
)
from strata.stores._sealed import seal_text, unseal_text
from strata.stores._signature import SETTLED, Signature, Witness, this_boot
from strata.stores.base import Blob, with_newest

_REBUILD = "build again: what is missing is made anew"


class LmdbStore:
    """A `ContentStore` and `ActionCache` in a folder; make one with `open_store`."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self._database = database
        self._closed = False
        self._files = BlobFiles(folder)
        self._seen: dict[Digest, Signature] = {}
        """How files looked that this process hashed and found right."""

    @property
    def read_only(self) -> bool:
        """Gets and lookups work; every put and record raises `StoreUnreachable`."""
        return self._database.read_only

    def close(self) -> None:
        """Ends the use of the store; the last one makes it safe against power loss."""
        if not self._closed:
            self._closed = True
            release(self._database)

    def get(self, digest: Digest) -> Blob:
        value = self._value(blob_key(digest))
        kind, size_bytes = (value and head_of(value)) or (None, digest.size_bytes)
        if size_bytes != digest.size_bytes:
            raise self._missing(digest)  # known bytes have one size: these are nobody's
        if value is None or kind == Kind.FILE:
            try:
                return self._get_file(digest, value)
            except OSError as problem:
                raise unreachable(problem, "read", self.folder) from problem
        data = inline_bytes(value)
        if data is None or digest_bytes(data) != digest:
            self._forget(blob_key(digest), value)
            raise self._damaged(digest)
        return data

    def put(self, source: bytes | Path) -> Digest:
        self._database.require_writable()
        try:
            if isinstance(source, bytes):
                return self._put_bytes(source)
            if source.stat().st_size >= RAW_FROM_BYTES:
                return self._put_file(source)
            digest = self._put_bytes(source.read_bytes())
            source.unlink()
            return digest
        except OSError as problem:
            raise unreachable(problem, "write to", self.folder) from problem

    def missing(self, digests: Iterable[Digest]) -> set[Digest]:
        wanted = set(digests)
        return self._without_file(self._database.read(lambda txn: self._not_inline(txn, wanted)))

    def lookup(self, key: ActionKey) -> ActionResult | None:
        name = _result_key(key)

        def find(txn: Transaction) -> tuple[bytes | None, ActionResult | None, list[Digest]]:
            """The record, what is in it, and the blobs that must be files: one look at all."""
            value = _copied(txn.get(name))
            result = None if value is None else _result_in(name, value)
            blobs = [] if result is None else result.blobs()
            return value, result, self._not_inline(txn, blobs) if blobs else []

        value, result, files = self._database.read(find)
        if value is None:
            return None
        if result is None or (files and self._without_file(files)):
            self._forget(name, value)
            return None
        return result

    def record(self, key: ActionKey, result: ActionResult) -> None:
        assert result.error is None, f"a failure must not be recorded: {key}"
        name = _result_key(key)
        self._write(name, seal_text(name, to_json(result)))

    def recorded_sets(self, key: ActionKey) -> tuple[Observed, ...]:
        name = _sets_key(key)
        if self._database.read(lambda txn: self._database.deferred(name)) is not None:
            self._database.commit()
        return _sets_in(name, self._database.read(lambda txn: _copied(txn.get(name))))

    def add_set(self, key: ActionKey, observed: Observed) -> None:
        self._database.defer(_sets_key(key), json.dumps(dict(observed)).encode(), _add_set)

    def _put_bytes(self, data: bytes) -> Digest:
        digest = digest_bytes(data)
        key = blob_key(digest)
        # Compared, not only looked for: a put heals what was damaged. A small one is compared
        # where it is written.
        if len(data) >= COMPRESS_FROM_BYTES:
            kept = self._value(key)
            if kept is not None and inline_bytes(kept) == data:
                return digest
        value = inline_value(data)
        if value is not None:
            self._database.defer(key, value, _put_once)
        elif not self._has_file(digest):
            self._index_file(digest, Witness(self._files.write(digest, data), this_boot()))
        return digest

    def _put_file(self, source: Path) -> Digest:
        owned = self._files.take(source)
        try:
            before = Signature.of(owned.stat())
            digest = digest_file(owned)
            if not self._has_file(digest):
                self._install(owned, digest, before)
            return digest
        finally:
            owned.unlink(missing_ok=True)

    def _install(self, owned: Path, digest: Digest, before: Signature) -> None:
        after = self._files.install(owned, digest)
        if (after.size_bytes, after.mtime_ns) != (before.size_bytes, before.mtime_ns):
            self._files.drop(digest)
            raise StoreUnreachable(f"blob {digest} was written to while it was being stored")
        self._index_file(digest, Witness(after, this_boot()))

    def _get_file(self, digest: Digest, value: bytes | None) -> Path:
        """The file of `digest`, of which the index says `value`."""
        signature = self._files.signature(digest)
        if signature is not None:
            if self._is_right(digest, value, signature):
                return self._files.path_of(digest)
            with suppress(FileNotFoundError):  # removed meanwhile
                if self._files.verify(digest):
                    self._remember(digest, value, signature)
                    return self._files.path_of(digest)
        there = self._files.exists(digest)
        self._forget_file(digest, value)
        raise self._damaged(digest) if there else self._missing(digest)

    def _has_file(self, digest: Digest) -> bool:
        """The file of `digest` is there and need not be verified."""
        signature = self._files.signature(digest)
        value = self._value(blob_key(digest))
        return signature is not None and self._is_right(digest, value, signature)

    def _is_right(self, digest: Digest, value: bytes | None, signature: Signature) -> bool:
        """A file that looks like `signature` was right when it looked so before."""
        if self._seen.get(digest) == signature:
            return True
        witness = None if value is None else file_witness(blob_key(digest), value)
        return witness is not None and witness.vouches_for(signature)

    def _remember(self, digest: Digest, value: bytes | None, signature: Signature) -> None:
        """Spares this process, and later ones, from hashing the file of `digest` again."""
        witness = None if value is None else file_witness(blob_key(digest), value)
        survived = witness is not None and witness.signature == signature
        # If it was written before the machine started, what we read came from the disk.
        self._index_file(digest, Witness(signature, SETTLED if survived else this_boot()))

    def _index_file(self, digest: Digest, witness: Witness) -> None:
        """The file of `digest` is there and right, with or without a record that says so."""
        self._seen[digest] = witness.signature
        key = blob_key(digest)
        with suppress(StoreUnreachable):  # then the next process hashes it
            self._database.defer(key, file_value(key, digest.size_bytes, witness), _put_once)

    def _write(self, key: bytes, value: bytes) -> None:
        self._database.write(lambda txn: txn.put(key, value))

    def _forget_file(self, digest: Digest, value: bytes | None) -> None:
        self._seen.pop(digest, None)
        with suppress(OSError):  # read-only
            self._files.drop(digest)
        if value is not None:
            self._forget(blob_key(digest), value)

    def _value(self, key: bytes) -> bytes | None:
        """The value of `key`, be it put off or not."""
        database = self._database
        return database.read(lambda txn: database.deferred(key) or _copied(txn.get(key)))

    def _not_inline(self, txn: Transaction, digests: Iterable[Digest]) -> list[Digest]:
        """Those of `digests` whose bytes are not in the index."""
        deferred = self._database.deferred
        return [
            digest
            for digest in digests
            if not _is_inline(deferred(key := blob_key(digest)) or txn.get(key), digest)
        ]

    def _without_file(self, digests: Iterable[Digest]) -> set[Digest]:
        try:
            return {digest for digest in digests if self._files.signature(digest) is None}
        except OSError as problem:
            raise unreachable(problem, "read", self.folder) from problem

    def _forget(self, key: bytes, value: bytes) -> None:
        """Removes the record of `key`, unless it was replaced meanwhile."""
        self._database.withdraw(key)

        def forget(txn: Transaction) -> None:
            if _is(txn.get(key), value):
                txn.delete(key)

        with suppress(StoreUnreachable):  # read-only, or full: it will be a miss again
            self._database.write(forget)

    def _missing(self, digest: Digest) -> BlobMissing:
        return BlobMissing(f"blob {digest} is missing", path=str(self.folder), hint=_REBUILD)

    def _damaged(self, digest: Digest) -> BlobDamaged:
        return BlobDamaged(f"blob {digest} is damaged", path=str(self.folder), hint=_REBUILD)


def open_store(folder: Path) -> LmdbStore:
    """The cache in `folder`, made or mended if need be; `read_only` if it cannot be written to.

    Raises `StoreUnreachable`: a folder that cannot be made, a network file system, a newer layout,
    a full disk, a forked process. The same folder may be opened many times; close each.
    """
    folder = folder.absolute()
    with prepared(folder):
        return LmdbStore(folder, acquire(folder / "index"))


CONFORMANCE = {"content": open_store, "results": open_store}
"""Seam to what makes an empty implementation in a folder, for `tests/conformance`."""


def _result_key(key: ActionKey) -> bytes:
    return b"a" + bytes.fromhex(key)


def _sets_key(key: ActionKey) -> bytes:
    return b"o" + bytes.fromhex(key)


def _sets_in(name: bytes, value: bytes | None) -> tuple[Observed, ...]:
    """The sets that were recorded as `value`; none if that cannot be read."""
    text = None if value is None else unseal_text(name, value)
    return () if text is None else tuple(json.loads(text))


def _result_in(name: bytes, value: bytes) -> ActionResult | None:
    """The result that was recorded as `value`, or None if that cannot be read."""
    text = unseal_text(name, value)
    try:
        return None if text is None else from_json(text)
    except ValueError:
        return None


def _add_set(txn: Transaction, name: bytes, value: bytes) -> None:
    sets = with_newest(_sets_in(name, _copied(txn.get(name))), json.loads(value))
    txn.put(name, seal_text(name, json.dumps(sets).encode()))


def _put_once(txn: Transaction, key: bytes, value: bytes) -> None:
    """What is there already costs no page."""
    if not _is(txn.get(key), value):
        txn.put(key, value)


def _is_inline(value: bytes | memoryview | None, digest: Digest) -> bool:
    kind, size_bytes = (value is not None and head_of(value)) or (Kind.FILE, 0)
    return kind != Kind.FILE and size_bytes == digest.size_bytes


def _is(value: memoryview | None, expected: bytes) -> bool:
    return value is not None and value == memoryview(expected)


def _copied(value: memoryview | None) -> bytes | None:
    return None if value is None else bytes(value)
