"""Local modules, and the names of everything else that they and a source import."""

from __future__ import annotations

from pathlib import Path

import pytest

from strata.loading.index import FileIndex
from strata.loading.modules import LocalModules, imported_names

from .conftest import write_files

FILES = {
    "nb/helpers.py": "import numpy\nfrom pkg.deep import x\n",
    "nb/pkg/__init__.py": "",
    "nb/pkg/deep.py": "from . import deeper\nx = 1\n",
    "nb/pkg/deeper.py": "import scipy.stats\n",
    "nb/pkg/aside.py": "import torch\nimport outer\n",
    "nb/pkg/sub/plain.py": "",
    "nb/pkg/notes.txt": "import json\n",
    "nb/outer.py": "",
    "nb/single.py": "import yaml",
}


@pytest.fixture
def modules(tmp_path: Path) -> LocalModules:
    write_files(tmp_path, FILES)
    return LocalModules(tmp_path, FileIndex(tmp_path / ".strata"))


def test_files_and_names_are_those_of_the_whole_closure(modules: LocalModules) -> None:
    source = "import helpers, pandas"
    files = ["nb/helpers.py", "nb/pkg/__init__.py", "nb/pkg/deep.py", "nb/pkg/deeper.py"]
    assert sorted(modules.files("nb", source)) == files
    assert modules.names("nb", source) == {"pandas", "numpy", "scipy.stats"}
    assert modules.files("elsewhere", source) == {}
    assert modules.names("elsewhere", source) == {"helpers", "pandas"}


def test_a_value_that_needs_a_top_level_module_needs_all_of_its_package(
    modules: LocalModules,
) -> None:
    """Its class may be in any module of it."""
    found = {"__init__.py", "aside.py", "deep.py", "deeper.py", "sub/plain.py"}
    files = {*(f"nb/pkg/{name}" for name in found), "nb/outer.py"}
    assert set(modules.files_of_module("nb", "pkg")) == files
    assert {"torch", "scipy.stats"} <= modules.names_of_module("nb", "pkg")


def test_a_value_that_names_the_very_module_needs_no_other(modules: LocalModules) -> None:
    files = ["nb/pkg/__init__.py", "nb/pkg/deep.py", "nb/pkg/deeper.py"]
    assert sorted(modules.files_of_module("nb", "pkg.deep")) == files
    assert sorted(modules.files_of_module("nb", "single")) == ["nb/single.py"]
    assert modules.names_of_module("nb", "single") == {"yaml"}


@pytest.mark.parametrize("name", ["pandas", "strata_cell_0123", "", "a/../b", "..", "pkg.none.x"])
def test_what_is_no_local_module_has_no_files_of_its_own(modules: LocalModules, name: str) -> None:
    assert set(modules.files_of_module("nb", name)) <= {"nb/pkg/__init__.py"}


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import importlib\nimportlib.import_module('a.b')", {"importlib", "a.b"}),
        ("from importlib import import_module as i, import_module\nimport_module('a')", {"a"}),
        ("def f():\n    return __import__('a')", {"a"}),
        ("import_module('.b', 'a')", {"a.b"}),
        ("import_module('..b', package='a.c')", set()),
        ("import_module(name, 'a')", set()),
        ("import importlib.util\nif importlib.util.find_spec('a'): pass", {"importlib.util", "a"}),
        ("import_module()\n__import__(1)\nx['import_module']('a')", set()),
        ("import a\nimport", set()),
    ],
)
def test_names_are_found_where_they_are_written_out(source: str, names: set[str]) -> None:
    assert set(imported_names(source)) - {"importlib.import_module"} >= names
    assert "b" not in set(imported_names(source))
