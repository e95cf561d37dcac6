"""Checks a parsed TOML document against one of the JSON Schemas in `schemas/`.

Implements the keywords of draft 2020-12 that those two schemas use and no others, because
importing jsonschema costs 80 ms and a correct workspace must not pay that. That this checker and
jsonschema agree is a property in `tests/loading/test_schema.py`. The `description` of a schema
is the advice that a user gets when the value there is wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TypedDict

from strata.core.dataclass import dataclass
from strata.loading.suggest import nearest

TomlPath = tuple[str | int, ...]
"""Where in a document: keys, and positions in lists from 0."""

Schema = TypedDict(
    "Schema",
    {
        "$schema": str,
        "$defs": "dict[str, Schema]",
        "$ref": str,
        "title": str,
        "description": str,
        "type": "str | list[str]",
        "properties": "dict[str, Schema]",
        "required": "list[str]",
        "additionalProperties": "Schema",
        "items": "Schema",
        "enum": "list[str]",
        "pattern": str,
        "minLength": int,
        "minimum": float,
        "maximum": float,
        "exclusiveMinimum": float,
    },
    total=False,
)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong at one place of a document, and what to write there."""

    where: TomlPath
    what: str
    hint: str | None


@cache
def load_schema(name: str) -> Schema:
    """The schema shipped as `schemas/NAME.schema.json`, with its references resolved."""
    text = (Path(__file__).parent / "schemas" / f"{name}.schema.json").read_text("utf-8")
    schema: Schema = json.loads(text)
    return _resolved(schema, schema.get("$defs", {}))


def _resolved(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    if "$ref" in schema:
        schema = definitions[schema["$ref"].removeprefix("#/$defs/")]
    resolved = schema.copy()
    if "properties" in schema:
        properties = schema["properties"].items()
        resolved["properties"] = {k: _resolved(s, definitions) for k, s in properties}
    if "items" in schema:
        resolved["items"] = _resolved(schema["items"], definitions)
    if "additionalProperties" in schema:
        resolved["additionalProperties"] = _resolved(schema["additionalProperties"], definitions)
    return resolved


def first_mistake(value: object, schema: Schema, where: TomlPath = ()) -> Mistake | None:
    """The first place where `value` does not fit `schema`, in the order of the document."""
    what = _mistake_here(value, schema, where)
    if what is not None:
        return Mistake(where, what, schema.get("description"))
    match value:
        case dict():
            return _mistake_in_table(value, schema, where)
        case list():
            return _mistake_in_list(value, schema, where)
    return None


def _mistake_in_table(
    table: Mapping[str, object], schema: Schema, where: TomlPath
) -> Mistake | None:
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties", {})
    for key in schema.get("required", ()):
        if key not in table:
            hint = properties[key].get("description")
            return Mistake(where, f"{_name(where)} has no '{key}'", hint)
    for key, item in table.items():
        expected = properties.get(key, others)
        if expected:
            mistake = first_mistake(item, expected, (*where, key))
            if mistake is not None:
                return mistake
    return None


def _mistake_in_list(items: list[object], schema: Schema, where: TomlPath) -> Mistake | None:
    expected = schema.get("items")
    if expected:
        for position, item in enumerate(items):
            mistake = first_mistake(item, expected, (*where, position))
            if mistake is not None:
                return mistake
    return None


def _mistake_here(value: object, schema: Schema, where: TomlPath) -> str | None:
    """What is wrong with `value` itself, whatever it holds."""
    wanted = schema.get("type")
    if wanted is not None:
        types = [wanted] if isinstance(wanted, str) else wanted
        if not any(_has_type(value, name) for name in types):
            expected = " or ".join(_IN_WORDS[name] for name in types)
            return f"{_name(where)} must be {expected}, not {show(value)}"
    choices = schema.get("enum")
    if choices is not None and value not in choices:
        expected = " or ".join(f'"{choice}"' for choice in choices)
        return f"{_name(where)} must be {expected}, not {show(value)}"
    if isinstance(value, str):
        return _text_mistake(value, schema, where)
    if isinstance(value, (int, float)):
        return _number_mistake(value, schema, where)
    return None


def _text_mistake(value: str, schema: Schema, where: TomlPath) -> str | None:
    if len(value) < schema.get("minLength", 0):
        return f"{_name(where)} is empty"
    pattern = schema.get("pattern")
    if pattern is not None and re.search(pattern, value) is None:
        return f"{_name(where)} cannot be {show(value)}"
    return None


def _number_mistake(value: float, schema: Schema, where: TomlPath) -> str | None:
    if "minimum" in schema and value < schema["minimum"]:
        return f"{_name(where)} must be at least {schema['minimum']}, not {show(value)}"
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        return f"{_name(where)} must be more than {schema['exclusiveMinimum']}, not {show(value)}"
    if "maximum" in schema and value > schema["maximum"]:
        return f"{_name(where)} must be at most {schema['maximum']}, not {show(value)}"
    return None


_IN_WORDS = {
    "string": "a string",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a table",
}


def _has_type(value: object, name: str) -> bool:
    match name:
        case "string":
            return isinstance(value, str)
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
        case "boolean":
            return isinstance(value, bool)
        case "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case "integer":
            whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
            return whole and not isinstance(value, bool)
    raise AssertionError(f"a schema uses the type {name!r}, which this checker does not know")


def _name(where: TomlPath) -> str:
    """The place in the user's words: `'order'`, `'exclude' number 2`, `[[cells]] number 3`."""
    if not where:
        return "the file"
    key = where[-1]
    if isinstance(key, str):
        return f"'{key}'"
    table = ".".join(str(part) for part in where[:-1] if isinstance(part, str))
    return f"'{table}' number {key + 1}"


def show(value: object) -> str:
    """`value` as it is named in a message, never long."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'the string "{value if len(value) <= 40 else value[:37] + "..."}"'
        case int() | float():
            # A number can have thousands of digits; Python refuses to print more than 4,300.
            return str(value) if abs(value) < 1e40 or value != value else "so large a number"
        case list():
            return "a list"
        case dict():
            return "a table"
    return "a date"


@dataclass(frozen=True, slots=True)
class UnknownKey:
    """A key that the schema does not know; `near` is the known key most like it."""

    where: TomlPath
    near: str | None


def unknown_keys(
    value: object, schema: Schema, likeness: float = 0.6, where: TomlPath = ()
) -> Iterator[UnknownKey]:
    """The keys of `value` that `schema` does not name, in tables whose keys it lists."""
    if isinstance(value, list):
        for position, item in enumerate(value):
            yield from unknown_keys(item, schema.get("items", {}), likeness, (*where, position))
        return
    if not isinstance(value, dict):
        return
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties")
    for key, item in value.items():
        if key in properties:
            if isinstance(item, (dict, list)):
                yield from unknown_keys(item, properties[key], likeness, (*where, key))
        elif others is not None:
            yield from unknown_keys(item, others, likeness, (*where, key))
        elif properties:
            yield UnknownKey((*where, key), nearest(key, properties, likeness))
