"""The architecture as a test: what docs/architecture.md promises, read off the source.

Each check takes modules (dotted name to text) and gives its complaints, so that each can be shown a
planted violation as well as the real thing.
"""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from strata.core import extension

ROOT = Path(__file__).parent.parent
Modules = Mapping[str, str]
Check = Callable[[Modules], list[str]]

LARGE = 400
LARGER_FILES: Mapping[str, str] = {}
"""Modules beyond `LARGE` lines, and why they are one idea all the same."""


@cache
def the_source() -> Modules:
    """Every module that is shipped."""
    found = {}
    for base, top in ((ROOT, "strata"), (ROOT / "rules", "strata_rules")):
        for path in sorted((base / top).rglob("*.py")):
            parts = path.relative_to(base).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path.read_text(encoding="utf-8")
    return found


# Who may import whom.


@cache
def allowed_imports() -> Mapping[str, tuple[str, ...] | None]:
    """Part to the modules it may import, as docs/architecture.md says; None: everything."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = text.partition("## Who may import whom")[2].partition("\n## ")[0]
    table: dict[str, tuple[str, ...] | None] = {}
    for part, allowed in re.findall(r"^\| `(\w+)` \| (.*?) \|$", section, re.MULTILINE):
        everything = allowed.startswith("everything")
        table[part] = None if everything else tuple(re.findall(r"`([\w.]+)`", allowed))
    return table


def part_of(module: str) -> str:
    """`strata.loading.scope.model` is in `loading`."""
    first, _, rest = module.partition(".")
    return rest.partition(".")[0] if first == "strata" else first


@cache
def nodes(text: str) -> tuple[ast.AST, ...]:
    """Every node of the tree."""
    return tuple(ast.walk(ast.parse(text)))


def imports(module: str, text: str, modules: Modules) -> Iterator[tuple[int, str, bool]]:
    """Line, absolute name and whether it is at the top of the file, of everything imported: also
    inside functions and under `TYPE_CHECKING`."""
    functions = (n for n in nodes(text) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    inside = {id(node) for outer in functions for node in ast.walk(outer)}
    for node in nodes(text):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node.lineno, name.name, id(node) not in inside
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, module, modules)
            for name in node.names:
                full = f"{base}.{name.name}"
                yield node.lineno, full if full in modules else base, id(node) not in inside


def _base(node: ast.ImportFrom, module: str, modules: Modules) -> str:
    """The absolute name of what `from … import` names."""
    if not node.level:
        return node.module or ""
    is_package = any(other.startswith(f"{module}.") for other in modules)
    above = module.split(".")[: len(module.split(".")) - node.level + is_package]
    return ".".join([*above, node.module] if node.module else above)


def forbidden_imports(modules: Modules) -> list[str]:
    table = allowed_imports()
    return [
        f"{module}:{line}: {part_of(module)} may not import {name}"
        for module, text in modules.items()
        for line, name, _ in imports(module, text, modules)
        if not _may_import(module, name, table)
    ]


def _may_import(module: str, name: str, table: Mapping[str, tuple[str, ...] | None]) -> bool:
    if name.partition(".")[0] not in ("strata", "strata_rules"):
        return True
    here, there = part_of(module), part_of(name)
    if here == there:
        return True
    allowed = table[here]
    if allowed is None:
        return True
    target = name.removeprefix("strata.")
    return any(target == one or target.startswith(f"{one}.") for one in allowed)


def parts_without_a_row(modules: Modules) -> list[str]:
    table = allowed_imports()
    return sorted({part_of(m) for m in modules} - table.keys() - {""})


DECLARED = re.findall(
    r'^    "([a-z0-9]+)>=',
    (ROOT / "pyproject.toml").read_text().partition("dependencies = [")[2].partition("]")[0],
    re.MULTILINE,
)
IN_CELLS = {"numpy", "pandas", "pyarrow", "matplotlib", "IPython"}
"""What the runner meets in the environment of a notebook; it imports none of it by itself."""


def foreign_imports(modules: Modules) -> list[str]:
    """The runner: the standard library. Core: that and blake3. The rest: what is declared."""
    allowed = {"runner": frozenset[str](), "core": frozenset({"blake3"})}
    ours = {"strata", "strata_rules", *sys.stdlib_module_names}
    return [
        f"{module}:{line}: {name} is not for {part_of(module)}"
        for module, text in modules.items()
        for line, name, at_top in imports(module, text, modules)
        if (first := name.partition(".")[0]) not in ours
        and first not in allowed.get(part_of(module), frozenset(DECLARED))
        and not (part_of(module) == "runner" and first in IN_CELLS and not at_top)
    ]


# No effects.

PURE = ("strata.core", "strata.analysis", "strata.execution", "strata_rules")
IMPURE = {
    "strata.execution.engine": "it is the one that waits for threads",
    "strata.execution.threads": "it is the one that starts them",
    "strata.core.dataclass": "it writes methods as text, which is how they are fast",
}
_TOUCHING = """
    time datetime os pathlib threading subprocess socket io tempfile shutil signal asyncio queue
    multiprocessing concurrent random secrets uuid glob urllib http select fcntl mmap logging
    platform locale getpass sys atexit ssl sqlite3 zipfile
"""
TOUCHING = frozenset(_TOUCHING.split())
PURE_PARTS = frozenset({"pathlib.PurePosixPath", "pathlib.PurePath"})
EFFECTS = frozenset({"open", "print", "input", "exec", "eval", "breakpoint", "__import__"})


def effects(modules: Modules) -> list[str]:
    """`core`, `analysis`, `execution.plan` and the rules touch nothing outside."""
    found = []
    for module, text in modules.items():
        if not module.startswith(PURE) or module in IMPURE:
            continue
        for node in nodes(text):
            for name in _imported(node):
                if name.partition(".")[0] in TOUCHING and name not in PURE_PARTS:
                    found.append(f"{module}:{getattr(node, 'lineno', 0)}: imports {name}")
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in EFFECTS
            ):
                found.append(f"{module}:{node.lineno}: calls {node.func.id}")
    return found


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{name.name}" for name in node.names]
    return []


PRINTING = ("strata.console", "strata.cli", "strata.runner")
AMBIENT = frozenset({"os.environ", "os.getenv", "os.getcwd", "Path.cwd", "Path.home", "sys.argv"})


def printing(modules: Modules) -> list[str]:
    """Only `console` and `cli` print; the runner is another process."""
    names = frozenset({"print", "click.echo", "sys.stdout", "sys.stderr"})
    return _using(modules, PRINTING, names, "prints")


def ambience(modules: Modules) -> list[str]:
    """Only `cli` reads environment variables, the command line and the current folder."""
    return _using(modules, ("strata.cli", "strata.runner"), AMBIENT, "reads what cli hands down")


def _using(modules: Modules, but: tuple[str, ...], names: frozenset[str], what: str) -> list[str]:
    return [
        f"{module}:{getattr(node, 'lineno', 0)}: {_dotted(node)} {what}"
        for module, text in modules.items()
        if not module.startswith(but)
        for node in nodes(text)
        if _dotted(node) in names
    ]


def _dotted(node: ast.AST) -> str:
    """`a` or `a.b`."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


# The engine knows no kind of cell.

KINDS = {*extension.names("strata_rules"), "prompt", "sql", "widget", "loop", "variant", "shell"}
KINDS |= {"sweep", "llm", "ipynb"}
SPOKEN_OF = {("strata.execution.explain", "python")}
"""The version of Python is part of the environment of every cell."""


def kinds_of_cells(modules: Modules) -> list[str]:
    """No identifier and no string (docstrings aside) of `execution` names a kind of cell."""
    return [
        f"{module}:{line}: speaks of '{word}'"
        for module, text in modules.items()
        if module.startswith("strata.execution")
        for line, spoken in _spoken(text)
        for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", spoken)
        if word.lower() in KINDS and (module, word.lower()) not in SPOKEN_OF
    ]


def _spoken(text: str) -> Iterator[tuple[int, str]]:
    documentation = {
        id(node.value)
        for node in nodes(text)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in nodes(text):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str) and id(node) not in documentation:
                yield line, node.value
            continue
        for field in ("id", "attr", "arg", "name", "asname"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                yield line, value


# How files look.


def without_docstring(modules: Modules) -> list[str]:
    trees = {m: nodes(text)[0] for m, text in modules.items()}
    return [m for m, t in trees.items() if isinstance(t, ast.Module) and not ast.get_docstring(t)]


def too_large(modules: Modules) -> list[str]:
    """Files that have outgrown one idea, and exceptions that are needed no more."""
    lines = {m: text.count("\n") for m, text in modules.items()}
    large = [f"{m}: {n} lines" for m, n in lines.items() if n > LARGE and m not in LARGER_FILES]
    return large + [f"{m} is not that large" for m in LARGER_FILES if lines.get(m, 0) <= LARGE]


CHECKS: tuple[Check, ...] = (
    forbidden_imports,
    parts_without_a_row,
    foreign_imports,
    effects,
    printing,
    ambience,
    kinds_of_cells,
    without_docstring,
    too_large,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: str(check.__name__))
def test_the_source_is_tidy(check: Check) -> None:
    assert check(the_source()) == []


PLANTED = [
    (forbidden_imports, "strata.core.x", "from strata.loading import notebook"),
    (forbidden_imports, "strata.core.x", "def f():\n    import strata.cli.main"),
    (
        forbidden_imports,
        "strata.core.x",
        "if TYPE_CHECKING:\n    from strata.stores.base import Run",
    ),
    (forbidden_imports, "strata.loading.x", "from strata.analysis.rule import Rule"),
    (forbidden_imports, "strata.stores.x", "from strata.executors.base import Executor"),
    (forbidden_imports, "strata.executors.x", "from strata.stores.lmdb import open_store"),
    (forbidden_imports, "strata.executors.x", "from strata.stores import lmdb"),
    (forbidden_imports, "strata.execution.x", "from strata.analysis.graph import CellGraph"),
    (forbidden_imports, "strata.execution.x", "from strata.executors.caching import X"),
    (forbidden_imports, "strata.query.x", "from strata.analysis.analyze import Facts"),
    (forbidden_imports, "strata.console.x", "from strata.execution.report import BuildReport"),
    (forbidden_imports, "strata_rules.x", "from strata.analysis.definitions import close"),
    (forbidden_imports, "strata_rules.x", "from strata.loading.directives import applies"),
    (forbidden_imports, "strata.runner.x", "from ..core import digest"),
    (forbidden_imports, "strata.analysis.x", "import strata_rules.python"),
    (parts_without_a_row, "strata.utilities.x", ""),
    (foreign_imports, "strata.runner.x", "import numpy"),
    (foreign_imports, "strata.runner.x", "def f():\n    import requests"),
    (foreign_imports, "strata.core.x", "import click"),
    (foreign_imports, "strata.cli.x", "import httpx"),
    (effects, "strata.core.x", "import time"),
    (effects, "strata.analysis.x", "from pathlib import Path"),
    (effects, "strata.execution.plan", "from threading import Lock"),
    (effects, "strata_rules.x", "def f():\n    return open('x')"),
    (effects, "strata.analysis.x", "print('x')"),
    (printing, "strata.loading.x", "print('x')"),
    (printing, "strata.stores.x", "import sys\nsys.stderr.write('x')"),
    (printing, "strata.execution.x", "import click\nclick.echo('x')"),
    (ambience, "strata.loading.x", "import os\nos.environ['X']"),
    (ambience, "strata.executors.x", "from pathlib import Path\nPath.cwd()"),
    (kinds_of_cells, "strata.execution.x", "def run_loop(): pass"),
    (kinds_of_cells, "strata.execution.x", "if kind == 'sql': pass"),
    (kinds_of_cells, "strata.execution.x", "class PromptCell: pass"),
    (kinds_of_cells, "strata.execution.x", "f(variant_group=1)"),
    (kinds_of_cells, "strata.execution.x", "x.isPython"),
    (without_docstring, "strata.core.x", "x = 1"),
    (too_large, "strata.core.x", "x = 1\n" * (LARGE + 1)),
]


def the_source_with(module: str, text: str) -> Modules:
    """All modules there are, blank, but for one."""
    return {**dict.fromkeys(the_source(), '"""Blank."""'), module: text}


@pytest.mark.parametrize(("check", "module", "text"), PLANTED)
def test_a_planted_violation_is_found(check: Check, module: str, text: str) -> None:
    found = check(the_source_with(module, text))
    assert [c for c in found if module in c or check is parts_without_a_row]


def test_every_check_is_shown_a_violation() -> None:
    assert {check for check, _, _ in PLANTED} == set(CHECKS)


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("strata.cli.x", "from strata.stores.lmdb import open_store"),
        ("strata.console.x", "from strata.core.label import Label"),
        ("strata.query.x", "from strata.analysis import graph"),
        ("strata_rules.x", "from strata.loading.scope.model import Scan"),
        ("strata.runner.x", "def f():\n    import numpy as np\n    from . import values"),
        ("strata.execution.x", "'''Knows no prompt.'''\nfor cell in cells: pass"),
        ("strata.execution.x", "x = 'developers explain variance'"),
        ("strata.analysis.x", "from pathlib import PurePosixPath"),
    ],
)
def test_what_is_allowed_is_not_complained_of(module: str, text: str) -> None:
    with_it = the_source_with(module, f'"""A module."""\n{text}\n')
    assert [c for check in CHECKS for c in check(with_it) if module in c] == []


# Everything at a seam is under test.

SEAMS = {
    "strata_rules": "test_rules",
    "strata.stores": "test_stores",
    "strata.executors": "test_executors",
}


@pytest.mark.parametrize(("package", "suite"), SEAMS.items())
def test_the_conformance_suite_of_a_seam_runs_over_the_listing_of_its_folder(
    package: str, suite: str
) -> None:
    text = (ROOT / "tests" / "conformance" / f"{suite}.py").read_text(encoding="utf-8")
    assert "extension.names(" in text
    assert package in text or "RULES_PACKAGE" in text


def test_every_class_that_runs_actions_is_in_the_suite_of_executors() -> None:
    suite = importlib.import_module("tests.conformance.test_executors")
    found = {
        module.rpartition(".")[2]
        for module, text in the_source().items()
        if module.startswith("strata.executors.") and module != "strata.executors.base"
        for node in nodes(text)
        if isinstance(node, ast.FunctionDef)
        and node.name == "run"
        and "ready" in [a.arg for a in node.args.args]
    }
    assert found == set(suite.EXECUTORS)


def test_every_store_offers_itself_to_the_suite_of_stores() -> None:
    suite = importlib.import_module("tests.conformance.test_stores")
    listed = {n for n in extension.names("strata.stores") if n not in suite.NOT_STORES}
    assert listed == set(suite.stores())
    assert all(suite.offered_by(name) for name in listed)


def test_every_query_function_has_what_the_engine_asks_of_it() -> None:
    suite = importlib.import_module("tests.conformance.test_query_functions")
    assert extension.names("strata.query.functions") == suite.FUNCTIONS
    pages = [*(ROOT / "tests" / "query").glob("test_*.py"), ROOT / "tests/e2e/test_questions.py"]
    tests = "".join(page.read_text(encoding="utf-8") for page in pages)
    for name in extension.names("strata.query.functions"):
        module = extension.load("strata.query.functions", name)
        assert module is not None
        assert isinstance(module.ARGUMENTS, tuple)
        assert 0 <= module.OPTIONAL < len(module.ARGUMENTS)
        assert callable(module.call)
        assert f"{name}(" in tests, f"{name} has no test"


# What is loaded.

HEAVY = {"paramiko", "httpx", "jinja2", "jsonschema", "tomlkit", "rich", "asyncio", "numpy"}


def loaded_by(code: str, folder: Path) -> set[str]:
    """The top-level modules that are loaded when `code` has run."""
    tell = "import sys; print('\\nloaded', *{n.partition('.')[0] for n in sys.modules})"
    program = f"import sys\ntry:\n    {code}\nexcept SystemExit as e: assert not e.code\n{tell}"
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return set(ended.stdout.splitlines()[-1].split()[1:])


def strata(*arguments: str) -> str:
    return f"from strata.cli.main import main; main({list(arguments)})"


def test_the_ear_for_loaded_modules_hears(tmp_path: Path) -> None:
    assert "jsonschema" in loaded_by("import jsonschema", tmp_path)


@pytest.mark.parametrize("code", ["import strata.cli.main", strata("--help")])
def test_saying_what_there_is_loads_nothing_heavy(code: str, tmp_path: Path) -> None:
    assert loaded_by(code, tmp_path) & (HEAVY | {"lmdb", "zstandard", "blake3"}) == set()


def test_a_build_in_which_nothing_runs_loads_nothing_heavy(tmp_path: Path) -> None:
    cells = tmp_path / "nb" / "cells"
    cells.mkdir(parents=True)
    (tmp_path / "strata.toml").touch()
    (cells / "a.py").write_text("# @env MODE=x\nx = 1\n")
    (cells.parent / "notebook.toml").write_text(
        'notebook_id = "n"\nname = "n"\n[[cells]]\nid = "a"\nfile = "a.py"\norder = 1\n'
    )
    loaded_by(strata("build", "//..."), tmp_path)
    assert loaded_by(strata("build", "//..."), tmp_path) & HEAVY == set()
    assert loaded_by(strata("query", "//..."), tmp_path) & (HEAVY | {"lmdb"}) == set()
