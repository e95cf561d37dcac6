"""Cells that write what later cells read run before them, as in a script."""

from __future__ import annotations

import pytest

from tests.factories import action_of, analyzed, label, notebook


def waits(reader: str, writer: str = "open('out/a.csv', 'w')") -> bool:
    """Whether the cell `b`, with the text `reader`, runs after `a` although no name joins them."""
    action = action_of(analyzed(notebook({"a": writer, "b": reader})), "b")
    return action.after == (label("a"),)


@pytest.mark.parametrize(
    "reader",
    [
        "open('out/a.csv').read()",
        "open('./out/../out/a.csv').read()",
        "import pandas as pd\npd.read_csv('out/a.csv')",
        "from glob import glob\nglob('out/*.csv')",
        "import os\nos.listdir('out')",
        "# @input out/*.csv\nx = 1",
        "# @input out\nx = 1",
    ],
)
def test_a_cell_that_reads_what_an_earlier_one_writes_comes_after_it(reader: str) -> None:
    assert waits(reader)


@pytest.mark.parametrize("reader", ["open('out/b.csv').read()", "x = 'out'", "x = 1"])
def test_a_cell_that_reads_something_else_waits_for_nobody(reader: str) -> None:
    assert not waits(reader)


def test_what_is_declared_as_written_counts_too() -> None:
    assert waits("open('model.bin').read()", "# @writes model.bin\nx = 1")


def test_a_later_writer_is_not_waited_for() -> None:
    cells = {"a": "open('a.csv').read()", "b": "open('a.csv', 'w')"}
    assert action_of(analyzed(notebook(cells)), "a").after == ()


def test_changing_a_class_that_a_later_cell_reads_is_an_error_with_the_cure() -> None:
    cells = {"a": "class C: x = 1", "b": "C.x = 2", "c": "C.x"}
    failure = analyzed(notebook(cells)).broken[label("b")]
    assert "changes the class 'C' of //nb:a" in failure.message
    assert "//nb:c would see it unchanged" in failure.message
    assert failure.line == 1


@pytest.mark.parametrize(
    "cells",
    [
        {"a": "class C: x = 1", "b": "C.x = 2", "c": "1"},  # nobody would miss it
        {"a": "class C: x = 1", "b": "C.x = 2", "c": "class C: x = 3", "d": "C.x"},
        {"a": "import m", "b": "m.x = 2", "c": "m.x"},  # the lint speaks of that
        {"a": "class C: x = 1", "b": "C.show()", "c": "C.x"},
    ],
)
def test_other_changes_of_definitions_are_none(cells: dict[str, str]) -> None:
    assert analyzed(notebook(cells)).broken == {}
