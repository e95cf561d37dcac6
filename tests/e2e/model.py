"""Random workspaces with a meaning: what their values are, and which cells must run.

A `World` is a value that can be written to a folder. `script` says what a plain Python program
gives that executes each notebook's cells from top to bottom: the reference for values. `must_run`
says which cells have to run in a build, given what ran before: the reference for never needless
and never stale. A cell must run exactly if the things it depends on, taken together, were never
seen: its text without comments, the values it reads, the sources of the definitions it can reach
and the values these read, the files and modules by content, the variables it declares.

Every name is bound by one cell (a cell that changes a value in place binds it again), so the
reference needs no scope analysis of its own: each kind of cell says what it touches.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

Fact = tuple[str, str]


@dataclass(frozen=True)
class Cell:
    """One cell: `kind` and what its text is made of. `comment` counts for nothing."""

    id: str
    kind: str
    number: int = 0
    reads: tuple[str, ...] = ()
    """Values by name; the first letter says what they are: v number, l list, o instance."""
    uses: tuple[str, ...] = ()
    """Functions (f) and classes (K) by name."""
    file: str = ""
    module: str = ""
    variable: str = ""
    comment: int = 0

    @property
    def text(self) -> str:
        return "\n".join([*_heads(self), f"# remark {self.comment}", _body(self)]) + "\n"

    @property
    def meaning(self) -> str:
        """The text without comments."""
        return _body(self)

    @property
    def defines(self) -> str:
        """The function or class that the cell defines, or ""."""
        prefix = {"function": "f", "class": "K"}.get(self.kind)
        return f"{prefix}_{self.id}" if prefix else ""


def _heads(cell: Cell) -> Iterable[str]:
    if cell.variable:
        yield f"# @env {cell.variable}"
    if cell.kind == "declared":
        yield f"# @input {cell.file}*"


def _body(cell: Cell) -> str:
    name, number = f"v_{cell.id}", cell.number
    total = " + ".join([*cell.reads, str(number)])
    match cell.kind:
        case "value":
            return f"{name} = {total}"
        case "parity":  # often the same value after an edit: early cutoff
            return f"{name} = ({total}) % 2"
        case "list":
            return f"l_{cell.id} = [{', '.join([*cell.reads, str(number)])}]"
        case "append":  # changes a list of another cell in place, by a bare statement
            return f"{cell.reads[0]}.append({number})"
        case "length":
            return f"{name} = len({cell.reads[0]}) + {number}"
        case "function":
            calls = "".join(f" + {used}(a)" for used in cell.uses)
            values = "".join(f" + {read}" for read in cell.reads)
            return f"def f_{cell.id}(a):\n    return a + {number}{calls}{values}"
        case "class":
            calls = "".join(f" + {used}(self.a)" for used in cell.uses)
            values = "".join(f" + {read}" for read in cell.reads)
            return (
                f"class K_{cell.id}:\n    def __init__(self, a):\n        self.a = a\n"
                "    def __repr__(self):\n        return f'K({self.a})'\n"
                f"    def get(self):\n        return self.a + {number}{calls}{values}"
            )
        case "call":
            return f"{name} = {cell.uses[0]}({total})"
        case "instance":
            return f"o_{cell.id} = {cell.uses[0]}({total})"
        case "method":
            return f"{name} = {cell.reads[0]}.get() + {number}"
        case "literal":  # a file that its text names
            return f"{name} = len(open('{cell.file}').read()) + {number}"
        case "computed":  # a file that only running it shows
            return f"{name} = len(open('{cell.file[:-4]}' + '.txt').read()) + {number}"
        case "declared":
            return (
                "import glob as _glob\n"
                f"{name} = sum(len(open(p).read()) for p in _glob.glob('{cell.file}' + '*'))"
            )
        case "module":
            return f"import {cell.module} as _m\n{name} = _m.value() + {number}"
        case "variable":
            return f"import os as _os\n{name} = len(_os.environ.get('{cell.variable}', ''))"
    raise AssertionError(cell.kind)


@dataclass(frozen=True)
class Module:
    """A module beside the notebook: its value, and another module it imports, if any."""

    number: int
    imports: str = ""
    comment: int = 0

    @property
    def text(self) -> str:
        before = f"import {self.imports} as _other\n" if self.imports else ""
        more = " + _other.value()" if self.imports else ""
        return f"# remark {self.comment}\n{before}def value():\n    return {self.number}{more}\n"


@dataclass(frozen=True)
class Notebook:
    """`inputs`: local name to (package, name there)."""

    cells: tuple[Cell, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    modules: Mapping[str, Module] = field(default_factory=dict)
    inputs: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class World:
    """Notebooks by package, in an order in which each comes after those it reads from."""

    notebooks: Mapping[str, Notebook]
    environ: Mapping[str, str] = field(default_factory=dict)
    settings: str = ""
    """What is in strata.toml."""

    def with_notebook(self, package: str, notebook: Notebook) -> World:
        return replace(self, notebooks={**self.notebooks, package: notebook})

    def write(self, root: Path) -> None:
        """The folder `root` is this world. Files that did not change are not touched."""
        wanted = {"strata.toml": self.settings}
        for package, notebook in self.notebooks.items():
            wanted[f"{package}/notebook.toml"] = _toml(package, notebook)
            wanted |= {f"{package}/cells/{c.id}.py": c.text for c in notebook.cells}
            wanted |= {f"{package}/{name}": text for name, text in notebook.files.items()}
            wanted |= {f"{package}/{n}.py": m.text for n, m in notebook.modules.items()}
        # What is in .strata may go while it is walked: a process that is ending cleans up.
        tops = [top for top in root.glob("*") if top.name != ".strata"]
        kept = {p for top in tops for p in (top, *top.rglob("*")) if p.is_file()}
        for path in kept - {root / name for name in wanted}:
            path.unlink()
        for name, text in wanted.items():
            path = root / name
            if not path.exists() or path.read_text() != text:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)


def _toml(package: str, notebook: Notebook) -> str:
    lines = [f'notebook_id = "{package}"', "[inputs]"]
    lines += [f'{name} = "//{p}:{n}"' for name, (p, n) in notebook.inputs.items()]
    for order, cell in enumerate(notebook.cells):
        lines += ["[[cells]]", f'id = "{cell.id}"', f'file = "{cell.id}.py"', f"order = {order}"]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Script:
    """What the plain program gave. Labels are `//package:id`."""

    read: Mapping[str, Mapping[str, str]]
    """Label to what each name it reads was worth just before, as `repr`."""
    values: Mapping[str, Mapping[str, str]]
    """Package to the values at the end, as `repr`."""


_PROGRAM = """
import copy, json, os, sys
spec = json.load(sys.stdin)
root = os.getcwd()
spaces, read = {}, {}
for package, notebook in spec:
    os.chdir(os.path.join(root, package))
    sys.path.insert(0, os.getcwd())
    space = spaces[package] = {}
    for name, (other, there) in notebook["inputs"].items():
        space[name] = copy.deepcopy(spaces[other][there])
    for cell in notebook["cells"]:
        read["//%s:%s" % (package, cell["id"])] = {n: repr(space[n]) for n in cell["reads"]}
        exec(compile(cell["text"], cell["id"], "exec"), space)
    sys.path.pop(0)
    for name in notebook["modules"]:
        sys.modules.pop(name, None)
values = {
    package: {n: repr(v) for n, v in space.items() if n[:2] in ("v_", "l_", "o_")}
    for package, space in spaces.items()
}
json.dump([read, values], sys.stdout)
"""


def script(world: World, root: Path) -> Script:
    """Runs the plain program in `root`, where `world` was written."""
    spec = [
        (
            package,
            {
                "inputs": notebook.inputs,
                "modules": list(notebook.modules),
                "cells": [
                    {"id": c.id, "text": c.text, "reads": sorted(_values_read(notebook, c))}
                    for c in notebook.cells
                ],
            },
        )
        for package, notebook in world.notebooks.items()
    ]
    ended = subprocess.run(
        [sys.executable, "-S", "-B", "-c", _PROGRAM],
        cwd=root,
        env={**world.environ, "PATH": "/usr/bin:/bin", "PYTHONHASHSEED": "0"},
        input=json.dumps(spec),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    read, values = json.loads(ended.stdout)
    return Script(read, values)


def _values_read(notebook: Notebook, cell: Cell) -> set[str]:
    """Values that the cell reads itself, through what it calls, or through what it is given."""
    found = set(cell.reads)
    for definition in _definitions(notebook, cell):
        found |= set(definition.reads)
    return found


def _definitions(notebook: Notebook, cell: Cell) -> list[Cell]:
    """Cells whose definitions the cell can reach: by name, and as methods of given instances."""
    by_definition = {c.defines: c for c in notebook.cells if c.defines}
    by_value = {f"o_{c.id}": c for c in notebook.cells if c.kind == "instance"}
    found: dict[str, Cell] = {}
    stack = [cell]
    while stack:
        current = stack.pop()
        names = [*current.uses]
        names += [by_value[r].uses[0] for r in current.reads if r in by_value]
        for name in names:
            if name in by_definition and name not in found:
                found[name] = by_definition[name]
                stack.append(by_definition[name])
    return list(found.values())


class Memory:
    """Everything that was built in one cache, so that one knows what must run."""

    def __init__(self) -> None:
        self._seen: set[frozenset[Fact]] = set()

    def must_run(self, world: World, told: Script) -> list[str]:
        """The labels that a build of `world` must run, sorted; they are remembered as built."""
        ran = []
        for package, notebook in world.notebooks.items():
            for cell in notebook.cells:
                label = f"//{package}:{cell.id}"
                facts = frozenset(_facts(world, package, cell, told.read[label]))
                if facts not in self._seen:
                    ran.append(label)
                self._seen.add(facts)
        return sorted(ran)


def _facts(world: World, package: str, cell: Cell, read: Mapping[str, str]) -> Iterable[Fact]:
    notebook = world.notebooks[package]
    yield "package", package
    yield "text", cell.meaning
    yield "kind", cell.kind if cell.kind == "declared" else ""
    yield from ((f"value {name}", value) for name, value in read.items())
    for definition in _definitions(notebook, cell):
        yield f"definition {definition.defines}", definition.meaning
    if cell.file:
        named = [n for n in notebook.files if n == cell.file or cell.kind == "declared"]
        for name in named:
            if name.startswith(cell.file):
                yield f"file {name}", notebook.files[name]
    module = cell.module
    while module:
        yield f"module {module}", notebook.modules[module].text
        module = notebook.modules[module].imports
    if cell.variable:
        yield f"variable {cell.variable}", world.environ.get(cell.variable, "")
