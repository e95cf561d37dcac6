"""Modules of the workspace that cells import: they count by content, through all their imports."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.noticed import Watched


@pytest.fixture
def space(tmp_path: Path) -> Watched:
    """`top` imports `mid`, which imports `pkg.deep`, which imports `.deeper`; `alone` none."""
    space = Watched(tmp_path)
    space.write("nb/top.py", "import mid\ndef f():\n    return mid.g()\n")
    space.write("nb/mid.py", "from pkg.deep import h as g\n")
    space.write("nb/pkg/__init__.py", "")
    space.write("nb/pkg/deep.py", "from . import deeper\ndef h():\n    return deeper.N\n")
    space.write("nb/pkg/deeper.py", "N = 1\n")
    space.write("nb/alone.py", "M = 5\n")
    return space


USERS = {"uses": "import top\nx = top.f()", "other": "import alone\ny = alone.M", "none": "z = 1"}


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("top", "def f():\n    return 2\n"),
        ("mid", "def g():\n    return 2\n"),
        ("pkg/deep", "def h():\n    return 2\n"),
        ("pkg/deeper", "N = 2\n"),
    ],
)
def test_an_edit_anywhere_in_the_chain_of_imports_reruns_the_user_alone(
    space: Watched, module: str, text: str
) -> None:
    space.cells(USERS)
    space.ran()
    path = space.root / f"nb/{module}.py"
    before = path.read_text()
    path.write_text(text)
    assert space.ran() == ["uses"]
    assert space.value("x") == 2
    path.write_text(before)
    assert space.ran() == []
    assert space.value("x") == 1


def test_an_edit_of_the_package_itself_counts(space: Watched) -> None:
    space.cells(USERS)
    space.ran()
    space.write("nb/pkg/__init__.py", "from . import deeper\ndeeper.N = 7\n")
    assert space.ran() == ["uses"]
    assert space.value("x") == 7


def test_modules_count_by_content_so_a_comment_reruns_their_users_and_no_more(
    space: Watched,
) -> None:
    """A module may read its own text; what follows is cut off, as the value is the same."""
    space.cells(USERS | {"follows": "w = x"})
    space.ran()
    space.write("nb/pkg/deeper.py", "N = 1  # one\n")
    assert space.ran() == ["uses"]


def test_an_edit_of_the_same_length_within_the_same_second_is_noticed(space: Watched) -> None:
    """Python itself would take the stale .pyc file."""
    space.cells(USERS)
    space.ran()
    path = space.root / "nb/pkg/deeper.py"
    times = path.stat()
    for number in (2, 3, 2):
        path.write_text(f"N = {number}\n")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        space.ran()
        assert space.value("x") == number


@pytest.mark.parametrize(
    "body",
    [
        "def load():\n    import alone\n    return alone.M\nx = load()",
        "import importlib\nx = importlib.import_module('al' + 'one').M",
        "x = __import__('al' + 'one').M",
        "if True:\n    from alone import M\nx = M",
        "from alone import *\nx = M",
        "try:\n    import alone\nexcept ImportError:\n    alone = None\nx = alone.M",
    ],
)
def test_however_a_module_is_imported_its_edit_is_noticed(space: Watched, body: str) -> None:
    space.cells({"imports": body, "follows": "y = x"})
    space.ran()
    space.write("nb/alone.py", "M = 6\n")
    assert {"imports", "follows"} <= set(space.ran())
    assert space.value("y") == 6


def test_a_module_that_another_imports_when_it_is_called_is_noticed(space: Watched) -> None:
    text = "def f():\n    import importlib\n    return importlib.import_module('al' + 'one').M\n"
    space.write("nb/lazy.py", text)
    space.cells({"calls": "import lazy\nx = lazy.f()"})
    space.ran()
    space.write("nb/alone.py", "M = 6\n")
    assert space.ran() == ["calls"]
    assert space.value("x") == 6


@pytest.mark.parametrize("name", ["import soon", "__import__('so' + 'on')"])
def test_a_module_that_was_missing_and_appears_is_noticed(space: Watched, name: str) -> None:
    space.cells({"tries": f"try:\n    {name}\n    x = 1\nexcept ImportError:\n    x = 0"})
    space.ran()
    assert space.ran() == []
    space.write("nb/soon.py", "")
    assert space.ran() == ["tries"]
    assert space.value("x") == 1
    (space.root / "nb/soon.py").unlink()
    assert space.ran() == []
    assert space.value("x") == 0


def test_a_module_that_now_shadows_the_standard_librarys_is_noticed(space: Watched) -> None:
    space.cells({"imports": "import textwrap\nx = textwrap.dedent(' a')"})
    space.ran()
    space.write("nb/textwrap.py", "def dedent(t):\n    return 'ours'\n")
    assert space.ran() == ["imports"]
    assert space.value("x") == "ours"


def test_a_module_that_becomes_a_package_is_noticed(space: Watched) -> None:
    space.cells({"imports": "import alone\nx = alone.M"})
    space.ran()
    space.write("nb/alone/__init__.py", "M = 8\n")
    assert space.ran() == ["imports"]
    assert space.value("x") == 8


def test_a_module_that_is_gone_is_an_error_that_names_it(space: Watched) -> None:
    space.cells({"imports": "import alone\nx = alone.M"})
    space.ran()
    (space.root / "nb/alone.py").unlink()
    assert "alone" in space.fails()["imports"]["message"]
    space.write("nb/alone.py", "M = 5\n")
    assert space.ran() == []


def test_a_module_elsewhere_in_the_workspace_through_the_path_is_noticed(space: Watched) -> None:
    space.write("lib/far.py", "M = 1\n")
    space.cells({"imports": "import sys\nsys.path.append('../lib')\nimport far\nx = far.M"})
    space.ran()
    assert space.ran() == []
    space.write("lib/far.py", "M = 2\n")
    assert space.ran() == ["imports"]
    assert space.value("x") == 2


def test_a_module_that_one_cell_imports_serves_the_later_ones(space: Watched) -> None:
    space.cells({"imports": "import alone as al", "uses": "x = al.M", "none": "y = 1"})
    space.ran()
    assert space.value("x") == 5
    space.write("nb/alone.py", "M = 6\n")
    ran = space.ran()
    assert "uses" in ran
    assert "none" not in ran
    assert space.value("x") == 6


def test_names_of_a_star_import_serve_the_later_cells(space: Watched) -> None:
    space.cells({"imports": "from alone import *", "uses": "x = M + 1"})
    space.ran()
    assert space.value("x") == 6
    space.write("nb/alone.py", "M = 6\n")
    assert "uses" in space.ran()
    assert space.value("x") == 7


def test_an_instance_of_a_modules_class_follows_the_module(space: Watched) -> None:
    text = "class Box:\n    def get(self):\n        return {}\n"
    space.write("nb/boxes.py", text.format(1))
    space.cells({
        "makes": "import boxes\nbox = boxes.Box()",
        "asks": "x = box.get()",
        "none": "y = 1",
    })  # fmt: skip
    space.ran()
    space.write("nb/boxes.py", text.format(2))
    assert space.ran() == ["asks", "makes"]
    assert space.value("x") == 2


def test_a_function_of_another_cell_that_imports_a_module_follows_it(space: Watched) -> None:
    space.cells({
        "defines": "def f():\n    import top\n    return top.f()",
        "calls": "x = f()",
        "none": "y = 1",
    })  # fmt: skip
    space.ran()
    space.write("nb/pkg/deeper.py", "N = 2\n")
    ran = space.ran()
    assert "calls" in ran
    assert "none" not in ran
    assert space.value("x") == 2
