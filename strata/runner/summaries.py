"""A short text about a value, for people: `strata show` prints it without loading the value.

Never fails, never takes long: what a type's own code raises is ignored, and large values are not
looked through.
"""

from __future__ import annotations

import sys

from .process import take_out

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LONGEST = 2000
_SHORT_BITS = 600
"""Of an int that is written whole; nothing is imported for it."""
_MOST_ELEMENTS = 1_000_000
"""Larger arrays are not searched for their extremes."""


def summarize(value: object) -> str:
    """At most 2,000 characters about `value`; perhaps none."""
    try:
        return _summary(value)[:_LONGEST]
    except Exception:  # noqa: BLE001 - code of the value's class
        return ""


def _summary(value: Any) -> str:
    kind = type(value)
    if value is None or kind in (bool, float) or (kind is int and value.bit_length() < _SHORT_BITS):
        return repr(value)
    module, name = kind.__module__, kind.__name__
    if module.startswith("pandas") and name in ("DataFrame", "Series"):
        return _pandas(value, name)
    if module == "numpy" and name == "ndarray":
        return _array(value)
    if module.startswith("pyarrow") and name in ("Table", "RecordBatch"):
        fields = "\n".join(f"{f.name}: {f.type}" for f in list(value.schema)[:20])
        return f"{_count(value.num_rows, 'row')} × {_count(value.num_columns, 'column')}\n{fields}"
    short = take_out("reprlib").Repr()
    short.maxstring = short.maxother = short.maxlong = 200
    short.maxlist = short.maxdict = short.maxtuple = short.maxset = 10
    text: str = short.repr(value)
    if isinstance(value, (list, tuple, dict, set, frozenset)):
        return f"{_count(len(value), 'element')}\n{text}"
    return text


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _pandas(value: Any, name: str) -> str:
    rows = _count(len(value), "row")
    if name == "Series":
        return f"{rows} of {value.dtype}\n{value.head().to_string()}"
    head = value.iloc[:5, :8].to_string(max_colwidth=30)
    return f"{rows} × {_count(value.shape[1], 'column')}\n{head}"


def _array(value: Any) -> str:
    shape = " × ".join(map(str, value.shape)) or "one element"
    text = f"{shape} of {value.dtype}"
    if 0 < value.size <= _MOST_ELEMENTS and value.dtype.kind in "biuf":
        text += f"\nfrom {value.min()} to {value.max()}"
    np = sys.modules["numpy"]
    head = np.array2string(value.reshape(-1)[:10], threshold=10)
    return f"{text}\n{head}" if value.size <= 10 else f"{text}\n{head[:-1]} ...]"
