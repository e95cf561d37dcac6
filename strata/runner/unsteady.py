"""Values that are stored as other bytes each time, compared in what stays the same.

A figure remembers ids, a record the time when it was stored: two pickles of it differ, and so do
those of two objects that were loaded from the same bytes. Where they do, nothing can be told; all
else is as steady as any value. The pickles are read as graphs (`pickled`) and walked side by side.
"""

from __future__ import annotations

import sys
from _blake2 import blake2b

from .pickled import Node, Reader, Unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .pickled import Child
    from .values import Encoded

_LARGEST = 4 << 20
_SETS = (b"\x91", b"\x90")


def differs(loaded: Sequence[Encoded], now: Sequence[Encoded]) -> bool | None:
    """Whether the first of `now` is another value than the first of `loaded`.

    The rest of each are the same value, stored again: only places where all of them agree count.
    None where the pickles are too large to be read, or cannot be.
    """
    every = [*loaded, *now]
    if len({one.codec for one in every}) > 1:
        return now[0].codec != loaded[0].codec
    if now[0].codec != "pickle" or max(len(one.buffers[2]) for one in every) > _LARGEST:
        return None
    try:
        return _Walk(len(loaded)).differ([_read(one) for one in every])
    except (Unreadable, IndexError, AttributeError):
        return None


def draw(value: Any) -> bool:
    """Whether figures are in `value`; they are as if they had been shown.

    That computes much which they remember, and changes nothing that anybody sees.
    """
    matplotlib: Any = sys.modules.get("matplotlib.figure")
    if matplotlib is None:
        return False
    if isinstance(value, dict):
        value = list(value.values())
    elif type(value).__name__ == "ndarray" and value.dtype.hasobject:
        value = value.reshape(-1).tolist()
    parts = value if isinstance(value, (list, tuple)) else [value]
    figures = {id(f): f for f in (getattr(part, "figure", None) for part in parts)}
    from io import BytesIO

    drawn = [f for f in figures.values() if isinstance(f, matplotlib.Figure)]
    for figure in drawn:
        try:
            figure.savefig(BytesIO())
        except Exception:  # noqa: BLE001 - what cannot be drawn was not
            continue
    return bool(drawn)


def _read(encoded: Encoded) -> Child:
    """The graph that a container (`codecs.pickle`) holds, with digests of what is beside it."""
    text, *buffers = encoded.buffers[2::2]
    reader = Reader(bytes(text), frozenset())
    root = reader.read()
    for node, buffer in zip(reader.buffers, buffers):  # noqa: B905 - Python 3.10
        node.before = (blake2b(buffer).digest(),)
    return root


class _Walk:
    """Several graphs side by side; the first `count` of them are of the value as it was loaded."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._seen: set[tuple[int, ...]] = set()
        self._partners: dict[tuple[int, Child], Child] = {}
        """Which object of a graph stands for which of the first graph."""

    def differ(self, roots: Sequence[Child]) -> bool:
        """Whether the value is another in a place that is steady."""
        todo: list[Sequence[Child]] = [roots]
        for nodes in todo:  # breadth first: the shortest way to an object says what it stands for
            key = tuple(map(id, nodes))
            if key in self._seen:
                continue
            self._seen.add(key)
            shapes = [_shape(node) for node in nodes]
            if not (self._agree(shapes[: self._count]) and self._agree(shapes[self._count :])):
                continue
            same = [self._stands(number, node, nodes) for number, node in enumerate(nodes)]
            if shapes[0] != shapes[-1]:
                return True
            if all(same):
                todo.extend(zip(*map(_parts, nodes)))  # noqa: B905 - Python 3.10
            elif all(same[: self._count]) and not any(same[self._count :]):
                return True
        return False

    def _agree(self, shapes: Sequence[object]) -> bool:
        return all(shape == shapes[0] for shape in shapes)

    def _stands(self, number: int, node: Child, nodes: Sequence[Child]) -> bool:
        """Whether these two have always stood for each other; what cannot change is left out."""
        first = nodes[0]
        if type(node) is bytes or node.fixed:  # type: ignore[union-attr]
            return True
        there = self._partners.setdefault((number, first), node) is node
        back = self._partners.setdefault((-number - 1, node), first) is first
        return there and back


def _shape(node: Child) -> object:
    """All that there is to a node, but for its parts."""
    if not isinstance(node, Node):
        return node
    sets = [_elements(node.before)] if node.make in _SETS else []
    sets += [_elements(items) for kind, items in node.after if kind in _SETS]
    counts = [(kind, len(items)) for kind, items in node.after]
    return node.make, len(node.before), counts, sets


def _elements(items: Any) -> object:
    """The elements of a set: those that are plain; of others nobody knows which is which."""
    return frozenset(item for item in items if type(item) is bytes)


def _parts(node: Child) -> list[Child]:
    if not isinstance(node, Node):
        return []
    found = [] if node.make in _SETS else list(node.before)
    for kind, items in node.after:
        if kind not in _SETS:
            found += items
    return found
