"""What IPython understands and Python does not: `%magic`, `!command`, `?help`.

Each is refused with what to write instead. Looked for only in texts that are no Python, so that a
line of a string or a modulo at the start of a line is never taken for a magic.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence

from strata.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Ism:
    """One line that only IPython understands."""

    what: str
    line: int
    hint: str


_CELL_MAGIC = re.compile(r"\s*%%(?P<name>[\w!]+)(?P<rest>.*)")
_LINE_MAGIC = re.compile(r"\s*(?P<to>[^#'\"()%!?=]+=)?\s*%(?P<name>\w+)(?P<rest>.*)")
_SHELL = re.compile(r"\s*(?P<to>[^#'\"()%!?=]+=)?\s*!!?(?P<rest>[^=].*)")
_HELP = re.compile(r"\s*(\?\??\s*%{0,2}[\w.*]+|%{0,2}[\w.*\[\]]+\s*\?\??)\s*(#.*)?$")
_INSTALL = re.compile(
    r"\s*(?:python3?\s+-m\s+|uv\s+)?(?:pip3?|conda|mamba)\s+install\s+(?P<args>[^#&|;]*)"
)

_FIGURES = "remove the line: figures are shown by themselves"
_TIMING = "remove the magic: Strata records how long each cell takes"
_RELOAD = "remove the line: every cell runs in a fresh process, with the modules as they are now"

_MAGIC_HINTS = {
    "matplotlib": _FIGURES,
    "pylab": "remove the line and import what is used: `import numpy as np`, …",
    "config": "remove the line: it configures IPython",
    "time": _TIMING,
    "timeit": "remove the magic, or call `timeit.timeit` from the standard library",
    "prun": "remove the magic, or use `cProfile` from the standard library",
    "load_ext": "remove the line: there are no IPython extensions here",
    "reload_ext": _RELOAD,
    "autoreload": _RELOAD,
    "reset": "remove the line: every cell runs in a fresh process",
    "cd": "remove the line: a cell runs in its notebook's folder; use paths relative to it",
    "env": "write the annotation `# @env KEY=value` at the top of the cell",
    "set_env": "write the annotation `# @env KEY=value` at the top of the cell",
    "run": "import what the script defines, or call it with `subprocess.run`",
    "load": "paste the code into the cell, or import it",
    "who": "remove the line",
    "whos": "remove the line",
    "capture": "remove the line: the output of a cell is kept with its result",
    "writefile": 'write the file with `pathlib.Path(...).write_text("""...""")`',
    "bash": "call `subprocess.run([...], check=True)`",
    "sh": "call `subprocess.run([...], check=True)`",
    "script": "call `subprocess.run([...], check=True)`",
    "sx": "call `subprocess.run([...], check=True)`",
    "system": "call `subprocess.run([...], check=True)`",
    "sql": "make this a cell of kind `sql`",
    "markdown": "make this a cell of kind `markdown`",
    "html": "remove the magic and end the cell with an object that shows HTML",
}

NAMES = {
    "get_ipython": "cells do not run in IPython: remove the call",
    "display": "end the cell with the value to show it, or `from IPython.display import display`",
}
"""What to say about names that IPython puts into every module and Python does not."""


def find(lines: Sequence[str], parses: Callable[[str], bool]) -> Ism | None:
    """The first line that only IPython understands, if all before it is Python."""
    for index, line in enumerate(lines):
        found = _recognize(line, index + 1)
        if found is None:
            continue
        indent = line[: len(line) - len(line.lstrip())]
        if parses("\n".join([*lines[:index], f"{indent}pass"])):
            return found
    return None


def _recognize(line: str, number: int) -> Ism | None:
    if match := _CELL_MAGIC.match(line):
        name = match["name"]
        return Ism(f"'%%{name}' is a magic of IPython, not Python", number, magic_hint(name))
    if match := _LINE_MAGIC.match(line):
        name = match["name"]
        hint = magic_hint(name, match["rest"])
        return Ism(f"'%{name}' is a magic of IPython, not Python", number, hint)
    if match := _SHELL.match(line):
        return Ism("'!' runs a shell command in IPython only", number, shell_hint(match["rest"]))
    if _HELP.match(line):
        return Ism("'?' asks IPython for help", number, "remove the line, or call `help(...)`")
    return None


def magic_hint(name: str, rest: str = "") -> str:
    """What to write instead of the magic `name`."""
    if name in ("pip", "conda", "mamba", "uv"):
        return shell_hint(f"{name}{rest}")
    return _MAGIC_HINTS.get(name, "remove the line, or write in Python what it does")


def shell_hint(command: str) -> str:
    """What to write instead of a shell command."""
    if match := _INSTALL.match(command):
        packages = [word for word in match["args"].split() if not word.startswith(("-", "{", "$"))]
        wanted = " ".join(packages) or "<package>"
        return f"add the package to the notebook's pyproject.toml (uv add {wanted})"
    words = command.split("#")[0].split() or ["..."]
    if words[0] == "cd":
        return _MAGIC_HINTS["cd"]
    shown = ", ".join(repr(word) for word in words[:4]) + (", ..." if len(words) > 4 else "")
    return f"call `subprocess.run([{shown}], check=True)`"


_CALLS = {"run_line_magic", "run_cell_magic", "magic", "system", "getoutput"}


def call_of_shell(tree: ast.Module) -> Ism | None:
    """The first top-level statement `get_ipython().run_line_magic(...)` or one like it.

    These are what exporters make of magics. Guarded ones, inside `try` or `if`, are left alone.
    """
    for statement in tree.body:
        if isinstance(statement, ast.Expr | ast.Assign):
            match statement.value:
                case ast.Call(
                    func=ast.Attribute(value=ast.Call(func=ast.Name("get_ipython")), attr=attr),
                    args=args,
                ) if attr in _CALLS:
                    hint = _hint_of_call(attr, args)
                    return Ism("'get_ipython' exists in IPython only", statement.lineno, hint)
    return None


def _hint_of_call(attribute: str, args: Sequence[ast.expr]) -> str:
    words = [part.value for part in args if isinstance(part, ast.Constant)]
    texts = [word for word in words if isinstance(word, str)]
    if not texts:
        return NAMES["get_ipython"]
    if attribute in ("system", "getoutput"):
        return shell_hint(texts[0])
    name, _, rest = " ".join(texts).partition(" ")
    return magic_hint(name.lstrip("%"), f" {rest}")
