"""The values that a cell hands on: stored, and sent to the parent one by one."""

from __future__ import annotations

import os
from itertools import count

from . import values
from .channel import write_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from typing import Any

    from .changes import Changes
    from .channel import Buffer, Channel
    from .definitions import Definitions
    from .inputs import Inputs

_LARGEST_INLINE = 128 << 10
_PREALLOCATED = 1 << 20
_PLAIN = frozenset((int, float, bool, str, bytes, type(None)))
"""Classes whose values hold nothing that can be changed: nothing is imported for them."""
_numbers = count()


def send_outputs(
    names: Iterable[str],
    namespace: dict[str, Any],
    given: Mapping[str, str],
    inputs: Inputs,
    definitions: Definitions,
    channel: Channel,
    scratch: str,
) -> dict[str, object]:
    """Each of `names` that is bound has been sent, or why it cannot be stored.

    `given` says which names were bound to which slots before the cell ran. Gives what the `done`
    frame says about values: which inputs were changed, which outputs have parts of an input.
    Raises `OSError` where `scratch` cannot be written: that is no fault of the value, and must not
    be cached as one.
    """
    names = [name for name in names if name in namespace]
    came = {n: given[n] for n in names if n in given and inputs.value(given[n]) is namespace[n]}
    changes = _changes(inputs, definitions, namespace, came.values())
    kept: dict[str, object] = {}
    for name in names:
        slot = came.get(name)
        value = changes.latest(slot) if changes and slot else namespace[name]
        try:
            encoded = None
            if changes and slot and value is namespace[name]:
                encoded = changes.as_given(slot)
            encoded = encoded or values.encode(value, definitions)
        except values.Unstorable as problem:
            _send_unstorable(name, value, problem, channel)
            continue
        kept[name] = value
        _send(_output(name, value), encoded, channel, scratch)
    aliases = _send_shared(kept, given, inputs, definitions, channel, scratch)
    return {"changed": changes.slots() if changes else [], "aliases": aliases}


def _changes(
    inputs: Inputs,
    definitions: Definitions,
    namespace: dict[str, Any],
    handed_on: Collection[str],
) -> Changes | None:
    """What became of the inputs; None where there is none that could have changed."""
    if all(type(one.value) in _PLAIN for one in inputs.loaded().values()) and not any(
        space is not namespace for spaces in inputs.bindings.values() for space, _ in spaces
    ):
        return None
    from .changes import Changes

    return Changes(inputs, definitions, namespace, handed_on)


def _send_shared(
    kept: Mapping[str, object],
    given: Mapping[str, str],
    inputs: Inputs,
    definitions: Definitions,
    channel: Channel,
    scratch: str,
) -> list[tuple[str, str]]:
    """Outputs that have parts in common were sent once more, together; gives the aliases."""
    slots = inputs.loaded_slots()
    if sum(type(v) not in _PLAIN for v in (*kept.values(), *slots.values())) < 2:
        return []
    from .sharing import find

    # An input that is an output is one of those that share, not one that they share with.
    outputs = {given[name]: value for name, value in kept.items() if name in given}
    others = {slot: v for slot, v in slots.items() if outputs.get(slot, kept) is not v}
    found = find(kept, others, _memory_of(inputs))
    for names in found.groups:
        parts = {name: kept[name] for name in names}
        try:
            encoded = values.encode_together(parts, definitions)
        except values.Unstorable:
            continue  # each of them could be stored: then they stay apart
        header = _output("+".join(names), parts)
        _send({**header, "type": "shared", "names": names}, encoded, channel, scratch)
    return found.aliases


def _memory_of(inputs: Inputs) -> set[int]:
    """Ids of the buffers that inputs were loaded into: each holds the arrays of a whole value."""
    return {id(one.data) for one in inputs.loaded().values()}


def _send_unstorable(
    name: str, value: object, problem: values.Unstorable, channel: Channel
) -> None:
    reason = printable(str(problem))
    kind = values.type_name(value)
    channel.send({"type": "unstorable", "name": name, "type_name": kind, "reason": reason})


def printable(text: str) -> str:
    """`text` without what UTF-8 cannot say."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _output(name: str, value: object) -> dict[str, object]:
    from .summaries import summarize

    return {
        "type": "output",
        "name": name,
        "type_name": values.type_name(value),
        "summary": printable(summarize(value)),
    }


def _send(
    header: Mapping[str, object], encoded: values.Encoded, channel: Channel, scratch: str
) -> None:
    size, buffers, path = encoded.size, encoded.buffers, None
    if encoded.same_as is not None:
        buffers = []  # the parent has these bytes
    elif size >= _LARGEST_INLINE:
        path = _write(buffers, size, scratch)
        buffers = []
    told = {"codec": encoded.codec, "needs": encoded.needs, "unstable": encoded.unstable}
    if encoded.same_as is not None:
        told["same_as"] = encoded.same_as
    channel.send({**header, **told, "path": path, "size": size}, buffers)


def _write(buffers: Sequence[Buffer], size: int, scratch: str) -> str:
    path = os.path.join(scratch, f"output-{next(_numbers)}")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        if size >= _PREALLOCATED and hasattr(os, "posix_fallocate"):
            os.posix_fallocate(fd, 0, size)
        write_all(fd, buffers)
    finally:
        os.close(fd)
    return path
