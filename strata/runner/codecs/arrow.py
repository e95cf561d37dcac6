"""PyArrow tables and record batches as an Arrow IPC stream.

pandas objects are not written this way: measured, pickle 5 with buffers out of band is as fast or
faster for all but columns of Python text, and it keeps index, dtypes, labels and attributes
exactly, which Arrow does not (a column of objects comes back as text). Each column of a table
becomes one chunk that begins at its own first value, and what stands where a value is missing is
cleared: so tables that are equal have equal bytes however they were put together.
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

_BATCH = b"strata:record-batch"
_NEEDS = ("pyarrow",)


def encode(value: object, definitions: Definitions) -> Encoded | None:
    """`value` as an IPC stream, or None where it is no table or batch, or does not survive."""
    pa: Any = sys.modules.get("pyarrow")
    if pa is None or type(value) not in (pa.Table, pa.RecordBatch):
        return None
    is_batch = type(value) is pa.RecordBatch
    given: Any = value
    table = pa.Table.from_batches([given]) if is_batch else given
    if _has_extension(table.schema):
        return None
    columns = [_cleared(pa, part) for part in table.columns]
    if columns:
        table = pa.Table.from_arrays(columns, schema=table.schema)
    if is_batch:
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), _BATCH: b""})
    data = _written(pa, table)
    return None if data is None else Encoded([memoryview(data)], _NEEDS)


def decode(buffer: AnyBuffer, definitions: Definitions) -> object:
    """The table or batch in `buffer`; its columns share memory with `buffer`."""
    import pyarrow as pa

    table = pa.ipc.open_stream(pa.py_buffer(memoryview(buffer))).read_all()
    metadata = dict(table.schema.metadata or {})
    if _BATCH not in metadata:
        return table
    del metadata[_BATCH]
    table = table.replace_schema_metadata(metadata or None)
    batches = table.to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)


def column_bytes(value: Any) -> Buffer | None:
    """A PyArrow array, or a chunked one, as an IPC stream; None where that does not keep it."""
    pa: Any = sys.modules["pyarrow"]
    if "extension<" in str(value.type):
        return None
    table = pa.table([_cleared(pa, value)], names=[""])
    data = _written(pa, table)
    return None if data is None else memoryview(data)


def column_over(buffer: Any, chunked: bool) -> object:
    """The array that `column_bytes` wrote into `buffer`; it shares memory with `buffer`."""
    import pyarrow as pa

    column = pa.ipc.open_stream(pa.py_buffer(buffer)).read_all().column(0)
    if chunked:
        return column
    combined = column.combine_chunks()
    is_one = isinstance(combined, pa.Array)
    return combined if is_one else pa.concat_arrays(combined.chunks)


def _written(pa: Any, table: Any) -> Any | None:
    """`table` as an IPC stream, written into memory of just the size that it takes."""
    try:
        counted = pa.MockOutputStream()
        _write(pa, table, counted)
        data = pa.allocate_buffer(counted.size())
        _write(pa, table, pa.FixedSizeBufferWriter(data))
    except pa.ArrowException:
        return None
    return data


def _write(pa: Any, table: Any, sink: Any) -> None:
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


def _cleared(pa: Any, column: Any) -> Any:
    """`column` in one chunk, with nothing where a value is missing."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
        if isinstance(column, pa.ChunkedArray):  # too large for one
            return column
    if column.null_count == 0 or pa.types.is_null(column.type):
        return column
    import pyarrow.compute

    try:
        return pyarrow.compute.if_else(column.is_valid(), column, pa.scalar(None, column.type))
    except pa.ArrowException:  # not for each type
        return column


def _has_extension(schema: Any) -> bool:
    """Whether some column is of a type that only its registered class can read."""
    return any("extension<" in str(field.type) for field in schema)
