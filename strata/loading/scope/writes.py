"""String literals that stand where a file is written: `open("out.csv", "w")`, `.to_csv("out.csv")`.

A literal that names a file of the workspace is an input of its cell. One that only says where the
cell writes is not: after the first run the file would be there, and the cell would run again.
Told from the form of the call, so that the answer never depends on what has run. A cell that reads
the file too says so with another literal or `# @input`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

_WRITING_MODES = frozenset("wax")
_WRITERS = ("to_", "write", "save", "dump", "export", "touch", "unlink", "remove")


def written(call: ast.Call) -> Iterator[ast.Constant]:
    """The constants of `call` that say where it writes; none for a call that does not."""
    target = call.func
    name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
    # In Path("x").write_text(…) the place stands in the call before.
    owner = target.value if isinstance(target, ast.Attribute) else None
    before = [*owner.args] if isinstance(owner, ast.Call) else []
    if name == "open":
        of_path = bool(before)
        if _WRITING_MODES & set(_mode(call, position=0 if of_path else 1)):
            yield from _constants(before if of_path else call.args[:1])
    elif name.startswith(_WRITERS):
        yield from _constants([*before, *call.args, *(k.value for k in call.keywords)])


def _mode(call: ast.Call, position: int) -> str:
    given = [k.value for k in call.keywords if k.arg == "mode"] or call.args[
        position : position + 1
    ]
    mode = given[0].value if given and isinstance(given[0], ast.Constant) else ""
    # "r+" reads as well.
    return mode if isinstance(mode, str) and "+" not in mode else ""


def _constants(nodes: Iterable[ast.expr]) -> Iterator[ast.Constant]:
    return (node for node in nodes if isinstance(node, ast.Constant))
