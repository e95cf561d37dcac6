"""Two values side by side: pairs of parts are looked at, one after the other, without recursion.

What is found is kept as `changes`, at most `MOST_CHANGES` of them; all are counted. After
`MOST_PAIRS` pairs the walk ends, and says that it did. A part that occurs many times is looked at
once, so cycles end.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Callable, Optional, Tuple

    Path = Optional[Tuple[Any, str]]
    """The path of the whole, or None; and the step from there, as it is written."""
    Pair = Tuple[Path, Any, Any]

MOST_CHANGES = 50
MOST_PAIRS = 500_000
_LONGEST_REPR = 200


class Walk:
    """One comparison. `compare(walk, path, old, new)` looks at one pair and MAY `look` at more."""

    def __init__(self, compare: Callable[[Walk, Path, Any, Any], None]) -> None:
        self.changes: list[dict[str, Any]] = []
        self.counts = {"added": 0, "removed": 0, "changed": 0}
        self.complete = True
        self._compare = compare
        self._waiting: list[Pair] = []
        self._seen: dict[tuple[int, int], tuple[Any, Any]] = {}
        """The values are kept: what a class makes for pickle would else be freed, its id reused."""

    def run(self, old: object, new: object) -> None:
        """Everything below these two values was looked at, or too much to look at all of it."""
        self._waiting.append((None, old, new))
        pairs = 0
        while self._waiting:
            pairs += 1
            if pairs > MOST_PAIRS:
                self.complete = False
                return
            self._compare(self, *self._waiting.pop())

    def look(self, pairs: Iterable[Pair]) -> None:
        """These pairs will be looked at next, the first of them first."""
        self._waiting.extend(reversed(list(pairs)))

    def is_new(self, old: object, new: object) -> bool:
        """Whether these two were never compared before; from now on they were."""
        key = (id(old), id(new))
        if key in self._seen:
            return False
        self._seen[key] = (old, new)
        return True

    @property
    def is_full(self) -> bool:
        """Changes are only counted from here on: `detail` is not looked at."""
        return len(self.changes) >= MOST_CHANGES

    def added(self, path: Path, value: object) -> None:
        """`value` is in the new value only."""
        self._keep("added", path, "part", {"new": short(value), "new_type": type_name(value)})

    def removed(self, path: Path, value: object) -> None:
        """`value` is in the old value only."""
        self._keep("removed", path, "part", {"old": short(value), "old_type": type_name(value)})

    def changed(self, path: Path, kind: str, detail: dict[str, Any]) -> None:
        """What is at `path` differs; `kind` says which keys `detail` has."""
        self._keep("changed", path, kind, detail)

    def _keep(self, change: str, path: Path, kind: str, detail: dict[str, Any]) -> None:
        self.counts[change] += 1
        if not self.is_full:
            self.changes.append({"path": written(path), "change": change, "kind": kind, **detail})


def written(path: Path) -> str:
    """`['a'][3].weight`; "" for the value itself."""
    steps = []
    while path is not None:
        path, step = path
        steps.append(step)
    return "".join(reversed(steps))


def short(value: object) -> str:
    """At most 200 characters that stand for `value`."""
    from reprlib import Repr

    brief = Repr()
    brief.maxlevel = 3
    brief.maxstring = brief.maxother = brief.maxlong = _LONGEST_REPR
    try:
        text = brief.repr(value)
    except Exception:  # noqa: BLE001 - a class's own code
        text = f"<{type_name(value)}>"
    text = text if len(text) <= _LONGEST_REPR else text[: _LONGEST_REPR - 3] + "..."
    return text.encode("utf-8", "backslashreplace").decode()


def type_name(value: object) -> str:
    """The name of the type of `value`, as users write it."""
    from ..values import type_name as name_of

    return name_of(value)
