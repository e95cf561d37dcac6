"""Cells that read a file before an earlier one wrote it are found."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from strata.core.action import Action, Command, ReadyAction, make_ready
from strata.core.action_graph import ActionGraph
from strata.core.label import Label
from strata.core.result import ActionResult
from strata.execution.overtaken import Readings
from tests.factories import ENVIRONMENT, label

GRAPH = ActionGraph({}, {}, order={label(name): i for i, name in enumerate("abc")})


def done(
    observed: Mapping[str, str],
    files: Mapping[str, str] | None = None,
    reader: Label = label("b"),  # noqa: B008
) -> tuple[ReadyAction, ActionResult]:
    action = Action(reader, Command("toy", {}), ENVIRONMENT, {"files": dict(files or {})})
    return make_ready(action, {}), ActionResult(observed=observed)


def found(writer: str, other: tuple[ReadyAction, ActionResult]) -> list[str]:
    readings = Readings(GRAPH)
    readings.note(*other)
    result = ActionResult(observed={"made:nb/out.csv": "2", "file:nb/in.csv": "1"})
    return [s.name for s in readings.suspects(label(writer), result)]


@pytest.mark.parametrize(
    ("observed", "files", "names"),
    [
        ({"file:nb/out.csv": "1"}, {}, ["file:nb/out.csv"]),
        ({"folder:nb": "1"}, {}, ["folder:nb"]),
        ({}, {"nb/out.csv": "1"}, ["file:nb/out.csv"]),
        ({"file:nb/in.csv": "1"}, {}, []),  # only what was written counts
        ({"made:nb/out.csv": "1"}, {"nb/out.csv": "1"}, []),  # it writes the file itself
    ],
)
def test_a_later_cell_that_read_what_was_written_is_suspected(
    observed: Mapping[str, str], files: Mapping[str, str], names: list[str]
) -> None:
    assert found("a", done(observed, files)) == names


def test_an_earlier_cell_and_one_of_another_notebook_are_not() -> None:
    read = done({"file:nb/out.csv": "1"})
    assert found("c", read) == []
    assert found("a", done(read[1].observed, reader=Label("other", "b"))) == []
