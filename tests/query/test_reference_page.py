"""What the pages about questions show is what is printed."""

from __future__ import annotations

import shlex
import shutil

import pytest

from tests.e2e.workspaces import Workspace
from tests.query.pages import DOCS, hello_and_report, sections, shown

BY_TASK = list(shown((DOCS / "query.md").read_text(encoding="utf-8")))
OF_RECORDS = ("--output=tree", "state(", "slower(", "changed(", "aquery")
"""In a command whose answer is of what ran, or of git."""


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return hello_and_report(tmp_path_factory.mktemp("space"))


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The example, never built."""
    folder = tmp_path_factory.mktemp("pipeline") / "pipeline"
    ignore = shutil.ignore_patterns(".strata", "__pycache__")
    shutil.copytree(DOCS.parent / "examples" / "pipeline", folder, ignore=ignore)
    text = (folder / "strata.toml").read_text()
    found = Workspace(folder)
    found.write("strata.toml", text)
    return found


@pytest.mark.parametrize(("command", "said"), list(shown(sections()[0])))
def test_the_reference_shows_what_is_printed(command: str, said: str, space: Workspace) -> None:
    ended = space.run(*shlex.split(command))
    assert ended.out + ended.err == said


def test_there_are_examples() -> None:
    assert len(list(shown(sections()[0]))) > 12


@pytest.mark.parametrize(
    ("command", "said"), [one for one in BY_TASK if not any(w in one[0] for w in OF_RECORDS)]
)
def test_the_page_by_task_shows_what_is_printed(
    command: str, said: str, pipeline: Workspace
) -> None:
    ended = pipeline.run(*shlex.split(command))
    assert ended.err == ""
    assert not said or ended.out == said


def test_most_of_the_page_by_task_is_tried() -> None:
    left_out = [command for command, _ in BY_TASK if any(word in command for word in OF_RECORDS)]
    assert len(left_out) == 7
    assert len(BY_TASK) > 20
