"""What the suite `query` asks, and of whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.harness.graphs import layers, write_cells
from benchmarks.query import QUESTIONS, asked
from tests.e2e.workspaces import Workspace


@pytest.mark.parametrize("count", [10, 100])
def test_every_question_has_an_answer_with_what_is_expected(count: int, tmp_path: Path) -> None:
    graph = layers(count)
    write_cells(graph, tmp_path)
    workspace = Workspace(tmp_path)
    for question in QUESTIONS:
        text, sure = asked(graph, question, number=3)
        found = workspace.run("query", text)
        assert found.code == 0, found.err
        label = sure.removeprefix("(?m)^").removesuffix("$")
        assert label in found.out.splitlines()


def test_ten_questions_in_a_row_are_ten_questions() -> None:
    for count in (10, 100):
        for question in QUESTIONS:
            texts = {asked(layers(count), question, number)[0] for number in range(10)}
            assert len(texts) == 10
