"""Classes and type variables that a cell makes by a call: stored as that call.

`Point = namedtuple("Point", "x y")` is an assignment, so no other cell can take `Point` from
source as it takes a `class` statement; and pickle would store the mere name `__main__.Point`,
which means nothing in another process. Here the call is stored, and the same call gives the same
object however often it is loaded in one process: `isinstance` holds between two inputs.

The functions that make things are published in the package: their names are part of the format.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

FORMAT = "_strata_runner"
"""The module that the names in stored values belong to."""

_made: dict[object, Any] = {}


def publish(*functions: Callable[..., object]) -> None:
    """Pickles name these functions as `_strata_runner.NAME`, wherever they are defined."""
    for function in functions:
        function.__module__ = FORMAT
        setattr(sys.modules[FORMAT], function.__name__, function)


def reduce(value: Any) -> Any | None:
    """The call that makes `value`, as pickle wants it; None if `value` was not made by one."""
    kind: Any = type(value)
    module = kind.__module__
    if issubclass(kind, type):
        if value.__bases__ == (tuple,) and isinstance(getattr(value, "_fields", None), tuple):
            defaults = tuple(value._field_defaults.values())
            return namedtuple_class, (value.__name__, value._fields, defaults)
        if module == "enum" and _has_members_only(value):
            members = tuple((name, one.value) for name, one in value.__members__.items())
            return enum_class, (value.__name__, value.__bases__, members)
        return None
    if kind.__name__ == "TypeVar" and module == "typing":
        options = (value.__bound__, value.__covariant__, value.__contravariant__)
        return type_variable, (value.__name__, value.__constraints__, *options)
    if hasattr(value, "__supertype__"):
        return new_type, (value.__name__, value.__supertype__)
    return None


def namedtuple_class(name: str, fields: tuple[str, ...], defaults: tuple[Any, ...]) -> Any:
    """`collections.namedtuple`."""
    from collections import namedtuple

    return _once(
        ("namedtuple", name, fields, repr(defaults)),
        lambda: namedtuple(name, fields, defaults=defaults, module="__main__"),
    )


def enum_class(name: str, bases: tuple[type, ...], members: tuple[Any, ...]) -> Any:
    """`enum.Enum(name, members)`, or of another enumeration without members."""
    return _once(
        ("enum", name, bases, repr(members)),
        lambda: bases[-1](name, members, module="__main__"),
    )


def type_variable(
    name: str, constraints: tuple[Any, ...], bound: Any, covariant: bool, contravariant: bool
) -> Any:
    """`typing.TypeVar`."""
    from typing import TypeVar

    def make() -> Any:
        made = TypeVar(  # type: ignore[misc]
            name, *constraints, bound=bound, covariant=covariant, contravariant=contravariant
        )
        made.__module__ = "__main__"
        return made

    return _once(("TypeVar", name, constraints, bound, covariant, contravariant), make)


def new_type(name: str, supertype: Any) -> Any:
    """`typing.NewType`."""
    from typing import NewType

    def make() -> Any:
        made = NewType(name, supertype)  # type: ignore[misc]
        made.__module__ = "__main__"
        return made

    return _once(("NewType", name, supertype), make)


def _once(call: object, make: Callable[[], Any]) -> Any:
    if call not in _made:
        _made[call] = make()
    return _made[call]


def _has_members_only(value: Any) -> bool:
    """Whether nothing but members was defined: such a class is what the functional API makes."""
    parts = [part for part in vars(value).values() if not isinstance(part, value)]
    return not any(
        isinstance(part, (property, classmethod, staticmethod))
        or (callable(part) and getattr(part, "__module__", None) == "__main__")
        for part in parts
    )


publish(namedtuple_class, enum_class, type_variable, new_type)
