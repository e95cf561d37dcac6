"""The shipped schemas: our checker agrees with jsonschema, and the code reads just their keys."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import strata.loading
from strata.loading.schema import Schema, first_mistake, load_schema, unknown_keys

FOLDER = Path(strata.loading.__file__).parent
NAMES = ("strata", "notebook")
KEYWORDS = set(Schema.__annotations__)


def raw(name: str) -> dict:
    return json.loads((FOLDER / "schemas" / f"{name}.schema.json").read_text())


def subschemas(schema: dict):
    yield schema
    for key in ("properties", "$defs"):
        for inner in schema.get(key, {}).values():
            yield from subschemas(inner)
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from subschemas(schema[key])


@pytest.mark.parametrize("name", NAMES)
class TestShipped:
    def test_it_is_a_schema(self, name):
        jsonschema.Draft202012Validator.check_schema(raw(name))

    def test_it_uses_no_keyword_that_our_checker_does_not_know(self, name):
        used = {keyword for schema in subschemas(raw(name)) for keyword in schema}
        assert used <= KEYWORDS

    def test_every_required_key_has_advice(self, name):
        for schema in subschemas(raw(name)):
            for key in schema.get("required", ()):
                assert schema["properties"][key]["description"]


def keys_in(schema: dict) -> set[str]:
    return {key for inner in subschemas(schema) for key in inner.get("properties", ())}


KEPT_AS_WRITTEN = {
    "strata": set(),
    # Other programs' keys: they round-trip, and nothing here reads them.
    "notebook": {
        *("owner", "created_at", "updated_at", "created_by", "updated_by", "options"),
        *("secret_manager", "r", "catalogs", "artifacts", "environment", "cache"),
    },
}


def keys_read_by(module: str) -> set[str]:
    """The string constants that a module hands to the readers of `strata.loading.values`."""
    tree = ast.parse((FOLDER / f"{module}.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {
        call.args[1].value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id.endswith("_in")
        if isinstance(call.args[1], ast.Constant)
    }


@pytest.mark.parametrize(("name", "module"), [("strata", "workspace"), ("notebook", "notebook")])
def test_code_and_schema_know_the_same_keys(name, module):
    assert keys_read_by(module) == keys_in(raw(name)) - KEPT_AS_WRITTEN[name]


keys = {name: sorted(keys_in(raw(name))) for name in NAMES}
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-2, 90_000)
    | st.floats()
    | st.sampled_from(["", "a", "off", "read", "rw", "sweep", "ssh://x", "1b", "é", "a\n", "//a:b"])
)


def documents(name: str):
    some_key = st.sampled_from(keys[name]) | st.sampled_from(["x", "é"])
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(some_key, inner, max_size=5),
        max_leaves=12,
    )


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=50)
@given(data=st.data())
def test_our_checker_and_jsonschema_agree(name, data):
    document = data.draw(documents(name))
    schema = load_schema(name)
    mistake = first_mistake(document, schema)
    errors = list(jsonschema.Draft202012Validator(raw(name)).iter_errors(document))
    assert (mistake is None) == (not errors)
    if mistake is not None:
        assert mistake.where in {tuple(error.absolute_path) for error in errors}


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=50)
@given(data=st.data())
def test_unknown_keys_are_never_known_ones(name, data):
    document = data.draw(documents(name))
    for unknown in unknown_keys(document, load_schema(name)):
        assert unknown.near is None or unknown.near in keys[name]
