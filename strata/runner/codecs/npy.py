"""NumPy arrays in the `.npy` layout (NEP 1): a text header, padding to 64 bytes, the data.

Only exact `ndarray`s of plain dtypes; subclasses (masked arrays, matrices), objects, records and
dtypes with metadata go to `pickle`. The layout is canonical: Fortran order only where the array
is not also in C order, anything else copied to C order; whether an array could be written to is
not kept. Loaded arrays can be written to and lie in the mapped file, so they do not own their
data (`ndarray.resize` in place is refused, as for any view).
"""

from __future__ import annotations

import sys

from ..values import Encoded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..channel import Buffer
    from ..definitions import Definitions
    from ..values import AnyBuffer

_MAGIC = b"\x93NUMPY\x01\x00"
_ALIGNMENT = 64
_EXTENDED = 16
_EXTENDED_USED = 10
_EXTENDED_MANTISSA = 63
"""x86's numbers of 80 bits take 16 bytes, of which 10 are used."""
_PLAIN_KINDS = frozenset("?biufcSUmM")


def encode(value: object, definitions: Definitions) -> Encoded | None:
    """`value` as `.npy`, or None where that does not keep it exactly."""
    np = sys.modules.get("numpy")
    if np is None or type(value) is not np.ndarray or not is_plain(value.dtype):  # type: ignore[attr-defined]
        return None
    array, order = canonical(np, value)
    header = _header(array.dtype.str, order, array.shape)
    return Encoded([header, flat_bytes(np, array)], ("numpy",))


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
    """`array`, or a copy that lies contiguously in memory; and its order, "C" or "F".

    Bytes that belong to no element are zero: what they hold is left over from something else.
    """
    if _has_padding(array.dtype):
        array = _without_padding(np, array)
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


def owner(array: Any) -> Any:
    """The array that `array` is a view of; itself, where it is of none."""
    while type(array.base).__name__ == "ndarray" and type(array.base).__module__ == "numpy":
        array = array.base
    return array


def address(array: Any) -> int:
    """Where the first element of `array` lies in memory."""
    place: int = array.__array_interface__["data"][0]
    return place


def _has_padding(dtype: Any) -> bool:
    """Whether not all bytes of an element mean something."""
    if dtype.names is not None:
        fields = [dtype.fields[name][0] for name in dtype.names]
        return sum(f.itemsize for f in fields) != dtype.itemsize or any(map(_has_padding, fields))
    return dtype.char in "gG" and dtype.itemsize % _EXTENDED == 0


def _without_padding(np: Any, array: Any) -> Any:
    """A copy of `array` whose padding is zero."""
    order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    copy = np.zeros(array.shape, array.dtype, order)
    if array.dtype.names is not None:
        for name in array.dtype.names:
            part = array[name]
            copy[name] = _without_padding(np, part) if _has_padding(part.dtype) else part
        return copy
    copy[...] = array
    if np.finfo(np.longdouble).nmant == _EXTENDED_MANTISSA and array.size:
        flat = flat_bytes(np, copy)
        for start in range(_EXTENDED_USED, _EXTENDED):
            flat[start::_EXTENDED] = bytes(len(flat) // _EXTENDED)  # type: ignore[index]
    return copy


def _header(descr: str, order: str, shape: tuple[int, ...]) -> bytes:
    text = f"{{'descr': {descr!r}, 'fortran_order': {order == 'F'}, 'shape': {shape!r}, }}"
    size = len(_MAGIC) + 2 + len(text) + 1
    text += " " * (-size % _ALIGNMENT) + "\n"
    return _MAGIC + len(text).to_bytes(2, "little") + text.encode("ascii")
