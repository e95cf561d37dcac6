"""What Strata and the runner say to each other over one socket: frames, and what they mean.

A frame is 4 bytes of header length and 8 of payload length (both big-endian), a JSON header, and
the payload. The runner's end is reached by the user's code, so nothing that arrives is believed:
whatever is not a well-formed message raises `Malformed`, and sizes are capped before they are
waited for. The other end of this format is `strata/runner`, which may import nothing of ours.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from strata.core.dataclass import dataclass
from strata.core.result import CellFailure, FailureKind, Unstorable
from strata.core.signature import Signature

HEADER_LIMIT_BYTES = 16 << 20
PAYLOAD_LIMIT_BYTES = 2 << 30

_PREFIX = struct.Struct(">IQ")


class Malformed(Exception):
    """The other end sent something that is not a message; the text says what."""


@dataclass(frozen=True, slots=True)
class OutputSent:
    """A variable, encoded: in `payload`, in the file `path` of `size_bytes` bytes, or as it was
    given in the slot `same_as`."""

    name: str
    codec: str
    type_name: str
    summary: str
    path: str | None
    size_bytes: int
    payload: bytes
    needs: tuple[str, ...] = ()
    unstable: str = ""
    same_as: str | None = None


@dataclass(frozen=True, slots=True)
class SharedSent:
    """Outputs that have mutable parts in common, once more, as one value."""

    names: tuple[str, ...]
    joint: OutputSent


@dataclass(frozen=True, slots=True)
class UnstorableSent:
    """A variable that exists and cannot be kept."""

    name: str
    unstorable: Unstorable


@dataclass(frozen=True, slots=True)
class DisplaySent:
    """One thing shown: MIME type to bytes, richest last or first as the cell gave them."""

    items: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class FailedSent:
    """The cell failed; nothing follows."""

    failure: CellFailure
    peak_memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a process was seen to touch. Paths are absolute, as they were when it happened."""

    reads: tuple[tuple[str, Signature | None], ...] = ()
    """Files opened for reading, and how they looked then; None for one that was not there. A file
    that the process had written itself before is not among them."""
    folders: tuple[str, ...] = ()
    """Folders that were listed."""
    writes: tuple[str, ...] = ()
    """Files opened for writing, renamed to or removed; those only appended to left out."""
    appends: tuple[str, ...] = ()
    """Files that were only appended to."""
    modules: tuple[str, ...] = ()
    """Files of imported modules below the environment's site-packages, relative to it."""
    missing_modules: tuple[str, ...] = ()
    """Top-level modules that were looked for and not found."""
    variables: tuple[str, ...] = ()
    """Variables of the caller's environment that the cell's code asked for and was not given."""
    refused: tuple[str, ...] = ()
    """Of `reads`, what the sandbox refused; the cell ended well without it."""
    overflow: bool = False
    """There was more than can be told: too many names, or names that are not UTF-8."""


@dataclass(frozen=True, slots=True)
class DoneSent:
    """The cell ended well and every output was sent; nothing follows."""

    peak_memory_bytes: int | None = None
    """What the process measured of itself; closer than `wait4`, which counts ours before exec."""
    changed: tuple[str, ...] = ()
    """Input slots whose value was changed in place."""
    aliases: tuple[tuple[str, str], ...] = ()
    """(output, input slot) that have mutable parts in common."""
    restated: tuple[tuple[str, str], ...] = ()
    """State in no variable that was changed: as in `ActionResult`."""
    seen: Seen = Seen()


Message: TypeAlias = OutputSent | SharedSent | UnstorableSent | DisplaySent | FailedSent | DoneSent


def pack(header: Mapping[str, object], payload: Sequence[bytes] = ()) -> list[bytes]:
    """The frame of `header` and the joined `payload`, as buffers to be written one by one."""
    head = json.dumps(header, default=_plain).encode()
    return [_PREFIX.pack(len(head), sum(map(len, payload))), head, *payload]


def _plain(value: object) -> object:
    """What `json` does not know as an object although it is one."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} cannot be sent to the runner")


class FrameReader:
    """Bytes in, in any pieces; messages out. Reads nothing after the message that ends a run."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._ended = False

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that `data` completes. Raises `Malformed`."""
        if self._ended:
            return
        self._buffer += data
        while not self._ended and (frame := self._next_frame()) is not None:
            message = _parse(*frame)
            self._ended = isinstance(message, FailedSent | DoneSent)
            yield message

    def _next_frame(self) -> tuple[bytes, bytes] | None:
        if len(self._buffer) < _PREFIX.size:
            return None
        header_size, payload_size = _PREFIX.unpack_from(self._buffer)
        if header_size > HEADER_LIMIT_BYTES or payload_size > PAYLOAD_LIMIT_BYTES:
            raise Malformed(f"a frame of {header_size} + {payload_size} bytes")
        middle = _PREFIX.size + header_size
        end = middle + payload_size
        if len(self._buffer) < end:
            return None
        with memoryview(self._buffer) as view:
            header, payload = bytes(view[_PREFIX.size : middle]), bytes(view[middle:end])
        del self._buffer[:end]
        return header, payload


def _parse(header: bytes, payload: bytes) -> Message:
    try:
        record = json.loads(header)
    except (ValueError, RecursionError) as problem:
        raise Malformed(f"a header that is not JSON: {problem}") from problem
    if not isinstance(record, dict):
        raise Malformed("a header that is not an object")
    match record.get("type"):
        case "output":
            return _output(record, payload)
        case "shared":
            return SharedSent(_texts(record, "names"), _output(record, payload))
        case "unstorable":
            unstorable = Unstorable(_text(record, "type_name"), _text(record, "reason"))
            return UnstorableSent(_text(record, "name"), unstorable)
        case "display":
            return _display(record, payload)
        case "failed":
            return FailedSent(_failure(record), _optional_count(record, "peak_memory_bytes"))
        case "done":
            return _done(record)
        case kind:
            raise Malformed(f"a message of type {kind!r}")


def _output(record: Mapping[str, object], payload: bytes) -> OutputSent:
    path = _optional_text(record, "path")
    size, same_as = _count(record, "size"), _optional_text(record, "same_as")
    if path is None and same_as is None and size != len(payload):
        raise Malformed(f"an output of {size} bytes with a payload of {len(payload)}")
    return OutputSent(
        name=_text(record, "name"),
        needs=_texts(record, "needs"),
        unstable=_optional_text(record, "unstable") or "",
        codec=_text(record, "codec"),
        type_name=_text(record, "type_name"),
        summary=_text(record, "summary"),
        path=path,
        size_bytes=size,
        payload=payload,
        same_as=same_as,
    )


def _display(record: Mapping[str, object], payload: bytes) -> DisplaySent:
    items = record.get("items")
    if not isinstance(items, list):
        raise Malformed("a display without items")
    found: list[tuple[str, bytes]] = []
    start = 0
    for item in items:
        if not isinstance(item, dict):
            raise Malformed("a display item that is not an object")
        end = start + _count(item, "size")
        found.append((_text(item, "mime"), payload[start:end]))
        start = end
    if start != len(payload):
        raise Malformed(f"a display of {start} bytes with a payload of {len(payload)}")
    return DisplaySent(tuple(found))


def _failure(record: Mapping[str, object]) -> CellFailure:
    try:
        kind = FailureKind(_text(record, "kind"))
    except ValueError as problem:
        raise Malformed(str(problem)) from problem
    return CellFailure(
        kind=kind,
        type=_text(record, "type_name"),
        message=_text(record, "message"),
        file=_optional_text(record, "file"),
        line=_optional_count(record, "line"),
        traceback=_optional_text(record, "traceback") or "",
        hint=_optional_text(record, "hint"),
    )


def _done(record: Mapping[str, object]) -> DoneSent:
    seen = record.get("seen", {})
    if not isinstance(seen, dict):
        raise Malformed(f"'seen' is {seen!r:.60}, not an object")
    return DoneSent(
        peak_memory_bytes=_optional_count(record, "peak_memory_bytes"),
        changed=_texts(record, "changed"),
        aliases=_pairs(record, "aliases"),
        restated=_pairs(record, "restated"),
        seen=Seen(
            reads=tuple(_read(read) for read in _list(seen, "reads")),
            folders=_texts(seen, "folders"),
            writes=_texts(seen, "writes"),
            appends=_texts(seen, "appends"),
            modules=_texts(seen, "modules"),
            missing_modules=_texts(seen, "missing_modules"),
            variables=_texts(seen, "variables"),
            refused=_texts(seen, "refused"),
            overflow=_flag(seen, "overflow"),
        ),
    )


def _read(read: object) -> tuple[str, Signature | None]:
    match read:
        case [str(path)]:
            return path, None
        case [str(path), int(size), int(mtime), int(ctime), int(inode)]:
            return path, (size, mtime, ctime, inode)
        case _:
            raise Malformed(f"a file that was read: {read!r:.60}")


def _pairs(record: Mapping[str, object], name: str) -> tuple[tuple[str, str], ...]:
    return tuple(_pair(pair, name) for pair in _list(record, name))


def _pair(pair: object, name: str) -> tuple[str, str]:
    match pair:
        case [str(one), str(other)]:
            return _text({name: one}, name), _text({name: other}, name)
        case _:
            raise Malformed(f"of {name!r}: {pair!r:.60}, not a pair of texts")


def _list(record: Mapping[str, object], name: str) -> list[object]:
    value = record.get(name, [])
    if not isinstance(value, list):
        raise Malformed(f"{name!r} is {value!r:.60}, not a list")
    return value


def _flag(record: Mapping[str, object], name: str) -> bool:
    value = record.get(name, False)
    if not isinstance(value, bool):
        raise Malformed(f"{name!r} is {value!r:.60}, neither true nor false")
    return value


def _texts(record: Mapping[str, object], name: str) -> tuple[str, ...]:
    return tuple(_text({name: item}, name) for item in _list(record, name))


def _text(record: Mapping[str, object], name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str):
        raise Malformed(f"{name!r} is {value!r:.60}, not text")
    # A lone surrogate can be neither printed nor stored.
    return value.encode("utf-8", "backslashreplace").decode()


def _optional_text(record: Mapping[str, object], name: str) -> str | None:
    return None if record.get(name) is None else _text(record, name)


def _count(record: Mapping[str, object], name: str) -> int:
    value = record.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Malformed(f"{name!r} is {value!r:.60}, not a count")
    return value


def _optional_count(record: Mapping[str, object], name: str) -> int | None:
    return None if record.get(name) is None else _count(record, name)
