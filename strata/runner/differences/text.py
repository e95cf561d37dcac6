"""A difference as lines for people. `+` begins what only the new value has, `-` the old one's."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

_MOST_NAMES = 8


def lines(difference: Mapping[str, Any]) -> list[str]:
    """What `compare.difference` found, in order; and what it left out."""
    found = []
    before, after = difference.get("lengths", (0, 0))
    if before != after:
        found.append(f"elements: {before:,} → {after:,}")
    for change in difference["changes"]:
        found += _of_change(change)
    total = sum(difference["counts"].values())
    left_out = total - len(difference["changes"])
    if left_out:
        counts = ", ".join(f"{n:,} {what}" for what, n in difference["counts"].items() if n)
        found.append(f"... and {left_out:,} more ({counts} in all)")
    if not difference["complete"]:
        found.append("... the rest was not compared: the values have too many parts")
    return found


def _of_change(change: Mapping[str, Any]) -> list[str]:
    path, kind = change["path"], change["kind"]
    place = f"{path}: " if path else ""
    if change["change"] == "added":
        return [f"+ {place}{change['new']}"]
    if change["change"] == "removed":
        return [f"- {place}{change['old']}"]
    first, *rest = _BY_KIND[kind](change)
    return [f"{place}{first}", *(f"  {line}" if path else line for line in rest)]


def _number(change: Mapping[str, Any]) -> Iterator[str]:
    apart = []
    if change["difference"]:
        apart.append(f"{change['difference']:+.6g}")
    if change["relative"]:
        apart.append(f"{100 * change['relative']:+.3g}%")
    types = f", {change['old_type']} → {change['new_type']}" if "old_type" in change else ""
    told = f" ({', '.join(apart)})" if apart else ""
    yield f"{change['old']} → {change['new']}{told}{types}"


def _text(change: Mapping[str, Any]) -> Iterator[str]:
    if "diff" not in change:
        yield f"{change['old']} → {change['new']}"
        return
    yield f"text of {change['old_length']:,} → {change['new_length']:,} characters"
    yield from change["diff"]


def _bytes(change: Mapping[str, Any]) -> Iterator[str]:
    yield f"{change['old_length']:,} → {change['new_length']:,} bytes"
    yield f"from byte {change['offset']:,}: {change['old']} → {change['new']}"


def _value(change: Mapping[str, Any]) -> Iterator[str]:
    apart = f" ({change['difference']})" if "difference" in change else ""
    yield f"{change['old']} → {change['new']}{apart}"


def _type(change: Mapping[str, Any]) -> Iterator[str]:
    yield f"type {change['old_type']} → {change['new_type']}"
    yield f"- {change['old']}"
    yield f"+ {change['new']}"


def _order(change: Mapping[str, Any]) -> Iterator[str]:
    yield f"the order of the {change['of']} differs"


def _definition(change: Mapping[str, Any]) -> Iterator[str]:
    yield f"the definition of {change['name']} differs"


def _opaque(change: Mapping[str, Any]) -> Iterator[str]:
    yield f"two {change['type']}s that cannot be looked into; their bytes differ"


def _array(change: Mapping[str, Any]) -> Iterator[str]:
    (before, after), (old, new) = change["shape"], change["dtype"]
    yield f"array of {_shape(before)}{_arrow(before, after, _shape)}, {old}{_arrow(old, new, str)}"
    if "compared" in change:
        places = "" if before == after else " of the rows that both have"
        yield f"{change['changed']:,} of {change['compared']:,} elements{places} differ"
        for word, verb in (("nan_added", "became missing"), ("nan_removed", "are not missing now")):
            if change[word]:
                yield f"{change[word]:,} {verb}"
    if "drift" in change:
        yield from _drift(change["drift"])
    for index, old, new in change.get("examples", ()):
        yield f"{index}: {old} → {new}"


def _shape(shape: list[int]) -> str:
    return " × ".join(map(str, shape)) or "()"


def _arrow(before: Any, after: Any, text: Any) -> str:
    return "" if before == after else f" → {text(after)}"


def _drift(drift: Mapping[str, Any]) -> Iterator[str]:
    moved = [
        f"{name} {_figure(drift[name][0])} → {_figure(drift[name][1])}"
        for name in ("mean", "std", "min", "max", "missing")
        if _figure(drift[name][0]) != _figure(drift[name][1])
    ]
    if moved:
        yield ", ".join(moved)
    if drift["max_difference"]:
        most, mean = _figure(drift["max_difference"]), _figure(drift["mean_difference"])
        yield f"apart by {mean} on average, {most} at most"


def _figure(number: Any) -> str:
    if number is None:
        return "none"
    return f"{number:,}" if isinstance(number, int) else f"{number:.6g}"


def _table(change: Mapping[str, Any]) -> Iterator[str]:
    (rows, rows_now), (columns, columns_now) = change["rows_count"], change["columns_count"]
    yield f"{_counts(rows, rows_now, 'row')} × {_counts(columns, columns_now, 'column')}"
    yield from _columns(change["columns"])
    yield from _rows(change["rows"])
    if change["index"]:
        yield f"index {change['index']['old']} → {change['index']['new']}"
    for cell in change["cells"]:
        yield from _column(cell)
    if change["changed_columns"] > len(change["cells"]):
        yield f"... and {change['changed_columns'] - len(change['cells']):,} more columns"


def _counts(before: int, after: int, noun: str) -> str:
    numbers = f"{before:,}{_arrow(before, after, '{:,}'.format)}"
    return f"{numbers} {noun}" if before == after == 1 else f"{numbers} {noun}s"


def _columns(columns: Mapping[str, Any]) -> Iterator[str]:
    for what, sign in (("removed", "-"), ("added", "+")):
        for column in columns[what]:
            yield f"{sign} column {column['name']} ({column['type']})"
    for column in columns["retyped"]:
        yield f"column {column['name']}: {column['old']} → {column['new']}"
    for what, count in columns["counts"].items():
        if count > len(columns[what]):
            yield f"... and {count - len(columns[what]):,} more columns {what}"
    if columns["reordered"]:
        yield "the columns are in another order"


def _rows(rows: Mapping[str, Any]) -> Iterator[str]:
    how = {"index": "by index", "content": "by content, at", "place": "at the end, at"}
    for what, sign in (("removed", "-"), ("added", "+")):
        if rows[what]:
            named = rows[f"{what}_rows"][:_MOST_NAMES]
            rest = ", ..." if rows[what] > len(named) else ""
            told = f"{how[rows['matched_by']]} {', '.join(named)}".rstrip()
            noun = "row" if rows[what] == 1 else "rows"
            yield f"{sign} {rows[what]:,} {noun} {what} ({told}{rest})"
    if rows["reordered"]:
        yield "the rows are in another order"


def _column(cell: Mapping[str, Any]) -> Iterator[str]:
    if cell["changed"]:
        yield f"column {cell['column']}: {cell['changed']:,} of {cell['compared']:,} values differ"
    else:
        yield f"column {cell['column']}, over all rows:"
    if cell["drift"] is not None:
        for line in _drift(cell["drift"]):
            yield f"  {line}"
    for row, old, new in cell["examples"]:
        yield f"  row {row}: {old} → {new}"


_BY_KIND = {
    "number": _number,
    "text": _text,
    "bytes": _bytes,
    "value": _value,
    "type": _type,
    "order": _order,
    "definition": _definition,
    "opaque": _opaque,
    "array": _array,
    "table": _table,
}
