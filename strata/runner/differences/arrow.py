"""pyarrow: tables, batches and arrays. Rows have no names here: they belong together by place."""

from __future__ import annotations

import sys

from .tables import (
    MOST_EXAMPLES,
    column_detail,
    columns_detail,
    drift_of,
    has_moved,
    rows_detail,
    table_detail,
)
from .walk import short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

    from .walk import Path, Walk


def comparison_of(value: Any) -> Optional[Callable[[Walk, Path, Any, Any], None]]:
    """The comparison for a table or a batch; arrays are tables of one column."""
    pa = sys.modules.get("pyarrow")
    if pa is None:
        return None
    if isinstance(value, (pa.Table, pa.RecordBatch)):
        return _compare_tables
    return _compare_arrays if isinstance(value, (pa.Array, pa.ChunkedArray)) else None


def _compare_arrays(walk: Walk, path: Path, old: Any, new: Any) -> None:
    pa: Any = sys.modules["pyarrow"]
    tables = (pa.table({"values": column}) for column in (old, new))
    _compare_tables(walk, path, *tables)


def _compare_tables(walk: Walk, path: Path, old: Any, new: Any) -> None:
    """Columns, the number of rows, cells and drift; the schema's metadata too."""
    before, after = (dict(table.schema.metadata or {}) for table in (old, new))
    walk.look([((path, ".schema.metadata"), before, after)])
    columns = columns_detail(_types(old), _types(new))
    rows = min(old.num_rows, new.num_rows)
    cells = [c for name in _types(old) if name in _types(new) for c in _cells(old, new, name, rows)]
    came, went = range(rows, new.num_rows), range(rows, old.num_rows)
    counts = [old.num_rows, new.num_rows], [old.num_columns, new.num_columns]
    detail = table_detail(*counts, columns, rows_detail("place", came, went), None, cells)
    if detail is not None:
        walk.changed(path, "table", detail)


def _types(table: Any) -> dict[Any, str]:
    return {field.name: str(field.type) for field in table.schema}


def _cells(old: Any, new: Any, name: str, rows: int) -> list[dict[str, Any]]:
    """One column, if it differs in the rows that both have, or in its statistics."""
    if [table.schema.names.count(name) for table in (old, new)] != [1, 1]:
        return []
    a, b = (_chunked(table.column(name)) for table in (old, new))
    places = _different(a.slice(0, rows), b.slice(0, rows))
    examples = [[str(p), short(a[p].as_py()), short(b[p].as_py())] for p in places[:MOST_EXAMPLES]]
    drift = _drift(a, b, rows)
    if not places and (drift is None or not has_moved(drift)):
        return []
    return [column_detail(name, len(places), rows, examples, drift)]


def _chunked(column: Any) -> Any:
    pa: Any = sys.modules["pyarrow"]
    return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])


def _different(old: Any, new: Any) -> list[int]:
    """The places at which two columns of one length differ."""
    if old.equals(new):
        return []
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        unequal = pc.fill_null(pc.not_equal(old, new), False)
        if pa.types.is_floating(old.type) and pa.types.is_floating(new.type):
            both_nan = pc.and_(pc.is_nan(old), pc.is_nan(new))
            unequal = pc.and_not(unequal, pc.fill_null(both_nan, False))
        one_missing = pc.xor(pc.is_null(old), pc.is_null(new))
        return list(pc.indices_nonzero(pc.or_(unequal, one_missing)).to_pylist())
    except pa.ArrowException:  # nested types, or two that cannot be compared
        equal = map(lambda a, b: a.equals(b), old, new)
        return [place for place, same in enumerate(equal) if not same]


def _drift(old: Any, new: Any, rows: int) -> Optional[dict[str, Any]]:
    numbers = [_floats(column) for column in (old, new)]
    if numbers[0] is None or numbers[1] is None:
        return None
    drift = drift_of(numbers[0], numbers[1], paired=False)
    pairs = drift_of(numbers[0][:rows], numbers[1][:rows], paired=True)
    return {**drift, **{k: pairs[k] for k in ("max_difference", "mean_difference")}}


def _floats(column: Any) -> Any:
    """Numbers as float64 with NaN, or None for a column of anything else, or without NumPy."""
    import pyarrow as pa

    kind = column.type
    numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    if not numeric or "numpy" not in sys.modules:
        return None
    try:
        return column.to_numpy().astype("float64")
    except (pa.ArrowException, ValueError, TypeError):
        return None
