"""One pickle for equal values: what the C pickler wrote, written again in one form.

Two equal values may be pickled differently: which of two equal strings, tuples or dates are one
object decides where the pickle repeats them and where it refers back; sets come in the order in
which they iterate; the C and the Python pickler cut long lists differently. Here a pickle is read
as the graph that it describes, and that graph is written: what cannot change is known by its
value, what can change by its identity (`[l, l]` is not two equal lists), sets are in order of the
bytes of their elements. What comes out is a pickle that every unpickler reads, and whoever loads
it and pickles again gets the same bytes.

Nothing recurses along the value, nothing is imported, no code of the value runs.
"""

from __future__ import annotations

from .pickled import TEXTS, Node, Reader, Unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from typing import Any

    from .pickled import Child

_BATCH = 1000  # as `pickle` does
_VALUE_MODULES = frozenset(("numpy", "numpy.dtypes", "datetime", "decimal", "fractions", "uuid"))
_SETS = frozenset((set, frozenset))
_TEXT_CLASSES = frozenset((str, bytes))


class Canonical:
    """A pickle in its one form; in which order it takes the buffers; whether it is that form."""

    def __init__(self, pickled: bytes, buffers: list[int], settled: bool) -> None:
        self.pickled = pickled
        self.buffers = buffers
        self.settled = settled


def rewrite(pickled: bytes, values: Collection[str] = ()) -> Canonical:
    """`pickled`, protocol 5, in its one form. Raises `Unreadable`.

    `values` are classes ("module name") whose instances are known by their value, as a tuple is.
    """
    writer = _Writer(whole=True)
    try:
        body = writer.write(Reader(pickled, frozenset(values)).read())
    except (IndexError, AttributeError) as problem:  # an opcode in a place where it makes no sense
        raise Unreadable(str(problem)) from problem
    size = (len(body) + 1).to_bytes(8, "little")
    return Canonical(b"\x80\x05\x95" + size + body + b".", writer.buffers, writer.settled)


def weight(pickled: bytes, memo: Iterable[tuple[int, Any]]) -> int:
    """How long it takes to rewrite a pickle: its size in bytes, text left out."""
    return len(pickled) - sum(len(item) for _, item in memo if type(item) in _TEXT_CLASSES)


def may_differ(memo: Iterable[tuple[int, Any]]) -> bool:
    """Whether a pickle that is not rewritten may differ from that of an equal value.

    `memo` is what its pickler remembered: the objects that it would have referred back to. Where
    no two of those that are known by their value are equal, there is one way only to pickle it.
    """
    items = [item for _, item in memo]
    kinds = set(map(type, items))
    if any(type(item) in _SETS and len(item) > 1 for item in items if kinds & _SETS):
        return True
    texts = [item for item in items if type(item) in _TEXT_CLASSES]
    if len(set(texts)) < len(texts):
        return True
    kinds = {kind for kind in kinds if kind is tuple or kind.__module__ in _VALUE_MODULES}
    seen: set[object] = set()
    count = 0
    for item in items if kinds else ():
        if type(item) in kinds:
            try:
                seen.add((type(item), item))
            except TypeError:  # a tuple of what can change
                continue
            count += 1
    return len(seen) < count


class _Writer:
    """A graph to a pickle, without its first bytes and its last."""

    def __init__(self, whole: bool) -> None:
        self._whole = whole
        """Whether it is a whole value; else it is an element, written to be compared."""
        self.settled = True
        self.buffers: list[int] = []
        self._out: list[bytes] = []
        self._memo: dict[int, int] = {}
        self._todo: list[Any] = []
        self._alone: dict[int, bytes] = {}

    def write(self, root: Child) -> bytes:
        """`root` as opcodes."""
        out, memo, todo = self._out, self._memo, self._todo
        todo.append(root)
        while todo:
            item = todo.pop()
            kind = type(item)
            if id(item) in memo:
                out.append(_reference(memo[id(item)]))
            elif kind is bytes:
                out.append(item)
                if item[0] in TEXTS:
                    self._memoize(item)
            elif kind is Node:
                todo.append((item,))
                self._begin(item)
            else:
                self._finish(item[0])
        return b"".join(out)

    def _memoize(self, item: Child) -> None:
        self._out.append(b"\x94")
        self._memo[id(item)] = len(self._memo)

    def _begin(self, node: Node) -> None:
        if node.make in (b"t", b"\x91"):
            self._out.append(b"(")
        before = self._sorted(node, node.before) if node.make == b"\x91" else node.before
        self._todo.extend(reversed(before))

    def _finish(self, node: Node) -> None:
        """The parts are written: the value itself, and what changes it then."""
        if id(node) in self._memo:  # it holds itself, and was written within
            marked = node.make in (b"t", b"\x91")
            self._out.append(b"1" if marked else b"0" * len(node.before))
            self._out.append(_reference(self._memo[id(node)]))
            return
        self._out.append(node.make)
        if node.buffer >= 0:
            self.buffers.append(node.buffer)
        if node.memoized:
            self._memoize(node)
        steps: list[Child] = []
        for kind, items in node.after:
            steps.extend(self._steps(node, kind, items))
        steps.reverse()
        self._todo.extend(steps)

    def _steps(self, node: Node, kind: bytes, items: list[Child]) -> list[Child]:
        if kind == b"R0":
            return [*items, b"R", b"0"]
        if kind == b"b":
            return [step for state in items for step in (state, b"b")]
        if kind == b"\x90":
            items = self._sorted(node, items)
        size = 2 * _BATCH if kind == b"u" else _BATCH
        steps: list[Child] = []
        for start in range(0, len(items), size):
            steps += [b"(", *items[start : start + size], kind]
        return steps

    def _sorted(self, node: Node, items: Any) -> list[Child]:
        """The elements of a set in order of their bytes.

        Elements that can change may hold the set itself: within them no set but the unchangeable
        is put in order, so that there is an end.
        """
        if len(items) < 2 or not (self._whole or node.fixed):
            self.settled = self.settled and len(items) < 2
            return list(items)
        keys = {id(item): self._bytes_of(item) for item in items}
        if len(set(keys.values())) < len(keys):
            self.settled = False
        return sorted(items, key=lambda item: keys[id(item)])

    def _bytes_of(self, item: Child) -> bytes:
        if type(item) is bytes:
            return item
        if id(item) not in self._alone:
            writer = _Writer(whole=False)
            self._alone[id(item)] = writer.write(item)
            self.settled = self.settled and writer.settled
        return self._alone[id(item)]


def _reference(number: int) -> bytes:
    if number < 256:
        return bytes((0x68, number))
    return b"j" + number.to_bytes(4, "little")
