"""The journal of a workspace: what last happened to each label, and the runs before that.

One small LMDB environment of its own: it belongs to a workspace, while a cache may be shared, and
it may be lost without anything being built twice. A run's key in it is the label's digest and a
number that falls with time, so the newest run of a label is the first of its records. Beside them
stands the newest one in short (`Brief`), so that a build of everything need not read them.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from blake3 import blake3

from strata.core.action import ActionKey
from strata.core.dataclass import replace
from strata.core.errors import StoreUnreachable
from strata.core.label import Label
from strata.core.result import from_json, from_record, to_json
from strata.stores import _builds
from strata.stores._database import Database, Transaction, acquire, release
from strata.stores._environment import in_use
from strata.stores._filesystem import locked, unreachable
from strata.stores._sealed import seal_text, unseal_text
from strata.stores.base import Brief, BuildRecord, Run, brief_of

HISTORY = 64
"""How many runs of a label are kept."""

_SCHEMA = "strata.run.v1"
_PREFIX_BYTES = 16
_NUMBER_BYTES = 8
_SIZE_BYTES = 2
_KEY_BYTES = 32
_BRIEF = blake3(b"strata.journal.briefs").digest(_PREFIX_BYTES)
_BRIEF_FORM = struct.Struct(f">?{_KEY_BYTES}sd")
_FIRST_NUMBER = (1 << 8 * _NUMBER_BYTES) - 1

_encode = json.JSONEncoder(separators=(",", ":")).encode
_decode = json.JSONDecoder().decode


class LmdbJournal:
    """A `Journal` in a folder; make one with `open_journal`. Safe for threads and processes."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self._database = database
        self._closed = False

    @property
    def read_only(self) -> bool:
        """Every append raises `StoreUnreachable`."""
        return self._database.read_only

    def close(self) -> None:
        """Ends the use of the journal. Twice is once."""
        if not self._closed:
            self._closed = True
            release(self._database)

    def last(self, label: Label) -> Run | None:
        records = self._newest(label, limit=1)
        run = next(_readable(records), None)
        return run if run is not None or not records else next(iter(self.history(label)), None)

    def append(self, label: Label, run: Run) -> None:
        """Makes `run` the newest of `label`: within 50 ms for other processes, and if we die."""
        brief, text = _brief_value(brief_of(run)), _to_json(run)
        both = len(brief).to_bytes(_SIZE_BYTES, "big") + brief + text
        self._database.defer(_prefix(label), both, _append)

    def history(self, label: Label) -> list[Run]:
        """The runs of `label`, newest first, at most `HISTORY`; those that are damaged left out."""
        return list(_readable(self._newest(label, limit=HISTORY)))

    def briefs(self, labels: Iterable[Label]) -> dict[Label, Brief]:
        """The newest run of each of `labels` in short; those that have none are left out."""
        self._database.commit()

        def find(txn: Transaction) -> dict[Label, Brief]:
            values = ((label, txn.get(_BRIEF + _prefix(label))) for label in labels)
            found = ((label, _brief_in(value)) for label, value in values if value is not None)
            return {label: brief for label, brief in found if brief is not None}

        return self._database.read(find)

    def _newest(self, label: Label, limit: int) -> list[tuple[bytes, bytes]]:
        """The newest `limit` keys and values of `label`, those that were put off included."""
        database, prefix = self._database, _prefix(label)
        found = database.read(
            lambda txn: None if database.deferred(prefix) else _records(txn, prefix, limit)
        )
        if found is None:
            database.commit()
            found = database.read(lambda txn: _records(txn, prefix, limit))
        return found

    def add_build(self, build: BuildRecord) -> None:
        self._database.write(lambda txn: _builds.add_build(txn, build))

    def builds(self) -> list[BuildRecord]:
        """The builds, newest first, at most `_builds.BUILDS`; those that are damaged left out."""
        return self._database.read(_builds.builds)


def open_journal(folder: Path) -> LmdbJournal:
    """The journal in `folder`, made or mended if need be. Raises `StoreUnreachable`."""
    folder = folder.absolute()
    return LmdbJournal(folder, acquire(folder))


def clear_journal(folder: Path) -> None:
    """Forgets every run. Raises `StoreUnreachable`, also while a process has the journal open."""
    if not folder.is_dir():
        return
    try:
        with locked(folder / "open.lock"):
            if in_use(folder):
                raise StoreUnreachable(
                    "the journal is in use", path=str(folder), hint="wait until the build has ended"
                )
            for path in folder.iterdir():
                if path.name != "open.lock":
                    path.unlink()
    except OSError as problem:
        raise unreachable(problem, "clear", folder) from problem


CONFORMANCE = {"journal": open_journal}
"""Seam to what makes an empty implementation in a folder, for `tests/conformance`."""


def _brief_value(brief: Brief) -> bytes:
    key = bytes(_KEY_BYTES) if brief.key is None else bytes.fromhex(brief.key)
    return _BRIEF_FORM.pack(brief.key is not None, key, brief.duration_s) + brief.gist


def _brief_in(value: memoryview) -> Brief | None:
    """The brief in `value`. It is not sealed: what is wrong in it is no brief of any hit, and a
    wrong duration harms nobody."""
    try:
        has_key, key, duration_s = _BRIEF_FORM.unpack_from(value)
    except struct.error:
        return None
    gist = bytes(value[_BRIEF_FORM.size :])
    return Brief(ActionKey(key.hex()) if has_key else None, duration_s, gist)


def _append(txn: Transaction, prefix: bytes, both: bytes) -> None:
    """Writes a run and its brief, whose size comes first."""
    end = _SIZE_BYTES + int.from_bytes(both[:_SIZE_BYTES], "big")
    txn.put(_BRIEF + prefix, both[_SIZE_BYTES:end])
    newest = _records(txn, prefix, limit=1)
    number = _number_of(newest[0][0]) - 1 if newest else _FIRST_NUMBER
    key = _key(prefix, number)
    txn.put(key, seal_text(key, both[end:]))
    if number + HISTORY <= _FIRST_NUMBER:
        txn.delete(_key(prefix, number + HISTORY))


def _records(txn: Transaction, prefix: bytes, limit: int) -> list[tuple[bytes, bytes]]:
    """The newest `limit` keys and values that begin with `prefix`."""
    cursor = txn.cursor()
    found: list[tuple[bytes, bytes]] = []
    more = cursor.set_range(prefix)
    while more and len(found) < limit:
        key = bytes(cursor.key())
        if not key.startswith(prefix) or len(key) != _PREFIX_BYTES + _NUMBER_BYTES:
            break
        found.append((key, bytes(cursor.value())))
        more = cursor.next()
    return found


def _readable(records: list[tuple[bytes, bytes]]) -> Iterator[Run]:
    for key, value in records:
        text = unseal_text(key, value)
        run = None if text is None else _from_json(text)
        if run is not None:
            yield run


def _prefix(label: Label) -> bytes:
    return blake3(str(label).encode("utf-8", "surrogatepass")).digest(_PREFIX_BYTES)


def _key(prefix: bytes, number: int) -> bytes:
    return prefix + number.to_bytes(_NUMBER_BYTES, "big")


def _number_of(key: bytes) -> int:
    return int.from_bytes(key[_PREFIX_BYTES:], "big")


def _to_json(run: Run) -> bytes:
    record: dict[str, object] = {
        "schema": _SCHEMA,
        "key": run.key,
        "status": run.status,
        "reason": run.reason,
        "at": run.at,
        "build": run.build,
    }
    # What the stored form of a result leaves out, and what many runs do not have.
    optional: dict[str, object] = {
        "cache": run.result.cache,
        "accepted": run.result.accepted,
        "artifacts": run.artifacts,
        "definers": run.definers,
        "looked": run.looked,
        "moving": run.moving,
    }
    record |= {name: value for name, value in optional.items() if value}
    # The result is a text already, and is put in as it is.
    return _encode(record)[:-1].encode() + b',"result":' + to_json(run.result) + b"}"


def _from_json(text: bytes) -> Run | None:
    """The run that `_to_json` wrote, or None: a newer Strata may have written another form."""
    try:
        record = _decode(text.decode())
        if record["schema"] != _SCHEMA:
            return None
        key, cache = record["key"], record.get("cache")
        stored = record["result"]
        result = from_json(stored.encode()) if isinstance(stored, str) else from_record(stored)
        return Run(
            key=None if key is None else ActionKey(str(key)),
            status=str(record["status"]),
            reason=str(record["reason"]),
            result=replace(
                result,
                cache=None if cache is None else str(cache),
                accepted=str(record.get("accepted", "")),
            ),
            at=float(record.get("at", 0.0)),
            build=str(record.get("build", "")),
            artifacts=_texts(record.get("artifacts", {})),
            definers=_texts(record.get("definers", {})),
            looked=_texts(record.get("looked", {})),
            moving=tuple(map(str, record.get("moving", ()))),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _texts(record: Mapping[str, object]) -> dict[str, str]:
    return {str(name): str(value) for name, value in record.items()}
