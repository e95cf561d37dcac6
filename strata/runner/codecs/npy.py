"""NumPy arrays in the `.npy` layout (NEP 1): a text header, padding to 64 bytes, the data.

Only exact `ndarray`s of plain dtypes; subclasses (masked arrays, matrices), objects, records and
dtypes with metadata go to `pickle`. The layout is canonical: Fortran order only where the array
is not also in C order, anything else copied to C order; whether an array could be written to is
not kept. Loaded arrays can be written to and lie in the mapped file, so they do not own their
data (`ndarray.resize` in place is refused, as for any view).
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..channel import Buffer
    from ..definitions import Definitions
    from ..values import AnyBuffer

_MAGIC = b"\x93NUMPY\x01\x00"
_ALIGNMENT = 64
_PLAIN_KINDS = frozenset("?biufcSUmM")


def encode(value: object, definitions: Definitions) -> list[Buffer] | None:
    """`value` as `.npy`, or None where that does not keep it exactly."""
    np = sys.modules.get("numpy")
    if np is None or type(value) is not np.ndarray or not is_plain(value.dtype):  # type: ignore[attr-defined]
        return None
    array, order = canonical(np, value)
    return [_header(array.dtype.str, order, array.shape), flat_bytes(np, array)]


def decode(buffer: AnyBuffer, definitions: Definitions) -> object:
    """The array in `buffer`; it shares memory with `buffer`."""
    import numpy as np
    from numpy.lib import format as npy

    size = int.from_bytes(buffer[8:10], "little")
    from io import BytesIO

    shape, fortran, dtype = npy.read_array_header_1_0(BytesIO(bytes(buffer[8 : 10 + size])))
    return array_over(np, buffer, 10 + size, dtype, shape, "F" if fortran else "C")


def is_plain(dtype: Any) -> bool:
    """Whether `dtype.str` says all about `dtype`."""
    return (
        dtype.kind in _PLAIN_KINDS and dtype.metadata is None and dtype.type.__module__ == "numpy"
    )


def canonical(np: Any, array: Any) -> tuple[Any, str]:
    """`array`, or a copy that lies contiguously in memory; and its order, "C" or "F"."""
    if array.flags.c_contiguous:
        return array, "C"
    if array.flags.f_contiguous:
        return array, "F"
    return np.ascontiguousarray(array), "C"


def flat_bytes(np: Any, array: Any) -> Buffer:
    """The memory of a contiguous array, not copied."""
    if array.nbytes == 0:
        return b""
    flat = (array if array.flags.c_contiguous else array.T).reshape(-1)
    return memoryview(flat.view(np.uint8))


def array_over(np: Any, buffer: Any, offset: int, dtype: Any, shape: Any, order: str) -> Any:
    """An array in the memory of `buffer`."""
    if 0 in shape or dtype.itemsize == 0:
        return np.zeros(shape, dtype, order)
    return np.ndarray(shape, dtype, buffer, offset, order=order)


def _header(descr: str, order: str, shape: tuple[int, ...]) -> bytes:
    text = f"{{'descr': {descr!r}, 'fortran_order': {order == 'F'}, 'shape': {shape!r}, }}"
    size = len(_MAGIC) + 2 + len(text) + 1
    text += " " * (-size % _ALIGNMENT) + "\n"
    return _MAGIC + len(text).to_bytes(2, "little") + text.encode("ascii")
