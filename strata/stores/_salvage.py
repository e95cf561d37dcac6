"""Saves what can be read of an LMDB file that nobody vouches for, in a process of its own.

LMDB trusts its pages: one flipped bit can make it read outside its map, and a truncated file ends
the process with SIGBUS. So a doubtful file is opened in a child that may die. The child copies
record after record into a new file, which gives the new file fresh branches and a fresh list of
free pages whatever the old ones said. Values are not looked at: every reader verifies its own.

Invariant: the process that asks never maps a file that was not vouched for.
"""

from __future__ import annotations

import os
import resource
from enum import IntEnum

import lmdb

_BATCH_BYTES = 16 << 20
_MAP_BYTES = 1 << 40


class Verdict(IntEnum):
    """What became of a salvage; the number is the child's exit status."""

    WHOLE = 0  # every record was read
    NO_ROOM = 3  # the copy could not be written; nothing is known about the file
    DAMAGED = 4  # some records could not be read; the others are in the copy


def main(folder: str, copy: str) -> int:
    """The child: its exit status is a `Verdict`, or anything at all if it died."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        source = _open(folder, readonly=True)
        if not copy:
            return _walk(source, None)
        os.makedirs(copy, exist_ok=True)
        return _walk(source, _open(copy, readonly=False))
    except lmdb.Error:
        return Verdict.DAMAGED


def _open(folder: str, *, readonly: bool) -> lmdb.Environment:
    map_bytes = _MAP_BYTES
    while True:
        try:
            return lmdb.open(
                folder, map_size=map_bytes, readonly=readonly, create=not readonly,
                lock=False, sync=False,
            )  # fmt: skip
        except lmdb.MemoryError:
            map_bytes //= 8
            if map_bytes < 1 << 24:
                raise


def _walk(source: lmdb.Environment, copy: lmdb.Environment | None) -> Verdict:
    """Reads every record of `source` in order, and appends them to `copy` in batches."""
    batch: list[tuple[bytes, bytes]] = []
    pending_bytes = 0
    last = b""
    verdict = Verdict.WHOLE
    with source.begin(buffers=True) as txn, txn.cursor() as cursor, txn.cursor() as finder:
        records = iter(cursor)
        while True:
            try:
                entry = next(records, None)
                if entry is None:
                    break
                key, value = bytes(entry[0]), bytes(entry[1])
            except lmdb.Error:
                verdict = Verdict.DAMAGED
                break
            # Order is also what ends the walk if a damaged page points back to an earlier one.
            if key <= last or not finder.set_key(key):
                verdict = Verdict.DAMAGED
                break
            last = key
            if copy is None:
                continue
            batch.append((key, value))
            pending_bytes += len(value)
            if pending_bytes > _BATCH_BYTES or len(batch) >= 4096:
                if not _append(copy, batch):
                    return Verdict.NO_ROOM
                batch, pending_bytes = [], 0
    if copy is not None and not _append(copy, batch):
        return Verdict.NO_ROOM
    return verdict


def _append(copy: lmdb.Environment, batch: list[tuple[bytes, bytes]]) -> bool:
    try:
        with copy.begin(write=True) as txn:
            for key, value in batch:
                txn.put(key, value, append=True)
    except lmdb.Error:
        return False
    return True
