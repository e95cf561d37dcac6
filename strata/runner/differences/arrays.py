"""NumPy arrays, and what can be seen as one (a tensor): shape, dtype, elements, drift.

Arrays are read in pieces along their longest axis, never copied whole.
"""

from __future__ import annotations

import sys

from .numbers import PIECE, Drift
from .plain import compare_values
from .walk import short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Callable, Optional

    from .walk import Path, Walk

_NUMBERS = "iuf"
_MOST_EXAMPLES = 5


def comparison_of(value: Any) -> Optional[Callable[[Walk, Path, Any, Any], None]]:
    """The comparison for an array, or for a number of NumPy's that is no Python number."""
    np = sys.modules.get("numpy")
    if np is None:
        return None
    if isinstance(value, np.ma.MaskedArray):
        return _compare_masked
    if isinstance(value, np.ndarray):
        return compare_arrays
    if isinstance(value, np.generic):
        return compare_values
    root = type(value).__module__.partition(".")[0]
    seen_as_array = hasattr(type(value), "__array__") and hasattr(type(value), "shape")
    return _compare_tensors if seen_as_array and root not in ("pandas", "pyarrow") else None


def _compare_masked(walk: Walk, path: Path, old: Any, new: Any) -> None:
    np: Any = sys.modules["numpy"]
    walk.look(
        [
            ((path, ".mask"), np.ma.getmaskarray(old), np.ma.getmaskarray(new)),
            ((path, ".data"), np.ma.getdata(old), np.ma.getdata(new)),
        ]
    )


def _compare_tensors(walk: Walk, path: Path, old: Any, new: Any) -> None:
    """What another library calls an array; by its attributes where it does not give one."""
    try:
        before, after = _as_array(old), _as_array(new)
    except Exception:  # noqa: BLE001 - a class's own code
        from .objects import compare_objects

        compare_objects(walk, path, old, new)
        return
    compare_arrays(walk, path, before, after)


def _as_array(value: Any) -> Any:
    np: Any = sys.modules["numpy"]
    if hasattr(value, "detach"):  # torch: a tensor with a gradient, or on another device
        value = value.detach().cpu()
    return np.asarray(value)


def compare_arrays(walk: Walk, path: Path, old: Any, new: Any) -> None:
    """Shape, dtype, how many elements differ, by how much, and the first of them."""
    np: Any = sys.modules["numpy"]
    old, new = np.asarray(old), np.asarray(new)
    if old.dtype == new.dtype and old.dtype.names:
        walk.look(((path, f"[{n!r}]"), old[n], new[n]) for n in old.dtype.names)
        if old.shape == new.shape:
            return
    dtypes = [str(old.dtype), str(new.dtype)]
    detail: dict[str, Any] = {"shape": [list(old.shape), list(new.shape)], "dtype": dtypes}
    same_kind = old.shape == new.shape and old.dtype == new.dtype
    old, new = np.atleast_1d(old), np.atleast_1d(new)
    before, after = _common(old, new)
    if before is not None:
        detail |= _elements(np, before, after)
    if old.dtype.kind in _NUMBERS and new.dtype.kind in _NUMBERS:
        detail["drift"] = _drift(np, old, new)
    if not same_kind or detail["changed"]:
        walk.changed(path, "array", detail)


def _common(old: Any, new: Any) -> tuple[Any, Any]:
    """The elements that have a partner: all, or the rows that both have; else None and None."""
    if old.shape[1:] != new.shape[1:] or old.ndim != new.ndim:
        return None, None
    rows = min(len(old), len(new))
    return old[:rows], new[:rows]


def _elements(np: Any, old: Any, new: Any) -> dict[str, Any]:
    """`compared`, `changed`, `nan_added`, `nan_removed` and the first `examples`."""
    found = {"compared": int(old.size), "changed": 0, "nan_added": 0, "nan_removed": 0}
    examples: list[list[Any]] = []
    for place, a, b in _pieces(np, old, new):
        gone, come = _missing(np, a), _missing(np, b)
        found["nan_added"] += int((come & ~gone).sum())
        found["nan_removed"] += int((gone & ~come).sum())
        differ = _unequal(np, a, b) & ~(gone & come)
        found["changed"] += int(differ.sum())
        if len(examples) < _MOST_EXAMPLES:
            for where in np.argwhere(differ)[: _MOST_EXAMPLES - len(examples)]:
                index = tuple(int(i) for i in where)
                written = [index[axis] + place[axis] for axis in range(len(place))]
                examples.append([written, _text(a[index]), _text(b[index])])
    return {**found, "examples": examples}


def _pieces(np: Any, old: Any, new: Any) -> Iterator[tuple[tuple[int, ...], Any, Any]]:
    """Parts of two arrays of one shape, with the index of their first element."""
    if not old.size:
        return
    axis = old.shape.index(max(old.shape))
    step = max(1, PIECE * old.shape[axis] // old.size)
    for start in range(0, old.shape[axis], step):
        part = (slice(None),) * axis + (slice(start, start + step),)
        place = tuple(start if i == axis else 0 for i in range(old.ndim))
        yield place, old[part], new[part]


def _missing(np: Any, array: Any) -> Any:
    """Where there is NaN, NaT."""
    if array.dtype.kind in "fc":
        return np.isnan(array)
    if array.dtype.kind in "mM":
        return np.isnat(array)
    if array.dtype.kind == "O":
        flags = [isinstance(x, float) and x != x for x in array.reshape(-1)]
        return np.array(flags, bool).reshape(array.shape)
    return np.zeros(array.shape, bool)


def _unequal(np: Any, old: Any, new: Any) -> Any:
    """Where two arrays of one shape differ."""
    if "O" not in (old.dtype.kind, new.dtype.kind):
        try:
            result = np.not_equal(old, new)
        except TypeError:  # text and numbers
            return np.ones(old.shape, bool)
        return result if result.shape == old.shape else np.ones(old.shape, bool)
    equal = list(map(alike, old.reshape(-1), new.reshape(-1)))
    return ~np.array(equal, bool).reshape(old.shape)


def alike(old: Any, new: Any) -> bool:
    """Whether two elements are equal, whatever their class makes of `==`."""
    if old is new:
        return True
    try:
        return type(old) is type(new) and bool(old == new)
    except Exception:  # noqa: BLE001 - an array in an array, or a class's own code
        return short(old) == short(new)


def _drift(np: Any, old: Any, new: Any) -> dict[str, Any]:
    drift = Drift(np)
    paired = old.shape == new.shape
    if paired:
        for _, a, b in _pieces(np, old, new):
            drift.add(_floats(np, a), _floats(np, b), paired=True)
        return drift.values()
    nothing = np.zeros(0)
    for _, a, _ in _pieces(np, old, old):
        drift.add(_floats(np, a), nothing, paired=False)
    for _, b, _ in _pieces(np, new, new):
        drift.add(nothing, _floats(np, b), paired=False)
    return drift.values()


def _floats(np: Any, piece: Any) -> Any:
    return piece.reshape(-1).astype(np.float64)


def _text(element: Any) -> str:
    if getattr(getattr(element, "dtype", None), "kind", "") in ("m", "M"):
        return str(element)
    return short(element.item() if getattr(element, "shape", None) == () else element)
