"""Reading values out of a document that its schema has already checked.

A wrong type here is a bug in the schema, hence the assertions.
"""

from __future__ import annotations

from collections.abc import Mapping

Table = Mapping[str, object]


def text_in(table: Table, key: str) -> str | None:
    """The string under `key`, or None where there is none."""
    value = table.get(key)
    assert value is None or isinstance(value, str)
    return value


def number_in(table: Table, key: str) -> float | None:
    """The number under `key`, or None where there is none."""
    value = table.get(key)
    assert value is None or isinstance(value, (int, float))
    return None if value is None else float(value)


def whole_in(table: Table, key: str, default: int) -> int:
    """The whole number under `key`."""
    value = table.get(key, default)
    assert isinstance(value, (int, float))
    return int(value)


def table_in(table: Table, key: str) -> Table:
    """The table under `key`, empty where there is none."""
    value = table.get(key, {})
    assert isinstance(value, dict)
    return value


def tables_in(table: Table, key: str) -> list[Table]:
    """The list of tables under `key`, empty where there is none."""
    value = table.get(key, [])
    assert isinstance(value, list)
    return value


def texts_in(table: Table, key: str) -> tuple[str, ...]:
    """The list of strings under `key`, empty where there is none."""
    value = table.get(key, [])
    assert isinstance(value, list)
    return tuple(value)


def as_text(value: object) -> str:
    """A scalar the way it would be written in a shell: `4`, `0.5`, `true`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def as_table(value: object) -> Table:
    """`value`, which is a table."""
    assert isinstance(value, dict)
    return value
