"""`dataclass`, `field` and `replace` of the standard library, cheap to define with.

To a type checker they are those of `dataclasses`, and they do the same for the arguments that are
named here. The standard library writes the methods of each class as text and compiles it: nearly a
millisecond a class, at every start. Here a class gets methods that know its fields when it is first
used, and those are closures; only where many instances are made, `__init__` is written as text.
`tests/core/test_dataclass.py` holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NoReturn

__all__ = ["dataclass", "field", "replace"]

_MISSING: Any = object()
_FIELDS = "__dataclass_fields__"
"""Where `dataclasses.replace` and `is_dataclass` look, too."""
_FROZEN = "__strata_frozen__"


class _Field:
    """What is known of one field."""

    __slots__ = ("_field_type", "compare", "default", "default_factory", "init", "name", "repr")

    def __init__(
        self,
        default: Any,
        default_factory: Callable[[], Any] | None = None,
        init: bool = True,
        repr: bool = True,
        compare: bool = True,
    ) -> None:
        self.name = ""
        self.default = default
        self.default_factory = default_factory
        self.init = init
        self.repr = repr
        self.compare = compare
        self._field_type = None  # `dataclasses.replace` asks whether it is a class variable


def _field(
    *,
    default: Any = _MISSING,
    default_factory: Callable[[], Any] | None = None,
    init: bool = True,
    repr: bool = True,
    compare: bool = True,
) -> Any:
    return _Field(default, default_factory, init, repr, compare)


def _replace(value: Any, /, **changes: Any) -> Any:
    for name, known in getattr(value, _FIELDS).items():
        if not known.init:
            if name in changes:
                raise ValueError(f"field {name} is declared with init=False")
        elif name not in changes:
            changes[name] = getattr(value, name)
    return value.__class__(**changes)


def _dataclass(
    cls: type | None = None,
    /,
    *,
    frozen: bool = False,
    slots: bool = False,
    order: bool = False,
    eq: bool = True,
) -> Any:
    def decorated(cls: type) -> type:
        fields = _fields(cls)
        added: dict[str, Any] = {
            _FIELDS: fields,
            _FROZEN: frozen,
            "__match_args__": tuple(name for name, known in fields.items() if known.init),
            "__init__": _BY_NAME["__init__"],
            "__repr__": _BY_NAME["__repr__"],
        }
        if eq:
            added["__eq__"] = _BY_NAME["__eq__"]
        if order:
            added |= {sign: _BY_NAME[sign] for sign in _ORDER}
        if frozen:
            added |= _OF_FROZEN
        written = cls.__dict__
        if eq:
            by_fields = _BY_NAME["__hash__"] if frozen else None
            added["__hash__"] = written.get("__hash__") or by_fields
        kept = {n: m for n, m in added.items() if n not in written or n == "__hash__"}
        if slots:
            return _with_slots(cls, fields, kept)
        for name, method in kept.items():
            setattr(cls, name, method)
        return cls

    return decorated if cls is None else decorated(cls)


def _fields(cls: type) -> dict[str, _Field]:
    """The fields of the classes above and of `cls`, whose attributes become plain defaults."""
    found: dict[str, _Field] = {}
    for above in reversed(cls.__mro__[1:]):
        found |= above.__dict__.get(_FIELDS, {})
    for name, annotation in cls.__annotations__.items():
        if str(annotation).startswith("ClassVar"):
            continue
        given = cls.__dict__.get(name, _MISSING)
        known = given if isinstance(given, _Field) else _Field(given)
        if known.default is not _MISSING and known.default.__class__.__hash__ is None:
            raise ValueError(f"mutable default for field {name} is not allowed")
        known.name = name
        if known.default is not _MISSING:
            setattr(cls, name, known.default)
        elif given is not _MISSING:
            delattr(cls, name)
        found[name] = known
    return found


def _with_slots(cls: type, fields: Iterable[str], added: Mapping[str, Any]) -> type:
    """`cls` again, with a slot for each field that no class above has one for."""
    above = {name for base in cls.__mro__[1:-1] for name in base.__dict__.get("__slots__", ())}
    body = {**cls.__dict__, **added}
    for name in ("__dict__", "__weakref__", *fields):
        body.pop(name, None)
    body["__slots__"] = tuple(name for name in fields if name not in above)
    made = type(cls)(cls.__name__, cls.__bases__, body)
    made.__qualname__ = cls.__qualname__
    return made


def _specialize(cls: type) -> None:
    """Gives `cls` methods that know its fields, for those that do not."""
    fields: dict[str, _Field] = getattr(cls, _FIELDS)
    frozen: bool = getattr(cls, _FROZEN)
    values, compared = _values_of(fields), _compared(fields)
    put = _setters(cls, fields)
    methods: dict[str, Any] = {
        "__init__": _init_of(cls, fields.values(), put, frozen=frozen),
        "__repr__": _repr_of([name for name, known in fields.items() if known.repr]),
        "__hash__": _hash_of(compared),
        "__getstate__": lambda self: list(values(self)),
        "__setstate__": _restore_with(list(put.values())),
        **{sign: _comparison(compared, sign) for sign in ("__eq__", *_ORDER)},
    }
    for name, method in methods.items():
        if cls.__dict__.get(name) is _BY_NAME[name]:
            setattr(cls, name, method)


def _at_first(name: str) -> Callable[..., Any]:
    """The method `name` of every class of which no instance was made yet."""

    def specialize(self: Any, /, *values: Any, **named: Any) -> Any:
        cls = self.__class__
        owner = next((c for c in cls.__mro__ if c.__dict__.get(name) is specialize), None)
        if owner is not None:  # no other thread was faster
            _specialize(owner)
        return getattr(cls, name)(self, *values, **named)

    return specialize


_ORDER = ("__lt__", "__le__", "__gt__", "__ge__")
_COPIED = ("__getstate__", "__setstate__")
"""Copying and pickling would set attributes, which a frozen class refuses."""

_METHODS = ("__init__", "__repr__", "__eq__", "__hash__", *_ORDER, *_COPIED)
_BY_NAME = {name: _at_first(name) for name in _METHODS}

_Values = Callable[[Any], tuple[Any, ...]]
_Setters = Mapping[str, Callable[[Any, Any], None]]


def _values_of(names: Iterable[str]) -> _Values:
    """A function that gives the values of all fields."""
    fields = tuple(names)
    if len(fields) > 1:
        return attrgetter(*fields)
    return lambda value: tuple(getattr(value, name) for name in fields)


def _compared(fields: Mapping[str, _Field]) -> _Values:
    """A function that gives the values of those fields that equality and order look at."""
    return _values_of(name for name, known in fields.items() if known.compare)


def _setters(cls: type, fields: Iterable[str]) -> _Setters:
    """How each field is set, also where the class refuses: by its slot if it has one."""

    def put_by_name(name: str) -> Callable[[Any, Any], None]:
        return lambda value, content: object.__setattr__(value, name, content)

    return {n: getattr(getattr(cls, n, None), "__set__", None) or put_by_name(n) for n in fields}


_MANY = 20
"""Instances after which it pays to compile `__init__`."""


def _init_of(
    cls: type, fields: Iterable[_Field], put: _Setters, *, frozen: bool
) -> Callable[..., None]:
    """`__init__` that needs no compiling; it puts a faster one in its place when it is worth it."""
    accepted = [(known, put[known.name]) for known in fields if known.init]
    setters = tuple(setter for _, setter in accepted)
    most = len(accepted)
    # What is left to do when so many fields were given by position.
    entries = tuple((k.name, setter, k.default, k.default_factory) for k, setter in accepted)
    others = tuple(entries[given:] for given in range(most + 1))
    made_here = tuple(
        (put[k.name], k.default_factory) for k in fields if not k.init and k.default_factory
    )
    finish: Callable[[Any], None] | None = getattr(cls, "__post_init__", None)
    title = cls.__qualname__
    made = 0

    def start(self: Any, /, *values: Any, **named: Any) -> None:
        for setter, value in zip(setters, values):  # noqa: B905 (too many is an error below)
            setter(self, value)
        nonlocal made
        made += 1
        if made == _MANY and cls.__init__ is start:  # type: ignore[misc]
            cls.__init__ = _compiled_init(fields, put, frozen, finish)  # type: ignore[misc]
        given = len(values)
        if given != most or named:
            if given > most:
                raise TypeError(f"{title} takes {most} values, not {given}")
            for name, setter, default, make in others[given]:
                if name in named:
                    setter(self, named.pop(name))
                elif default is not _MISSING:
                    setter(self, default)
                elif make is not None:
                    setter(self, make())
                else:
                    raise TypeError(f"{title} lacks the value '{name}'")
            if named:
                raise TypeError(f"{title} got '{next(iter(named))}', which is not to be given")
        for setter, make in made_here:
            setter(self, make())
        if finish is not None:
            finish(self)

    return start


def _compiled_init(
    fields: Iterable[_Field],
    put: _Setters,
    frozen: bool,
    finish: Callable[[Any], None] | None,
) -> Callable[..., None]:
    """The same `__init__`, written for these fields."""
    given: list[str] = []
    body: list[str] = []
    world: dict[str, Any] = {"_missing": _MISSING, "_finish": finish}
    for known in fields:
        name, make = known.name, known.default_factory
        world |= {f"_put_{name}": put[name], f"_made_{name}": make, f"_else_{name}": known.default}
        value = name
        if not known.init and make is None:
            continue
        if not known.init:
            value = f"_made_{name}()"
        elif make is not None:
            given.append(f"{name}=_missing")
            value = f"_made_{name}() if {name} is _missing else {name}"
        else:
            given.append(name if known.default is _MISSING else f"{name}=_else_{name}")
        body.append(f"_put_{name}(self, {value})" if frozen else f"self.{name} = {value}")
    if finish is not None:
        body.append("_finish(self)")
    lines = [f"def start({', '.join(['self', *given])}):", *(body or ["pass"])]
    exec("\n ".join(lines), world)
    start: Callable[..., None] = world["start"]
    return start


def _repr_of(names: Iterable[str]) -> Callable[[Any], str]:
    def shown(self: Any) -> str:
        content = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{self.__class__.__qualname__}({content})"

    return shown


def _hash_of(values: _Values) -> Callable[[Any], int]:
    def hashed(self: Any) -> int:
        return hash(values(self))

    return hashed


def _comparison(values: _Values, sign: str) -> Callable[[Any, Any], Any]:
    compare = getattr(tuple, sign)

    def compared(self: Any, other: Any) -> Any:
        if other.__class__ is self.__class__:
            return compare(values(self), values(other))
        return NotImplemented

    return compared


def _restore_with(setters: Iterable[Callable[[Any, Any], None]]) -> Callable[[Any, Any], None]:
    def restore(self: Any, state: Iterable[Any]) -> None:
        for setter, value in zip(setters, state, strict=True):
            setter(self, value)

    return restore


def _refuse_to_set(self: object, name: str, value: object) -> NoReturn:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot assign to field '{name}'")


def _refuse_to_delete(self: object, name: str) -> NoReturn:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot delete field '{name}'")


_OF_FROZEN = {
    "__setattr__": _refuse_to_set,
    "__delattr__": _refuse_to_delete,
    **{name: _BY_NAME[name] for name in _COPIED},
}

if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
else:
    dataclass, field, replace = _dataclass, _field, _replace
