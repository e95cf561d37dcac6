"""How many LMDB transactions a build takes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.e2e.workspaces import Workspace
from tests.perf.counting import environ, settled, without_stamps, workspace_of

_PROGRAM = """
import json, lmdb, sys
counts = {"read": 0, "write": 0}
really_open = lmdb.open

class Counting:
    def __init__(self, environment):
        self._environment = environment

    def begin(self, *positional, **named):
        counts["write" if named.get("write") else "read"] += 1
        return self._environment.begin(*positional, **named)

    def __getattr__(self, name):
        return getattr(self._environment, name)

lmdb.open = lambda *positional, **named: Counting(really_open(*positional, **named))
from strata.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    assert not ended.code, ended.code
print(json.dumps(counts))
"""


def transactions(workspace: Workspace, *arguments: str) -> dict[str, int]:
    """Those of `strata ARGUMENTS`, the long way."""
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *arguments],
        cwd=workspace.root, env=environ(workspace), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    counts: dict[str, int] = json.loads(ended.stdout.splitlines()[-1])
    return counts


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> list[list[dict[str, int]]]:
    """For one notebook and for four: the first build, and one with nothing to do."""
    found = []
    for notebooks in (1, 4):
        workspace = workspace_of(tmp_path_factory.mktemp("ws"), notebooks)
        first = transactions(workspace, "build")
        settled(workspace, "build")
        found.append([first, transactions(without_stamps(workspace), "build")])
    return found


def test_a_build_with_nothing_to_do_reads_at_most_twice_for_a_cell(
    counted: list[list[dict[str, int]]],
) -> None:
    few, many = (counts[1]["read"] for counts in counted)
    assert (many - few) / 30 <= 2


def test_a_build_with_nothing_to_do_writes_once_at_any_size(
    counted: list[list[dict[str, int]]],
) -> None:
    assert {counts[1]["write"] <= 1 for counts in counted} == {True}


def test_results_share_transactions(counted: list[list[dict[str, int]]]) -> None:
    few, many = (counts[0]["write"] for counts in counted)
    assert few > 0
    assert (many - few) / 30 <= 1.5
