"""The local cache: one folder that workspaces, processes and threads of this machine share.

Small blobs and action results are records of one LMDB environment, large blobs are files:

    STORE_VERSION   which layout this is
    index/          the environment (`strata.stores._environment`)
    cas/xx/<hex>    large blobs, read-only (`strata.stores._blobfiles`)
    tmp/            files being written
    old/            a cache of an earlier layout, until `clear`

The layout is described in `docs/reference/cache-layout.md`, its reasons in `docs/adr/0003`.

Invariants: a blob is on the disk before `put` returns, whichever process dies. What is read is
verified: records by checksum, inline blobs by digest, files by how they looked when they were
right, and else by digest. What does not verify is dropped and is a miss. Nothing anybody does to a
file of the folder between two builds makes a later one wrong (`tests/stores/test_damage.py`).

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
        value = self._database.read(lambda txn: _copied(txn.get(blob_key(digest))))
        head = None if value is None else head_of(value)
        if head is not None and head.size_bytes != digest.size_bytes:
            raise self._missing(digest)  # known bytes have one size: these are nobody's
        if value is None or (head is not None and head.kind == Kind.FILE):
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
        inline = self._database.read(lambda txn: {d for d in wanted if _is_inline(txn, d)})
        try:
            return {d for d in wanted - inline if self._files.signature(d) is None}
        except OSError as problem:
            raise unreachable(problem, "read", self.folder) from problem

    def lookup(self, key: ActionKey) -> ActionResult | None:
        name = _result_key(key)
        value = self._database.read(lambda txn: _copied(txn.get(name)))
        if value is None:
            return None
        result = _result_in(name, value)
        if result is None or self.missing(result.blobs()):
            self._forget(name, value)
            return None
        return result

    def record(self, key: ActionKey, result: ActionResult) -> None:
        assert result.error is None, f"a failure must not be recorded: {key}"
        name = _result_key(key)
        self._write(name, seal_text(name, to_json(result)))

    def recorded_sets(self, key: ActionKey) -> tuple[Observed, ...]:
        name = _sets_key(key)
        return _sets_in(name, self._database.read(lambda txn: _copied(txn.get(name))))

    def add_set(self, key: ActionKey, observed: Observed) -> None:
        name = _sets_key(key)

        def add(txn: Transaction) -> None:
            sets = with_newest(_sets_in(name, _copied(txn.get(name))), observed)
            txn.put(name, seal_text(name, json.dumps(sets).encode()))

        self._database.write(add)

    def _put_bytes(self, data: bytes) -> Digest:
        digest = digest_bytes(data)
        key = blob_key(digest)
        kept = self._database.read(lambda txn: _copied(txn.get(key)))
        # Compared, not only looked for: a put heals what was damaged.
        if kept is not None and inline_bytes(kept) == data:
            return digest
        value = inline_value(data)
        if value is not None:
            self._write(key, value)
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
        value = self._database.read(lambda txn: _copied(txn.get(blob_key(digest))))
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
            self._write(key, file_value(key, digest.size_bytes, witness))

    def _write(self, key: bytes, value: bytes) -> None:
        self._database.write(lambda txn: txn.put(key, value))

    def _forget_file(self, digest: Digest, value: bytes | None) -> None:
        self._seen.pop(digest, None)
        with suppress(OSError):  # read-only
            self._files.drop(digest)
        if value is not None:
            self._forget(blob_key(digest), value)

    def _forget(self, key: bytes, value: bytes) -> None:
        """Removes the record of `key`, unless it was replaced meanwhile."""

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


def _is_inline(txn: Transaction, digest: Digest) -> bool:
    value = txn.get(blob_key(digest))
    head = None if value is None else head_of(value)
    return head is not None and head.kind != Kind.FILE and head.size_bytes == digest.size_bytes


def _is(value: memoryview | None, expected: bytes) -> bool:
    return value is not None and value == memoryview(expected)


def _copied(value: memoryview | None) -> bytes | None:
    return None if value is None else bytes(value)
