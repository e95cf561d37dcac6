"""Why a cell runs, in a few words: a table of what changed and what is said."""

from __future__ import annotations

import json

import pytest

from strata.core.encoding import Encodable
from strata.execution.explain import changed_names, first_difference

BEFORE: dict[str, Encodable] = {
    "rule": ["python", 1],
    "source": "x = 1",
    "inputs": {"df": "json:aa/1", "0123456789abcdef.SCALE": "json:bb/1", "maybe": None},
    "definitions": {"names": {"f": {"module": "1", "name": "f"}}, "sources": {"1": ["f"]}},
    "files": {"a.csv": "cc/1", "b.csv": "dd/1"},
    "variables": {"MODE": "fast", "KEY": {"secret": True}},
    "environment": {"python": "3.11.7", "platform": "linux", "lock": "ee/1"},
    "parameters": {"outputs": ["x"], "shows_last": False},
    "platform": {},
}


def changed(**components: Encodable) -> dict[str, Encodable]:
    now = dict(BEFORE)
    for name, value in components.items():
        old = now[name]
        both = isinstance(old, dict) and isinstance(value, dict)
        now[name] = {**old, **value} if both else value  # type: ignore[dict-item]
    return now


@pytest.mark.parametrize(
    ("components", "said"),
    [
        ({"source": "x = 2"}, "source changed"),
        ({"inputs": {"df": "json:zz/1"}}, "input df changed"),
        ({"inputs": {"df": "pickle:aa/1"}}, "input df changed"),
        ({"inputs": {"maybe": "json:aa/1"}}, "input maybe changed"),
        ({"inputs": {"new": None}}, "input new changed"),
        ({"inputs": {"0123456789abcdef.SCALE": "json:cc/1"}}, "input SCALE changed"),
        ({"inputs": {"df": "a", "y": "b", "x": "c"}}, "input df, x, y changed"),
        (
            {"definitions": {"names": {"f": {"module": "2", "name": "f"}}}},
            "definition of f changed",
        ),
        ({"definitions": {"sources": {"2": ["g"]}}}, "a definition changed"),
        ({"files": {"a.csv": "zz/1"}}, "file a.csv changed"),
        (
            {"files": {"a.csv": "z", "b.csv": "z", "c.csv": "z", "d.csv": "z"}},
            "file a.csv, b.csv, c.csv and 1 more changed",
        ),
        ({"variables": {"MODE": "slow"}}, "variable MODE changed"),
        ({"variables": {"MODE": None}}, "variable MODE changed"),
        ({"environment": {"python": "3.12.1"}}, "Python 3.11.7 → 3.12.1"),
        ({"environment": {"lock": "ff/1"}}, "uv.lock changed"),
        ({"environment": {"sources": "ff/1"}}, "a package that is installed from a folder changed"),
        ({"environment": {"platform": "mac"}}, "platform changed"),
        ({"environment": {"libc": "musl"}}, "environment changed"),
        ({"parameters": {"shows_last": True}}, "parameter shows_last changed"),
        ({"platform": {"gpu": "h100"}}, "platform gpu changed"),
        ({"rule": ["python", 2]}, "the meaning of its kind changed in this version of Strata"),
        # What people look at first is said first.
        ({"rule": ["python", 2], "files": {"a.csv": "z"}, "source": "y"}, "source changed"),
        ({"rule": ["python", 2], "files": {"a.csv": "z"}}, "file a.csv changed"),
    ],
)
def test_the_first_component_that_changed_is_named(
    components: dict[str, Encodable], said: str
) -> None:
    assert first_difference(BEFORE, changed(**components)) == said


def test_nothing_changed_is_no_difference() -> None:
    assert first_difference(BEFORE, changed()) is None


def test_what_was_stored_and_read_back_is_no_difference() -> None:
    now = changed(rule=("python", 1), parameters={"outputs": ("x",)})
    assert first_difference(json.loads(json.dumps(BEFORE)), now) is None


@pytest.mark.parametrize("old", [{}, {"rule": ["python", 1]}])
def test_an_older_record_lacks_components_and_breaks_nothing(old: dict[str, Encodable]) -> None:
    assert first_difference(old, BEFORE) == "source changed"


def test_a_component_that_this_version_does_not_know_is_a_difference() -> None:
    said = first_difference({**BEFORE, "moon": "full"}, BEFORE)
    assert said == "the record of its last run is of another version of Strata"


def test_names_that_came_and_went_count_as_changed() -> None:
    assert changed_names({"a": 1, "b": None}, {"a": 1, "c": 2}) == ["b", "c"]
    assert changed_names("odd", None) == []
