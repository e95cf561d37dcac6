"""pandas: frames, series and indexes.

Rows belong together by their index where that is unique. Where it only counts the rows, or has
duplicates, they do by place or by content, whichever leaves fewer of them different: so a row taken
from the middle is one row less, and not a change of all that follow.
"""

from __future__ import annotations

import sys

from .arrays import alike
from .tables import (
    MOST_EXAMPLES,
    cell_text,
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
    """The comparison for a frame, a series or an index."""
    pd = sys.modules.get("pandas")
    if pd is None:
        return None
    if isinstance(value, pd.DataFrame):
        return _compare_frames
    if isinstance(value, pd.Series):
        return _compare_series
    return _compare_indexes if isinstance(value, pd.Index) else None


def _compare_series(walk: Walk, path: Path, old: Any, new: Any) -> None:
    if short(old.name) != short(new.name):
        walk.changed((path, ".name"), "value", {"old": short(old.name), "new": short(new.name)})
    _compare_frames(walk, path, old.to_frame("values"), new.to_frame("values"))


def _compare_indexes(walk: Walk, path: Path, old: Any, new: Any) -> None:
    _compare_frames(walk, path, old.to_frame(index=False), new.to_frame(index=False))


def _compare_frames(walk: Walk, path: Path, old: Any, new: Any) -> None:
    """Columns, rows, cells and drift; `attrs` too."""
    old, new = _with_unique_columns(old), _with_unique_columns(new)
    walk.look([((path, ".attrs"), dict(old.attrs), dict(new.attrs))])
    columns = columns_detail(_types(old), _types(new))
    rows, before, after = _matched(old, new)
    common = [name for name in _types(old) if name in _types(new)]
    cells = _changed_columns(old[common], new[common], before, after) if common else []
    counts = [len(old), len(new)], [old.shape[1], new.shape[1]]
    index = _index_detail(old.index, new.index)
    detail = table_detail(*counts, columns, rows, index, cells)
    if detail is not None:
        walk.changed(path, "table", detail)


def _with_unique_columns(frame: Any) -> Any:
    """`frame`, where columns have one name with their number in it. Shares its cells."""
    if frame.columns.is_unique:
        return frame
    counted: dict[Any, int] = {}
    names = []
    for name in frame.columns:
        counted[name] = counted.get(name, 0) + 1
        names.append(name if counted[name] == 1 else f"{name} ({counted[name]})")
    return frame.set_axis(names, axis="columns")


def _types(frame: Any) -> dict[Any, str]:
    """Column to type."""
    return {name: str(frame.dtypes.iloc[i]) for i, name in enumerate(frame.columns)}


def _index_detail(old: Any, new: Any) -> Optional[dict[str, Any]]:
    """Where indexes are of another kind or name."""
    before, after = (_index_text(index) for index in (old, new))
    return None if before == after else {"old": before, "new": after}


def _index_text(index: Any) -> str:
    names = [str(name) for name in index.names if name is not None]
    return f"{index.dtype}{' ' + ', '.join(names) if names else ''}"


def _matched(old: Any, new: Any) -> tuple[dict[str, Any], Any, Any]:
    """What became of the rows; and the places of those that belong together, in both."""
    np: Any = sys.modules["numpy"]
    counting = _only_counts(old.index) and _only_counts(new.index)
    if not counting and old.index.equals(new.index):
        places = np.arange(len(old))
        return rows_detail("index", [], []), places, places
    if not counting and old.index.is_unique and new.index.is_unique:
        try:
            return _matched_by_index(np, old.index, new.index)
        except TypeError:  # labels that cannot be compared
            pass
    by_content = _matched_by_content(np, old, new, with_index=not counting)
    return by_content or _matched_by_place(np, len(old), len(new))


def _only_counts(index: Any) -> bool:
    pd: Any = sys.modules["pandas"]
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1


def _matched_by_index(np: Any, old: Any, new: Any) -> tuple[dict[str, Any], Any, Any]:
    partner = new.get_indexer(old)
    before = np.flatnonzero(partner >= 0)
    after = partner[before]
    reordered = bool((after[1:] < after[:-1]).any())
    added = new[~new.isin(old)]
    return rows_detail("index", added, old[partner < 0], reordered), before, after


def _matched_by_content(
    np: Any, old: Any, new: Any, with_index: bool
) -> Optional[tuple[dict[str, Any], Any, Any]]:
    """Rows that are the same belong together; None where by place fewer of them differ."""
    pd: Any = sys.modules["pandas"]
    if list(old.columns) != list(new.columns):
        return None
    try:
        marks = [pd.util.hash_pandas_object(f, index=with_index).to_numpy() for f in (old, new)]
    except (TypeError, ValueError):  # lists in cells
        return None
    common = min(len(old), len(new))
    by_place = int((marks[0][:common] != marks[1][:common]).sum()) + abs(len(old) - len(new))
    partner = _numbered(pd, marks[1]).get_indexer(_numbered(pd, marks[0]))
    before = np.flatnonzero(partner >= 0)
    after = partner[before]
    gone = np.flatnonzero(partner < 0)
    come = np.setdiff1d(np.arange(len(new)), after)
    by_content = len(gone) + len(come)
    # Of columns that only moved on, such as days, content would tell less than places do.
    if by_place <= by_content or (by_content and len(old) == len(new)):
        return None
    reordered = bool((after[1:] < after[:-1]).any())
    return rows_detail("content", come, gone, reordered), before, after


def _numbered(pd: Any, marks: Any) -> Any:
    """Each mark with its number among equal ones, so that all are unique."""
    frame = pd.DataFrame({"mark": marks})
    frame["number"] = frame.groupby("mark").cumcount()
    return pd.MultiIndex.from_frame(frame)


def _matched_by_place(np: Any, old: int, new: int) -> tuple[dict[str, Any], Any, Any]:
    places = np.arange(min(old, new))
    added, removed = range(len(places), new), range(len(places), old)
    return rows_detail("place", added, removed), places, places


def _changed_columns(old: Any, new: Any, before: Any, after: Any) -> list[dict[str, Any]]:
    """The columns whose values differ, in rows that belong together; or whose statistics do."""
    found = []
    for name in old.columns:
        a, b = old[name], new[name]
        changed, examples = _changed_cells(a.iloc[before], b.iloc[after], old.index[before])
        drift = _drift(a, b, before, after)
        if changed or (drift is not None and has_moved(drift)):
            found.append(column_detail(name, changed, len(before), examples, drift))
    return found


def _changed_cells(old: Any, new: Any, index: Any) -> tuple[int, list[list[str]]]:
    np: Any = sys.modules["numpy"]
    differ = _unequal(np, old, new)
    places = np.flatnonzero(differ)
    examples = [
        [cell_text(index[p]), cell_text(old.iloc[p]), cell_text(new.iloc[p])]
        for p in places[:MOST_EXAMPLES]
    ]
    return len(places), examples


def _unequal(np: Any, old: Any, new: Any) -> Any:
    """Where two columns of one length differ; missing is equal to missing."""
    missing = old.isna().to_numpy(), new.isna().to_numpy()
    both = missing[0] & missing[1]
    one = missing[0] ^ missing[1]
    try:
        plain = [_comparable(column) for column in (old, new)]
        differ = np.asarray(plain[0] != plain[1], dtype=bool)
        if differ.shape != both.shape:
            raise ValueError("not element by element")
    except Exception:  # noqa: BLE001 - lists or arrays in cells, types that cannot be compared
        equal = list(map(alike, old.astype(object), new.astype(object)))
        differ = ~np.array(equal, dtype=bool)
    return (differ & ~both) | one


def _comparable(column: Any) -> Any:
    """The values as an array; of categories, the values and not their numbers."""
    if column.dtype.kind in "biufcmM" and type(column.dtype).__module__.startswith("numpy"):
        return column.to_numpy()
    return column.to_numpy(dtype=object, na_value=None)


def _drift(old: Any, new: Any, before: Any, after: Any) -> Optional[dict[str, Any]]:
    """Statistics of all rows; distances of those that belong together."""
    numbers = [_floats(column) for column in (old, new)]
    if numbers[0] is None or numbers[1] is None:
        return None
    drift = drift_of(numbers[0], numbers[1], paired=False)
    pairs = drift_of(numbers[0][before], numbers[1][after], paired=True)
    return {**drift, **{k: pairs[k] for k in ("max_difference", "mean_difference")}}


def _floats(column: Any) -> Any:
    """Numbers as float64 with NaN, or None for a column of anything else."""
    pd: Any = sys.modules["pandas"]
    if not pd.api.types.is_numeric_dtype(column.dtype) or column.dtype.kind in "bc":
        return None
    try:
        return column.to_numpy(dtype="float64", na_value=float("nan"))
    except (TypeError, ValueError):
        return None
