"""Arrays, frames and columns brought into one layout, so that equal ones give equal bytes.

How an array was cut out of another, in how many blocks a frame keeps its columns, in how many
chunks a column lies, what stands in a place that is masked out: none of it can be seen in the
value, so none of it is stored. What can be seen stays: an array in Fortran order is one in Fortran
order (`flags` say so, and compiled code may ask for it).

The functions that stand in pickles are published in the package: their names are part of the
format.
"""

from __future__ import annotations

import sys
from _pickle import PickleBuffer

from . import made
from .codecs import arrow, npy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Callable

    Reduce = Callable[[Any], Any]

_UNSEEN = ("_cache", "_readonly")
"""What pandas' arrays keep beside their content: what was computed from it, and whether it is a
view that must not be written to."""


def reducer_for(kind: type) -> Reduce | None:
    """What brings values of this class into their one layout as they are pickled, or None."""
    module, name = kind.__module__, kind.__name__
    if module == "numpy" and name == "ndarray":
        return reduce_array
    if module.startswith("pandas"):
        return _pandas_reducer(kind)
    if module == "pyarrow.lib" and name.endswith("Array"):
        return _reduce_column
    if module.startswith("sklearn.feature_extraction"):
        return _without_ids
    return None


def joint_reducer_for(kind: type, owners: Mapping[int, Any]) -> Reduce | None:
    """The same, where arrays lie in the memory of one of `owners` in common, and have to do so
    when they are loaded: they become views, and no block of a frame is copied into another one."""
    reducer = reducer_for(kind)
    if reducer is reduce_array:
        return lambda value: reduce_view(value, owners)
    return None if reducer in (_reduce_block, _reduce_manager) else reducer


def array(data: Any, dtype: Any, shape: tuple[int, ...], order: str) -> object:
    """A NumPy array over `data`."""
    import numpy as np

    return npy.array_over(np, data, 0, np.dtype(dtype), shape, order)


def view(owner: Any, start: int, dtype: Any, shape: tuple[int, ...], strides: Any) -> object:
    """A NumPy array in the memory of `owner`, `start` bytes from its beginning."""
    import numpy as np

    return np.ndarray(shape, np.dtype(dtype), owner, start, strides)


def column(data: Any, chunked: bool) -> object:
    """A PyArrow array, or a chunked one, that was written by `arrow.column_bytes`."""
    return arrow.column_over(data, chunked)


made.publish(array, view, column)


def reduce_array(value: Any) -> Any:
    """A NumPy array as a flat buffer."""
    if value.dtype.hasobject or value.dtype.kind == "T":
        return NotImplemented
    np = sys.modules["numpy"]
    contiguous, order = npy.canonical(np, value)
    if not contiguous.flags.writeable:
        # A read-only buffer would be loaded as one: what pandas hands out would stay read-only.
        contiguous = contiguous.copy(order)
    data: Any = npy.flat_bytes(np, contiguous) or bytearray()
    return array, (PickleBuffer(data), _dtype(value), value.shape, order)


def reduce_view(value: Any, owners: Mapping[int, Any]) -> Any:
    """The same; as a view where other arrays lie in the same memory, which one of `owners` has."""
    owner = npy.owner(value)
    if owner is value or id(owner) not in owners or value.dtype.hasobject:
        return reduce_array(value)
    start = npy.address(value) - npy.address(owner)
    if not (owner.flags.c_contiguous or owner.flags.f_contiguous) or start < 0:
        return reduce_array(value)
    return view, (owner, start, _dtype(value), value.shape, value.strides)


def _dtype(value: Any) -> Any:
    return value.dtype.str if npy.is_plain(value.dtype) else value.dtype


def _pandas_reducer(kind: type) -> Reduce | None:
    if kind.__name__ == "BlockManager":
        return _reduce_manager
    if kind.__name__.endswith("Block") and kind.__module__ == "pandas.core.internals.blocks":
        return _reduce_block
    return _reduce_extension_array if hasattr(kind, "_concat_same_type") else None


def _reduce_manager(manager: Any) -> Any:
    """The columns of a frame: those of one dtype together, in order of the first of them."""
    made_by = manager.__reduce_ex__(5)
    try:
        whole = manager.consolidate()
        blocks = tuple(sorted(whole.blocks, key=lambda block: int(block.mgr_locs.as_array[0])))
    except (AttributeError, IndexError):  # another pandas than those we know
        return made_by
    if len(made_by) < 2 or len(made_by[1]) != 2 or made_by[0] is not type(manager):
        return whole.__reduce_ex__(5)
    return type(manager), (blocks, list(manager.axes)), *made_by[2:]


def _reduce_block(block: Any) -> Any:
    made_by = block.__reduce_ex__(5)
    if type(made_by) is not tuple or len(made_by) != 2 or len(made_by[1]) != 3:
        return made_by
    values, places, dimensions = made_by[1]
    np: Any = sys.modules["numpy"]
    if type(values) is np.ndarray and not values.dtype.hasobject:
        values = np.ascontiguousarray(values)
    return made_by[0], (values, _as_slice(places), dimensions)


def _as_slice(places: Any) -> Any:
    """Positions of columns as a slice, where they are one."""
    if type(places) is slice:
        places = range(places.start, places.stop, places.step or 1)
    found = [int(place) for place in places]
    step = found[1] - found[0] if len(found) > 1 else 1
    if found and step > 0 and found == list(range(found[0], found[-1] + 1, step)):
        return slice(found[0], found[0] + step * len(found), step)
    return places


def _reduce_extension_array(value: Any) -> Any:
    """One of pandas' own arrays, without what cannot be seen: what is below a mask, too."""
    made_by = value.__reduce_ex__(5)
    if len(made_by) < 3:
        return made_by
    state = made_by[2]
    if type(state) is tuple and state and type(state[-1]) is dict:  # those in Cython: the rest
        rest = _seen(state[-1])
        state = (*state[:-1], rest) if rest else state[:-1]
    elif type(state) is dict:
        state = _seen(state)
        if "_mask" in state and "_data" in state and state["_mask"].any():
            state["_data"] = state["_data"].copy()
            state["_data"][state["_mask"]] = 0
    return *made_by[:2], state, *made_by[3:]


def _seen(state: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in state.items() if name not in _UNSEEN}


def _reduce_column(value: Any) -> Any:
    data = arrow.column_bytes(value)
    if data is None:
        return NotImplemented
    return column, (PickleBuffer(data), type(value).__name__ == "ChunkedArray")


def _without_ids(value: Any) -> Any:
    """scikit-learn's vectorizers remember the address of a list that they have checked."""
    if "_stop_words_id" not in getattr(value, "__dict__", ()):
        return NotImplemented
    made_by = value.__reduce_ex__(5)
    if len(made_by) < 3 or type(made_by[2]) is not dict:
        return made_by
    state = {name: part for name, part in made_by[2].items() if name != "_stop_words_id"}
    return *made_by[:2], state, *made_by[3:]
