"""What is kept of the graph of cells is the graph of cells."""

from __future__ import annotations

import marshal
from pathlib import Path

import pytest

from strata.analysis.targets import CellNames
from strata.cli.graph_keeping import remembered
from strata.cli.graph_memory import Memory, Notices, Remembered, known, read_back
from strata.cli.invocation import load_cells, open_workspace
from strata.cli.stamp import EXACT, Stamp, signature
from strata.core.errors import LabelError
from strata.core.events import unheard
from strata.core.label import Label, Scope, TargetPattern

ROOT = Path(__file__).parents[2]
CELL = """\
# @name The sum
# @tags nightly slow
# @worker gpu
# @timeout 12
# @env PLACE=here
# @after broken
# @mutates values
# @resources cpu=2
values.append(1)
def total(): return sum(values)
"""


def silent(packages: object) -> Notices:
    return ()


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    (tmp_path / "nb" / "cells").mkdir(parents=True)
    (tmp_path / "strata.toml").touch()
    (tmp_path / ".strata").mkdir()
    cells = {"values": "values = []\n", "broken": "x = = 1\n", "total": CELL, "star": "total\n"}
    lines = ['notebook_id = "nb"', 'name = "nb"']
    for name, source in cells.items():
        (tmp_path / "nb" / "cells" / f"{name}.py").write_text(source)
        lines += ["[[cells]]", f'id = "{name}"', f'file = "{name}.py"']
    (tmp_path / "nb" / "notebook.toml").write_text("\n".join(lines))
    return tmp_path


@pytest.mark.parametrize("where", ["notebook", "examples", "pipeline"])
def test_every_field_of_every_cell_comes_back(where: str, request: pytest.FixtureRequest) -> None:
    places = {"examples": ROOT / "examples", "pipeline": ROOT / "examples" / "pipeline"}
    root = places[where] if where in places else request.getfixturevalue(where)
    opened = open_workspace(root, unheard, {})
    cells = load_cells(opened, [TargetPattern("//...", Scope.SUBTREE, "")])
    graph, names = read_back(remembered(cells, silent))
    assert graph == cells.graph
    assert list(graph.cells) == list(cells.graph.cells)
    for package, definers in cells.names.definers.items():
        for name in definers.public():
            pattern = TargetPattern(name, Scope.CELL, package, name)
            assert _meaning(names, pattern) == _meaning(cells.names, pattern)


def test_a_path_that_counts_for_one_notebook_and_for_all_counts_for_each(tmp_path: Path) -> None:
    """As it does where a notebook was loaded again that had looked at it for itself before."""
    path = tmp_path / "shared.toml"
    path.write_text("old")
    seen = signature(path.stat())
    stamp = Stamp(True, "", False, {}, 1, ("shared.toml",), bytes([EXACT]), (seen,), b"")
    data = marshal.dumps(([], {}, {}))
    packages = {name: Remembered((), (), data) for name in ("a", "b")}
    memory = Memory(stamp, str(tmp_path), ((None, "a"),), (None,), (), packages, frozenset())
    for package in packages:
        assert known(memory, [TargetPattern(package, Scope.PACKAGE, package)]) is not None
    path.write_text("other")
    for package in packages:
        assert known(memory, [TargetPattern(package, Scope.PACKAGE, package)]) is None


def _meaning(names: CellNames, pattern: TargetPattern) -> tuple[Label, str | None] | str:
    try:
        return names.resolve(pattern)
    except LabelError as problem:
        return problem.message
