"""A pickle read as the graph that it describes, without making the values.

Only opcodes that protocol 5 writes are read (`Lib/pickletools.py` is their specification). Parts
that cannot be changed are known by their value: equal ones are one node. Parts that can be changed
are known by their identity. No code of the value runs.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Union

    Child = Union[bytes, "Node"]
    """An atom or a text, as the opcode that makes it; or what is made of others."""

_SIZES = [0] * 256
for _op, _size in (
    ("N", 1),
    (")", 1),
    ("K", 2),
    ("M", 3),
    ("J", 5),
    ("G", 9),
    ("\x88", 1),
    ("\x89", 1),
):
    _SIZES[ord(_op)] = _size
"""Atoms of fixed size: None, the empty tuple, ints, floats, True, False."""
_LENGTHS = {0x8A: 1, 0x8B: 4, 0x8C: 1, 0x58: 4, 0x8D: 8, 0x43: 1, 0x42: 4, 0x8E: 8}
"""Atoms and texts that begin with their length: how many bytes it takes."""
TEXTS = frozenset((0x8C, 0x58, 0x8D, 0x43, 0x42, 0x8E))  # str and bytes
_HEAD = {0x8C: 2, 0x58: 5, 0x8D: 9}

_NAMES = """
    _strata_runner resolve|importlib import_module|_strata_runner namedtuple_class
    builtins complex|builtins range|builtins slice|builtins getattr|re _compile
    datetime date|datetime time|datetime datetime|datetime timedelta|datetime timezone
    decimal Decimal|fractions Fraction|pathlib PurePosixPath|pathlib PosixPath|pathlib Path
    pathlib PurePath|pathlib._local PosixPath|pathlib._local PurePosixPath
    numpy._core.multiarray scalar|numpy.core.multiarray scalar|pandas StringDtype
    pandas.core.arrays.string_ StringDtype
    pandas._libs.tslibs.timestamps _unpickle_timestamp
    pandas._libs.tslibs.timedeltas _timedelta_unpickle
"""
_VALUES = frozenset(name.strip() for line in _NAMES.splitlines() for name in line.split("|"))
"""What gives equal things, which cannot be changed, when it is called with equal arguments."""
_VALUES_WITH_STATE = frozenset(
    (
        "numpy dtype",
        "uuid UUID",
        "pandas DatetimeTZDtype",
        "pandas.core.dtypes.dtypes DatetimeTZDtype",
    )
)
"""The same, where a state is set after the call."""
_NAMED_TUPLE = "namedtuple"


class Unreadable(Exception):
    """A pickle that is not understood; it has to stay as it is."""


class Node:
    """What an opcode makes of others: first of `before`, by `make`, then changed by `after`."""

    memoized = False
    fixed = False
    """Whether neither it nor a part of it can be changed: known by its value."""
    name = ""
    """Of a class or function: "module name"."""
    of = ""
    """The name of what was called to make it."""
    same: Node | None = None
    """An equal one, that stands for it."""
    buffer = -1

    def __init__(self, make: bytes, before: tuple[Child, ...] = ()) -> None:
        self.make = make
        self.before = before
        self.after: list[tuple[bytes, list[Child]]] = []

    def add(self, kind: bytes, items: list[Child]) -> None:
        """`kind` puts `items` into it."""
        if self.fixed:
            raise Unreadable("something is added to what cannot change")
        if self.after and self.after[-1][0] == kind:
            self.after[-1][1].extend(items)
        else:
            self.after.append((kind, items))


class Reader:
    """A pickle to the graph that it describes."""

    def __init__(self, pickled: bytes, values: frozenset[str]) -> None:
        """`values` are classes whose instances are known by their value."""
        self._data = pickled
        self._values = values | {_NAMED_TUPLE}
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: list[Child] = []
        self._known: dict[object, Any] = {}
        """What cannot change, by value: parts are known already, so their ids stand for them."""
        self.buffers: list[Node] = []
        """The places of what is kept beside the pickle, in that order."""
        self._handlers = {
            0x28: lambda: self._marks.append(len(self._stack)),
            0x61: lambda: self._add(b"e", [self._stack.pop()]),
            0x65: lambda: self._add(b"e", self._since_mark()),
            0x73: lambda: self._add(b"u", [*self._pop(2)]),
            0x75: lambda: self._add(b"u", self._since_mark()),
            0x90: lambda: self._add(b"\x90", self._since_mark()),
            0x62: self._build,
            0x85: lambda: self._gather(b"\x85", self._pop(1)),
            0x86: lambda: self._gather(b"\x86", self._pop(2)),
            0x87: lambda: self._gather(b"\x87", self._pop(3)),
            0x74: lambda: self._gather(b"t", tuple(self._since_mark())),
            0x91: self._frozenset,
            0x52: lambda: self._call(b"R", self._pop(2)),
            0x81: lambda: self._call(b"\x81", self._pop(2)),
            0x92: lambda: self._call(b"\x92", self._pop(3)),
            0x93: self._global,
            0x97: self._buffer,
            0x98: self._read_only,
            0x30: self._drop,
            0x31: self._since_mark,
        }

    def read(self) -> Child:
        """The value that the pickle makes."""
        data, position, stack, memo = self._data, 2, self._stack, self._memo
        known, handlers, sizes = self._known.setdefault, self._handlers, _SIZES
        while True:
            op = data[position]
            if op == 0x94:  # MEMOIZE
                node = stack[-1]
                memo.append(node)
                if type(node) is Node:
                    node.memoized = True
                position += 1
                continue
            size = sizes[op] or (op in _LENGTHS and self._size(op, position))
            if size:
                atom = data[position : position + size]
                stack.append(known(atom, atom))
                position += size
            elif op in handlers:
                handlers[op]()
                position += 1
            elif op == 0x2E:  # STOP
                value: Child = stack.pop()
                return value
            else:
                position += self._other(op, position)

    def _size(self, op: int, position: int) -> int:
        if op == 0x8C:  # by far the most
            return 2 + self._data[position + 1]
        width = _LENGTHS[op]
        length = self._data[position + 1 : position + 1 + width]
        return 1 + width + int.from_bytes(length, "little")

    def _other(self, op: int, position: int) -> int:
        """The size of a rare opcode; what it does is done."""
        if op == 0x68:
            self._get(self._data[position + 1])
            return 2
        if op == 0x6A:
            self._get(int.from_bytes(self._data[position + 1 : position + 5], "little"))
            return 5
        if op == 0x95:  # FRAME
            return 9
        if op == 0x96:  # BYTEARRAY8
            size = 9 + int.from_bytes(self._data[position + 1 : position + 9], "little")
            self._stack.append(Node(self._data[position : position + size]))
            return size
        if op in (0x5D, 0x7D, 0x8F):  # an empty list, dict, set
            self._stack.append(Node(bytes((op,))))
            return 1
        raise Unreadable(f"opcode {op}")

    def _get(self, number: int) -> None:
        node = self._memo[number]
        if type(node) is Node and node.same is not None:
            node = node.same
        self._stack.append(node)

    def _pop(self, count: int) -> tuple[Child, ...]:
        items = tuple(self._stack[-count:])
        del self._stack[-count:]
        return items

    def _since_mark(self) -> list[Child]:
        start = self._marks.pop()
        items = self._stack[start:]
        del self._stack[start:]
        return items

    def _add(self, kind: bytes, items: list[Child]) -> None:
        self._stack[-1].add(kind, items)

    def _gather(self, make: bytes, items: tuple[Child, ...]) -> None:
        self._stack.append(self._made(make, items, all(map(_is_fixed, items))))

    def _frozenset(self) -> None:
        items = self._since_mark()
        fixed = all(map(_is_fixed, items))
        self._stack.append(self._made(b"\x91", tuple(sorted(items, key=id)), fixed))

    def _made(self, make: bytes, before: tuple[Child, ...], fixed: bool) -> Node:
        if not fixed:
            return Node(make, before)
        key = (make, *map(id, before))
        node: Node | None = self._known.get(key)
        if node is None:
            node = self._known[key] = Node(make, before)
            node.fixed = True
        return node

    def _global(self) -> None:
        before = self._pop(2)
        node = self._made(b"\x93", before, True)
        node.name = " ".join(map(_text, before))  # type: ignore[arg-type]
        self._stack.append(node)

    def _call(self, make: bytes, before: tuple[Child, ...]) -> None:
        called, arguments = before[0], before[-1]
        name = called.name if type(called) is Node else ""
        is_value = name in (_VALUES if make == b"R" else self._values)
        node = self._made(make, before, is_value and all(map(_is_fixed, before)))
        if name == "_strata_runner resolve" and node.fixed:
            node.name = " ".join(map(_text, arguments.before))  # type: ignore[union-attr]
        elif name == "_strata_runner namedtuple_class":
            node.name = _NAMED_TUPLE
        if node.fixed and name.endswith(" scalar") and _is_record(arguments):
            node = Node(make, before)  # NumPy's records can be changed
        node.of = name
        self._stack.append(node)

    def _build(self) -> None:
        state, node = self._stack.pop(), self._stack[-1]
        content = _content(state) if node.of in _VALUES_WITH_STATE and not node.after else None
        if content is None or not all(map(_is_fixed, node.before)):
            node.add(b"b", [state])
            return
        key = (b"b", node.make, *map(id, node.before), *content)
        same = self._known.setdefault(key, node)
        if same is node:
            node.add(b"b", [state])
            node.fixed = True
        else:
            node.same = same
            self._stack[-1] = same

    def _buffer(self) -> None:
        node = Node(b"\x97")
        node.buffer = len(self.buffers)
        self.buffers.append(node)
        self._stack.append(node)

    def _read_only(self) -> None:
        self._stack[-1].make += b"\x98"

    def _drop(self) -> None:
        """A value is dropped. Where it was a function that set a state, that belongs to the object.

        What else is dropped are the parts of a tuple that was found to hold itself.
        """
        node, below = self._stack.pop(), self._stack[-1] if self._stack else None
        if type(node) is Node and node.make == b"R" and not node.memoized:
            arguments = node.before[1]
            if type(arguments) is Node and arguments.before[:1] == (below,):
                below.after.append((b"R0", list(node.before)))  # type: ignore[union-attr]


def _is_fixed(item: Child) -> bool:
    return type(item) is bytes or item.fixed  # type: ignore[union-attr]


def _text(item: bytes) -> str:
    head = _HEAD.get(item[0]) if type(item) is bytes else None
    return "" if head is None else item[head:].decode("utf-8", "surrogatepass")


def _content(state: Child) -> tuple[object, ...] | None:
    """What stands for a state, by value: one that cannot change, or a dict of such; else None."""
    if type(state) is bytes or state.fixed:  # type: ignore[union-attr]
        return (id(state),)
    if state.make != b"}" or len(state.after) != 1 or not all(map(_is_fixed, state.after[0][1])):  # type: ignore[union-attr]
        return None
    return (b"}", *map(id, state.after[0][1]))  # type: ignore[union-attr]


def _is_record(arguments: Child) -> bool:
    """Whether the arguments of NumPy's `scalar` make a record."""
    dtype: Any = arguments.before[0]  # type: ignore[union-attr]
    return _text(dtype.before[1].before[0]).startswith("V")
