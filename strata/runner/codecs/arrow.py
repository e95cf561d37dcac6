"""PyArrow tables and record batches as an Arrow IPC stream.

pandas objects are not written this way: measured, pickle 5 with buffers out of band is as fast or
faster for all but columns of Python text, and it keeps index, dtypes, labels and attributes
exactly, which Arrow does not (a column of objects comes back as text). Each column of a table
becomes one chunk, so that tables that are equal have equal bytes however they were put together.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..channel import Buffer
    from ..definitions import Definitions
    from ..values import AnyBuffer

_BATCH = b"strata:record-batch"


def encode(value: object, definitions: Definitions) -> list[Buffer] | None:
    """`value` as an IPC stream, or None where it is no table or batch, or does not survive."""
    pa = sys.modules.get("pyarrow")
    if pa is None or type(value) not in (pa.Table, pa.RecordBatch):
        return None
    is_batch = type(value) is pa.RecordBatch
    table = pa.Table.from_batches([value]) if is_batch else value.combine_chunks()  # type: ignore[attr-defined]
    if _has_extension(pa, table.schema):
        return None
    if is_batch:
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), _BATCH: b""})
    sink = pa.BufferOutputStream()
    try:
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    except pa.ArrowException:
        return None
    return [memoryview(sink.getvalue())]


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


def _has_extension(pa: object, schema: object) -> bool:
    """Whether some column is of a type that only its registered class can read."""
    return any("extension<" in str(field.type) for field in schema)  # type: ignore[attr-defined]
