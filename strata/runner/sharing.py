"""Which variables have mutable parts in common: to be stored, or thought of, together.

Everything that can be reached from a value is walked by `gc.get_referents`, in C, a level at a
time. What cannot be changed is not followed, nor what belongs to no variable: classes, functions,
modules and what they hold. Arrays are compared by the memory that they lie in; data frames are
not looked into, for what shares memory with one is copied before it is written to (pandas 3).
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    Children = Callable[["Reach", Any], Iterable[object]]

MOST_VISITED = 5_000_000
"""Where more can be reached, nothing is said to be shared: looking would take seconds."""
_MOST_WORK = 1000  # for `numpy.shares_memory`

ATOMS = {int, float, complex, bool, str, bytes, type(None), type(...), type(NotImplemented), range}
"""Classes whose values hold nothing that can be changed."""
_NO_PARTS = {type(sys), type(lambda: 0), type((lambda: 0).__code__), type(sys._getframe()), type}


class _Bound:
    def method(self) -> None:
        """Its class is that of bound methods."""


_TRANSPARENT: tuple[type, ...] = (tuple, frozenset, type([].append), type(_Bound().method))
"""Cannot be changed themselves, but may hold what can."""
_FROZEN = """
    datetime decimal fractions uuid pathlib pathlib._local re zoneinfo ipaddress logging weakref
    _weakref _thread threading operator pyarrow.lib
"""
_FROZEN_MODULES = frozenset(_FROZEN.split())


class Sharing:
    """What was found: groups of outputs, and pairs of an output and an input slot."""

    def __init__(self, groups: list[list[str]], aliases: list[tuple[str, str]]) -> None:
        self.groups = groups
        self.aliases = aliases


def find(outputs: Mapping[str, object], inputs: Mapping[str, object], ignored: set[int]) -> Sharing:
    """Which of `outputs` have parts in common with each other, and which with `inputs`.

    `ignored` are ids of objects that do not count: the memory that inputs were loaded into.
    """
    made = {name: value for name, value in outputs.items() if type(value) not in ATOMS}
    given = {slot: value for slot, value in inputs.items() if type(value) not in ATOMS}
    if not made or len(made) + len(given) < 2:
        return Sharing([], [])
    found = _compare(made, given, ignored)
    if found.groups or found.aliases:
        found = _compare(made, given, ignored | _things_of_modules())
    return found


def owners_in_common(parts: Mapping[str, object]) -> dict[int, Any]:
    """Arrays, by id, in whose memory several of the arrays within `parts` overlap."""
    if "numpy" not in sys.modules:
        return {}
    from .codecs import npy

    reach = Reach(_Kinds(), set())
    reach.walk(dict(parts))
    owned: dict[int, list[Any]] = {}
    owners = {}
    for array in reach.arrays:
        owner = npy.owner(array)
        owners[id(owner)] = owner
        owned.setdefault(id(owner), []).append(array)
    found = {key for key, arrays in owned.items() if _any_overlap(arrays)}
    return {key: owner for key, owner in owners.items() if key in found}


class TooMuch(Exception):
    """More can be reached than is looked through."""


class Reach:
    """What can be changed among all that can be reached from a value."""

    def __init__(self, kinds: _Kinds, ignored: set[int]) -> None:
        self.ids: set[int] = set()
        self.arrays: list[Any] = []
        self._kinds = kinds
        self._ignored = ignored

    def walk(self, root: object) -> None:
        """Everything that `root` reaches is in `ids` and `arrays`. Raises `TooMuch`."""
        seen: set[int] = set()
        level = [root]
        visited = 0
        while level:
            visited += len(level)
            if visited > MOST_VISITED:
                raise TooMuch
            level = self._below(self._kinds.without_atoms(level), seen, root)

    def _below(self, level: list[object], seen: set[int], root: object) -> list[object]:
        plain: list[object] = []
        below: list[object] = []
        for item in level:
            key = id(item)
            if key in seen or (key in self._ignored and item is not root):
                continue
            seen.add(key)
            children, is_mutable = self._kinds.of(type(item))
            if is_mutable:
                self.ids.add(key)
            if children is None:
                plain.append(item)
            else:
                below.extend(children(self, item))
        if plain:
            import gc

            below.extend(gc.get_referents(*plain))
        return below


class _Kinds:
    """What is known of classes: whether their values are followed, and how."""

    def __init__(self) -> None:
        self._atoms = ATOMS | _NO_PARTS
        self._known: dict[type, tuple[Children | None, bool]] = {}

    def without_atoms(self, items: list[object]) -> list[object]:
        """Those of `items` that can be changed, or hold what can."""
        for kind in set(map(type, items)) - self._atoms - self._known.keys():
            if _is_atom(kind):
                self._atoms.add(kind)
            else:
                self._known[kind] = (_children_of(kind), not issubclass(kind, _TRANSPARENT))
        atoms = self._atoms
        return [item for item in items if type(item) not in atoms]

    def of(self, kind: type) -> tuple[Children | None, bool]:
        """How to get the parts of such a value (None: from Python), and if it can be changed."""
        return self._known[kind]


def _is_atom(kind: type) -> bool:
    if issubclass(kind, type) or kind.__module__ in _FROZEN_MODULES:
        return True
    if type(kind).__name__ in ("EnumMeta", "EnumType"):
        return True
    if issubclass(kind, (int, float, complex, str, bytes)):
        return not kind.__dictoffset__ or _is_numpy_scalar(kind)
    if kind.__module__.startswith("pandas"):
        return _is_frozen_of_pandas(kind)
    np: Any = sys.modules.get("numpy")
    return np is not None and (issubclass(kind, (np.dtype, np.ufunc)) or _is_numpy_scalar(kind))


def _is_numpy_scalar(kind: type) -> bool:
    np: Any = sys.modules.get("numpy")
    return np is not None and issubclass(kind, np.generic) and not issubclass(kind, np.void)


def _is_frozen_of_pandas(kind: type) -> bool:
    pandas: Any = sys.modules.get("pandas")
    frozen = kind.__name__.endswith("Dtype") or kind.__module__.startswith("pandas._libs")
    return frozen or issubclass(kind, getattr(pandas, "Index", ()))


def _children_of(kind: type) -> Children | None:
    np: Any = sys.modules.get("numpy")
    if np is not None and issubclass(kind, np.ndarray):
        return _parts_of_array
    pandas: Any = sys.modules.get("pandas")
    if pandas is not None and issubclass(kind, (pandas.DataFrame, pandas.Series)):
        return _parts_of_frame
    return None


def _parts_of_array(reach: Reach, array: Any) -> Iterable[object]:
    import gc

    reach.ids.discard(id(array))
    reach.arrays.append(array)
    parts = gc.get_referents(array)
    if array.dtype.hasobject and array.dtype.names is None:
        parts.extend(array.reshape(-1).tolist())
    base = array.base
    while isinstance(base, (memoryview, sys.modules["numpy"].ndarray)):
        base = base.obj if isinstance(base, memoryview) else base.base
    if base is not None:
        parts.append(base)
    return parts


def _parts_of_frame(reach: Reach, frame: Any) -> Iterable[object]:
    """Its attributes, and what lies in columns of objects; the columns only in an old pandas."""
    parts: list[object] = [frame.attrs] if frame.attrs else []
    for block in getattr(frame._mgr, "blocks", ()):
        values = block.values
        if not _copies_on_write():
            parts.append(values)
        elif type(values) is sys.modules["numpy"].ndarray and values.dtype.hasobject:
            parts.extend(values.reshape(-1).tolist())
    return parts


def _copies_on_write() -> bool:
    pandas: Any = sys.modules["pandas"]
    if int(pandas.__version__.partition(".")[0]) >= 3:
        return True
    try:
        return pandas.options.mode.copy_on_write is True
    except AttributeError:
        return False


def _compare(made: Mapping[str, object], given: Mapping[str, object], ignored: set[int]) -> Sharing:
    kinds = _Kinds()
    try:
        outputs = [(name, _reached(value, kinds, ignored)) for name, value in made.items()]
        inputs = [(slot, _reached(value, kinds, ignored)) for slot, value in given.items()]
    except TooMuch:
        return Sharing([], [])
    aliases = [(o, i) for o, one in outputs for i, other in inputs if _in_common(one, other)]
    return Sharing(_groups(outputs), aliases)


def _reached(value: object, kinds: _Kinds, ignored: set[int]) -> Reach:
    reach = Reach(kinds, ignored)
    reach.walk(value)
    return reach


def _groups(outputs: list[tuple[str, Reach]]) -> list[list[str]]:
    """The connected groups of more than one, in the order of the outputs."""
    groups: list[list[tuple[str, Reach]]] = []
    for name, reach in outputs:
        joined = [(name, reach)]
        apart = []
        for group in groups:
            if any(_in_common(reach, other) for _, other in group):
                joined = group + joined
            else:
                apart.append(group)
        groups = [*apart, joined]
    order = {name: number for number, (name, _) in enumerate(outputs)}
    found = [sorted((name for name, _ in g), key=order.__getitem__) for g in groups if len(g) > 1]
    return sorted(found, key=lambda names: order[names[0]])


def _in_common(one: Reach, other: Reach) -> bool:
    if not one.ids.isdisjoint(other.ids):
        return True
    return bool(one.arrays and other.arrays) and _arrays_overlap(one.arrays, other.arrays)


def _any_overlap(arrays: list[Any]) -> bool:
    return any(_arrays_overlap([a], arrays[i + 1 :]) for i, a in enumerate(arrays))


def _arrays_overlap(these: list[Any], those: list[Any]) -> bool:
    """Whether an element of one of `these` is one of one of `those`, too."""
    spans = [(*_span(a), 0, a) for a in these] + [(*_span(a), 1, a) for a in those]
    active: list[tuple[int, int, int, Any]] = []
    for span in sorted((s for s in spans if s[0] < s[1]), key=lambda s: s[:2]):
        active = [other for other in active if other[1] > span[0]]
        if any(other[2] != span[2] and _overlap(other[3], span[3]) for other in active):
            return True
        active.append(span)
    return False


def _overlap(one: Any, other: Any) -> bool:
    np: Any = sys.modules["numpy"]
    if one is other:
        return True
    try:
        return bool(np.shares_memory(one, other, max_work=_MOST_WORK))
    except Exception:  # noqa: BLE001 - too hard to tell, whose class has changed its module
        return True


def _span(array: Any) -> tuple[int, int]:
    """The first byte of `array` in memory, and the one after its last."""
    first: int = array.__array_interface__["data"][0]
    last = first + array.dtype.itemsize
    for size, stride in zip(array.shape, array.strides):  # noqa: B905 - `strict` came with Python 3.10
        if size == 0:
            return first, first
        if stride < 0:
            first += (size - 1) * stride
        else:
            last += (size - 1) * stride
    return first, last


def _things_of_modules() -> set[int]:
    """Ids of what belongs to installed modules: no part of any variable."""
    found: set[int] = set()
    known: frozenset[str] = getattr(sys, "stdlib_module_names", frozenset())
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if name != "__main__" and ("-packages" in file or name.partition(".")[0] in known):
            found.update(map(id, vars(module).values()))
    return found
