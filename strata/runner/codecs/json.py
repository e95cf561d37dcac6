"""Plain values as canonical JSON: None, bools, ints, floats, text, lists, dicts with text keys.

Only what comes back exactly: exact types, no tuples, no list or dict twice in the value, no lone
surrogates (two of them, one after the other, would come back as one character). Large values go
to `pickle`, which is faster. Dicts keep their order, so dicts that differ in order differ in
bytes: their order can be seen.
"""

from __future__ import annotations

from .. import wire
from ..values import Encoded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..definitions import Definitions
    from ..values import AnyBuffer

_MOST_NODES = 10_000
_MOST_TEXT = 1 << 20  # characters
_MOST_INT_BITS = 2000  # less than any limit that `sys.set_int_max_str_digits` accepts
_DEEPEST = 100  # far from where the C encoder would give up


def encode(value: object, definitions: Definitions) -> Encoded | None:
    """`value` as JSON, or None where JSON does not keep it exactly."""
    if not _is_exact(value):
        return None
    try:
        return Encoded([wire.encode(value)])
    except UnicodeEncodeError:
        return None


def decode(buffer: AnyBuffer, definitions: Definitions) -> object:
    """The value in `buffer`."""
    return wire.decode(bytes(buffer))


def _is_exact(value: object) -> bool:
    level, depth, nodes, text = [value], 0, 0, 0
    seen: set[int] = set()
    while level:
        depth += 1
        nodes += len(level)
        below: list[object] = []
        for item in level:
            kind = type(item)
            if item is None or kind is bool:
                continue
            if kind is str:
                text += len(item)  # type: ignore[arg-type]
            elif kind is int:
                if item.bit_length() > _MOST_INT_BITS:  # type: ignore[attr-defined]
                    return False
            elif kind is float:
                if item != item and not _is_plain_nan(item):  # type: ignore[arg-type]
                    return False
            elif kind is list or kind is dict:
                if id(item) in seen or nodes + len(item) > _MOST_NODES:  # type: ignore[arg-type]
                    return False
                seen.add(id(item))
                if kind is dict:
                    for key in item:  # type: ignore[attr-defined]
                        if type(key) is not str:
                            return False
                        text += len(key)
                    below.extend(item.values())  # type: ignore[attr-defined]
                else:
                    below.extend(item)  # type: ignore[arg-type]
            else:
                return False
        if nodes > _MOST_NODES or text > _MOST_TEXT or depth > _DEEPEST:
            return False
        level = below
    return True


def _is_plain_nan(number: float) -> bool:
    """Whether JSON's NaN gives these very bits: the sign and payload of a NaN can be seen."""
    from _struct import pack

    return pack("<d", number) == pack("<d", float("nan"))
