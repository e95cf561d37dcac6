"""`--output json`, `ndjson` and `attrs`: what programs read, and what says what they may expect."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from strata.query import attributes
from strata.query.answer import Answer
from strata.query.nodes import File
from tests.factories import label
from tests.query.answers import drawn, everything, graph_of, lines, mixed, odd, of, text

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "query.schema.json"


def validator(definition: str | None = None) -> jsonschema.Draft202012Validator:
    """Of the object, or of one of the definitions of its schema."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    if definition is not None:
        schema = {"$ref": f"#/$defs/{definition}", "$defs": schema["$defs"]}
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


ANSWERS = {
    "every kind": mixed,
    "odd names": odd,
    "nothing": lambda: of(graph_of([]), ()),
    "a cycle": lambda: everything(drawn({"a": "b", "b": "a"})),
    "what is missing": lambda: Answer(graph_of([]), (), ("//gone", "//..:x")),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_the_object_is_as_its_schema_says(name: str) -> None:
    answer = ANSWERS[name]()
    validator().validate(json.loads(text("json", answer)))
    for line in lines("ndjson", answer):
        validator("line").validate(json.loads(line))


@pytest.mark.parametrize(
    "spoilt",
    [
        {"schema": "strata.query.v2"},
        {"cells": None},
        {"cells": [{"label": "//a:b"}]},
        {"variables": []},
        {"files": [{}]},
    ],
    ids=str,
)
def test_the_schema_refuses_what_is_not_printed(spoilt: dict[str, object]) -> None:
    assert not validator().is_valid(json.loads(text("json", mixed())) | spoilt)


def test_the_object_has_an_array_a_kind() -> None:
    found = json.loads(text("json", mixed()))
    assert list(found) == ["schema", "cells", "variables", "files", "distributions"]
    assert [one["label"] for one in found["cells"]] == [
        "//prep:load",
        "//prep:clean",
        "//train:model",
    ]
    assert found["cells"][2] == {
        "label": "//train:model",
        "kind": "python",
        "file": "train/cells/model.py",
        "needs": ["//prep:clean", "//prep:load"],
        "reads": {"//prep:clean": ["df"]},
        "defines": [],
        "tags": ["gpu", "slow"],
        "worker": "gpu-box",
        "attributes": {"timeout": "60", "input": ["data/*.csv"], "name": "The model"},
        "broken": "train/cells/model.py:4: no name 'x'",
        "line": 4,
        "files": [],
        "distributions": ["pandas==2.1.0"],
    }
    assert found["variables"][1] == {
        "label": "//prep:clean%df",
        "cell": "//prep:clean",
        "name": "df",
        "file": "prep/cells/clean.py",
        "line": 7,
    }
    assert found["files"] == [{"path": "data/sales.csv"}]
    assert found["distributions"] == [{"name": "pandas", "version": "2.1.0"}]


def test_the_object_has_the_keys_that_it_always_had() -> None:
    graph = drawn({"a": "", "b": "a"})
    found = json.loads(text("json", of(graph, [label("b")])))
    assert list(found) == ["schema", "cells"]
    old = {key: found["cells"][0][key] for key in ("label", "kind", "file", "needs", "broken")}
    assert old == {
        "label": "//nb:b",
        "kind": "python",
        "file": "nb/cells/b.py",
        "needs": ["//nb:a"],
        "broken": None,
    }


def test_lines_of_json_have_the_same_and_a_type() -> None:
    whole = json.loads(text("json", mixed()))
    found = [json.loads(line) for line in lines("ndjson", mixed())]
    types = [one.pop("type") for one in found]
    assert types == ["cell", "variable", "cell", "variable", "cell", "file", "distribution"]
    assert [one for one, type_ in zip(found, types, strict=True) if type_ == "cell"] == (
        whole["cells"]
    )
    assert found[-2:] == [*whole["files"], *whole["distributions"]]


def test_what_is_missing_is_in_both() -> None:
    answer = Answer(graph_of([]), (), ("//gone",))
    assert json.loads(text("json", answer))["missing"] == ["//gone"]
    assert [json.loads(line) for line in lines("ndjson", answer)] == [
        {"type": "missing", "pattern": "//gone"}
    ]


# Attributes.


def test_attributes_are_toml() -> None:
    assert text("attrs", mixed()).split("\n\n")[-4:] == [
        '["//prep:clean%df"]\n'
        'kind = "variable"\n'
        'cell = "//prep:clean"\n'
        'name = "df"\n'
        'file = "prep/cells/clean.py"\n'
        "line = 7",
        '["//train:model"]\n'
        'kind = "python"\n'
        'file = "train/cells/model.py"\n'
        "broken = \"train/cells/model.py:4: no name 'x'\"\n"
        "line = 4\n"
        'worker = "gpu-box"\n'
        'tags = ["gpu", "slow"]\n'
        'needs = ["//prep:clean", "//prep:load"]\n'
        'reads = ["//prep:clean%df"]\n'
        'timeout = "60"\n'
        'input = ["data/*.csv"]\n'
        'name = "The model"',
        '["data/sales.csv"]\nkind = "file"',
        '["pandas==2.1.0"]\nkind = "distribution"\nname = "pandas"\nversion = "2.1.0"',
    ]


@pytest.mark.parametrize("answer", [mixed, odd], ids=["every kind", "odd names"])
def test_attributes_can_be_read_back(answer: object) -> None:
    found = mixed() if answer is mixed else odd()
    said = text("attrs", found)
    assert list(tomllib.loads(said)) == [str(node) for node in found.nodes]
    assert not [c for c in said if not c.isprintable() and c != "\n"]


def test_attributes_of_a_file_whose_name_is_no_text_are_toml_too() -> None:
    said = text("attrs", of(graph_of([]), [File("data/\udcff.csv")]))
    assert tomllib.loads(said) == {"data/\\udcff.csv": {"kind": "file"}}


def test_attributes_have_the_names_that_attr_knows() -> None:
    tables = tomllib.loads(text("attrs", mixed()))
    assert {*tables["//train:model"]} - {"line"} <= {*attributes.NAMES}
