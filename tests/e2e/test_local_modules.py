"""Python files beside the notebook that cells import are inputs by content."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.workspaces import Workspace


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    space = Workspace(tmp_path)
    space.write("nb/helpers.py", "from pkg.deep import value\ndef f():\n    return value()\n")
    space.write("nb/pkg/__init__.py", "")
    space.write("nb/pkg/deep.py", "from . import deeper\ndef value():\n    return deeper.N\n")
    space.write("nb/pkg/deeper.py", "N = 1\nclass C:\n    def n(self):\n        return N\n")
    space.write("nb/unused.py", "")
    space.notebook("nb", {
        "imports": "import helpers\nfrom pkg.deeper import C",
        "uses": "x = helpers.f()",
        "makes": "c = C()",
        "reads": "n = c.n()",
        "other": "y = 2",
    })  # fmt: skip
    space.build("//nb")
    return space


def test_a_module_two_imports_away_reruns_who_can_reach_it(space: Workspace) -> None:
    space.write("nb/pkg/deeper.py", "N = 2\nclass C:\n    def n(self):\n        return N\n")
    assert space.build("//nb").ran == ["//nb:imports", "//nb:makes", "//nb:reads", "//nb:uses"]
    assert "2" in space.run("show", "//nb:uses").out
    assert "2" in space.run("show", "//nb:reads").out


def test_a_module_that_nobody_imports_reruns_nothing(space: Workspace) -> None:
    space.write("nb/unused.py", "changed = True")
    assert space.build("//nb").ran == []


def test_a_module_that_only_one_name_imports_reruns_its_readers(space: Workspace) -> None:
    """`import helpers` and `C` stand in one cell, and are two definitions."""
    space.write("nb/helpers.py", "def f():\n    return 7\n")
    assert space.build("//nb").ran == ["//nb:imports", "//nb:uses"]
    space.write("nb/pkg/deep.py", "")
    assert space.build("//nb").ran == []


def test_a_module_that_appears_is_seen(space: Workspace) -> None:
    """A file that shadows what was imported before is another module."""
    space.notebook("nb", {"a": "import textwrap\nx = textwrap.__name__"})
    space.build("//nb")
    space.write("nb/textwrap.py", "")
    assert space.build("//nb").ran == ["//nb:a"]


def test_one_module_has_another_name_in_another_notebook(tmp_path: Path) -> None:
    """`from . import x` is followed from both names, in one build of both notebooks."""
    space = Workspace(tmp_path)
    space.write("top/a/pkg/__init__.py", "")
    space.write("top/a/pkg/mod.py", "from .x import N\n")
    space.write("top/a/pkg/x.py", "N = 1\n")
    space.notebook("top/a", {"inner": "import pkg.mod\nn = pkg.mod.N"})
    space.notebook("top", {"outer": "import a.pkg.mod\nm = a.pkg.mod.N"})
    space.build("//...")
    space.write("top/a/pkg/x.py", "N = 2\n")
    assert space.build("//...").ran == ["//top/a:inner", "//top:outer"]
