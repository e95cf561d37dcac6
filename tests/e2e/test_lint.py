"""The line about a cell is said when the cell runs: once, and never for one that is cached."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.workspaces import Ended, Workspace, events

DRAW = "nb/cells/draw.py:2: unseeded numbers from random.random: the stored result is one draw"


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    space = Workspace(tmp_path)
    space.notebook("nb", {
        "plain": "import random\nx = 1",
        "draw": "# One number.\ny = random.random() * x",
        "seeded": "random.seed(0)\nz = random.random()",
        "always": "# @nocache\nnow = __import__('time').time()",
    })  # fmt: skip
    return space


def warnings(ended: Ended) -> list[str]:
    return [line for line in ended.err.splitlines() if line.startswith("warning: ")]


def test_a_cell_that_runs_is_linted_and_a_cached_one_is_not(space: Workspace) -> None:
    first = space.build("//nb")
    assert len(first.ran) == 4
    (said,) = warnings(first)
    assert said.startswith(f"warning: //nb:draw: {DRAW}")
    second = space.build("//nb")
    assert second.ran == ["//nb:always"]
    assert warnings(second) == []


def test_a_cell_that_is_not_built_is_not_linted(space: Workspace) -> None:
    ended = space.build("//nb:seeded")
    assert ended.ran == ["//nb:seeded"]
    assert warnings(ended) == []


def test_a_dry_run_says_nothing(space: Workspace) -> None:
    assert warnings(space.build("-n", "//nb")) == []


def test_a_seed_ends_the_warning(space: Workspace) -> None:
    space.build("//nb")
    space.cell("nb", "draw").write_text("random.seed(0)\ny = random.random() * x")
    ended = space.build("//nb")
    assert "//nb:draw" in ended.ran
    assert warnings(ended) == []


def test_a_cell_that_is_tried_again_is_linted_once_and_before_it_starts(space: Workspace) -> None:
    space.notebook("nb", {"a": "# @retries 2\nimport random\nx = random.random() / 0"})
    ended = space.build("//nb", "--events", "events.ndjson", code=1)
    assert len(warnings(ended)) == 1
    said = [e for e in events(space.root / "events.ndjson") if e.get("label") == "//nb:a"]
    assert [e["event"] for e in said if e["event"] in ("notice", "cell_started")] == [
        "notice",
        *["cell_started"] * 3,
    ]
    assert said[0]["level"] == "warning"


def test_a_module_in_the_notebooks_folder_is_not_taken_for_a_library(space: Workspace) -> None:
    space.write("nb/requests.py", "def get(url):\n    return url\n")
    space.notebook("nb", {"a": "import requests\nx = requests.get('x')"})
    assert warnings(space.build("//nb")) == []
    space.write("nb/random/__init__.py", "def random():\n    return 4\n")
    space.notebook("nb", {"a": "from random import random\nx = random()"})
    assert warnings(space.build("//nb")) == []
