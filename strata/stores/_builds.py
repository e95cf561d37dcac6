"""Builds in the journal's database: a record each, and the lists of cells that they share.

The key of a build is a fixed prefix, a number that falls with time, and the digest of its list; the
list stands once under that digest, and goes with the last build that has it. So a build that finds
everything up to date writes a few hundred bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from blake3 import blake3

from strata.stores._database import Transaction
from strata.stores._sealed import seal_text, unseal_text
from strata.stores.base import BuildRecord

BUILDS = 256
"""How many builds are kept."""

_SCHEMA = "strata.journal.build.v1"
_BUILD = blake3(b"strata.journal.builds").digest(16)
_LIST = blake3(b"strata.journal.lists").digest(16)
_NUMBER_BYTES = 8
_FIRST = (1 << 8 * _NUMBER_BYTES) - 1
_START_OF_LIST = len(_BUILD) + _NUMBER_BYTES


def add_build(txn: Transaction, build: BuildRecord) -> None:
    """Makes `build` the newest; the oldest beyond `BUILDS` goes."""
    keys = list(_keys(txn))
    newest = int.from_bytes(keys[0][len(_BUILD) : _START_OF_LIST], "big") if keys else _FIRST + 1
    names = "\n".join(build.cells).encode("utf-8", "surrogatepass")
    digest = blake3(names).digest(16)
    _put(txn, _BUILD + (newest - 1).to_bytes(_NUMBER_BYTES, "big") + digest, _to_json(build))
    if txn.get(_LIST + digest) is None:
        _put(txn, _LIST + digest, names)
    kept, dropped = keys[: BUILDS - 1], keys[BUILDS - 1 :]
    for key in dropped:
        txn.delete(key)
    used = {digest, *(key[_START_OF_LIST:] for key in kept)}
    for unused in {key[_START_OF_LIST:] for key in dropped} - used:
        txn.delete(_LIST + unused)


def builds(txn: Transaction) -> list[BuildRecord]:
    """The builds, newest first; those that are damaged are left out."""
    lists: dict[bytes, tuple[str, ...] | None] = {}
    found = []
    for key in _keys(txn):
        digest = key[_START_OF_LIST:]
        if digest not in lists:
            names = _get(txn, _LIST + digest)
            lists[digest] = None if names is None else _lines(names)
        text, cells = _get(txn, key), lists[digest]
        build = None if text is None or cells is None else _from_json(text, cells)
        if build is not None:
            found.append(build)
    return found


def _keys(txn: Transaction) -> Iterator[bytes]:
    cursor = txn.cursor()
    more = cursor.set_range(_BUILD)
    while more and (key := bytes(cursor.key())).startswith(_BUILD):
        yield key
        more = cursor.next()


def _put(txn: Transaction, key: bytes, text: bytes) -> None:
    txn.put(key, seal_text(key, text))


def _get(txn: Transaction, key: bytes) -> bytes | None:
    value = txn.get(key)
    return None if value is None else unseal_text(key, bytes(value))


def _lines(names: bytes) -> tuple[str, ...]:
    return tuple(names.decode("utf-8", "surrogatepass").split("\n")) if names else ()


def _to_json(build: BuildRecord) -> bytes:
    record = {
        "schema": _SCHEMA,
        "id": build.id,
        "at": build.at,
        "duration_s": build.duration_s,
        "asked": build.asked,
        "counts": build.counts,
        "settled": build.settled,
        "interrupted": build.interrupted,
    }
    return json.dumps(record, separators=(",", ":")).encode()


def _from_json(text: bytes, cells: tuple[str, ...]) -> BuildRecord | None:
    """The build that `_to_json` wrote, or None: a newer Strata may have written another form."""
    try:
        record = json.loads(text)
        if record["schema"] != _SCHEMA:
            return None
        return BuildRecord(
            id=str(record["id"]),
            at=float(record["at"]),
            duration_s=float(record["duration_s"]),
            asked=tuple(map(str, record["asked"])),
            cells=cells,
            counts={str(k): int(v) for k, v in record["counts"].items()},
            settled={str(k): (str(s), str(r)) for k, (s, r) in record["settled"].items()},
            interrupted=bool(record["interrupted"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
