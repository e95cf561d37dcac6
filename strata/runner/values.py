"""Values to bytes and back, by the first codec that keeps a value exactly.

A codec is a module of `codecs/` with two functions:

    encode(value, definitions) -> list of buffers, or None where it would not keep `value` exactly
    decode(buffer, definitions) -> the value; parts of it MAY lie in `buffer`

`encode` MAY raise `Unstorable`: no later codec can store the value either. Equal values SHOULD
give equal bytes: a build stops early where they do.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Union

    from .channel import Buffer
    from .definitions import Definitions
    from .inputs import Buffer as WritableBuffer

    AnyBuffer = Union[Buffer, WritableBuffer]

CODECS = ("json", "npy", "arrow", "pickle")
"""In the order in which they are asked; the last one takes all that can be stored."""


class Unstorable(Exception):
    """A value cannot be stored; the message is the reason, one sentence or two."""


def encode(value: object, definitions: Definitions) -> tuple[str, list[Buffer]]:
    """The codec that keeps `value` exactly, and its bytes in pieces. Raises `Unstorable`."""
    for name in CODECS:
        buffers: list[Buffer] | None = _codec(name).encode(value, definitions)
        if buffers is not None:
            return name, buffers
    raise Unstorable(f"no codec keeps a {type_name(value)}")


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
