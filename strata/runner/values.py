"""Values to bytes and back, by the first codec that keeps a value exactly.

A codec is a module of `codecs/` with two functions:

    encode(value, definitions) -> `Encoded`, or None where it would not keep `value` exactly
    decode(buffer, definitions) -> the value; parts of it MAY lie in `buffer`

`encode` MAY raise `Unstorable`: no later codec can store the value either. Equal values SHOULD
give equal bytes: a build stops early where they do.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType
    from typing import Union

    from .channel import Buffer
    from .definitions import Definitions
    from .inputs import Buffer as WritableBuffer

    AnyBuffer = Union[Buffer, WritableBuffer]

CODECS = ("json", "npy", "arrow", "pickle")
"""In the order in which they are asked; the last one takes all that can be stored."""

JOINT = "pickle"
"""The codec of values that are stored together."""


class Unstorable(Exception):
    """A value cannot be stored; the message is the reason, one sentence or two."""


class Encoded:
    """A value as bytes, in pieces."""

    __slots__ = ("buffers", "codec", "needs", "same_as", "unstable")

    def __init__(
        self, buffers: list[Buffer], needs: tuple[str, ...] = (), unstable: str = ""
    ) -> None:
        self.codec = ""
        self.buffers = buffers
        self.needs = needs
        """Modules, not of the standard library, that decoding imports: `Reducer.needs`."""
        self.unstable = unstable
        """Why equal values may have other bytes, in a few words; "" where they have the same."""
        self.same_as: str | None = None
        """The input slot whose stored bytes these are."""

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(map(len, self.buffers))


def encode(value: object, definitions: Definitions) -> Encoded:
    """`value` by the first codec that keeps it exactly. Raises `Unstorable`."""
    for name in CODECS:
        encoded: Encoded | None = _codec(name).encode(value, definitions)
        if encoded is not None:
            encoded.codec = name
            return encoded
    raise Unstorable(f"no codec keeps a {type_name(value)}")


def encode_together(parts: Mapping[str, object], definitions: Definitions) -> Encoded:
    """`parts` as one value, a dict: what they have in common is one thing when they are loaded.

    Raises `Unstorable`.
    """
    encoded: Encoded = _codec(JOINT).encode_together(parts, definitions)
    encoded.codec = JOINT
    return encoded


def decode(codec: str, buffer: WritableBuffer, definitions: Definitions) -> object:
    """The value that `codec` wrote into `buffer`."""
    value: object = _codec(codec).decode(buffer, definitions)
    return value


def type_name(value: object) -> str:
    """The qualified name of the type of `value`, as users write it."""
    return class_name(type(value))


def class_name(kind: type) -> str:
    """The qualified name of a class: without module for builtins and for classes of cells."""
    module = getattr(kind, "__module__", "builtins")
    name = getattr(kind, "__qualname__", kind.__name__)
    if not isinstance(module, str) or module in ("builtins", "__main__"):
        return name
    return name if module.startswith("strata_cell_") else f"{module}.{name}"


def _codec(name: str) -> ModuleType:
    module: ModuleType = __import__(f"{__package__}.codecs.{name}", fromlist=["encode"])
    return module
