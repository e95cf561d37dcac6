"""Where string literals stand: where a file is written, and where something is read.

`open("out.csv", "w")` and `.to_csv("out.csv")` say where a file is written. A literal that names a
file of the workspace is an input of its cell. One that only says where the cell writes is not:
after the first run the file would be there, and the cell would run again. Told from the form of
the call, so that the answer never depends on what has run. A cell that reads the file too says so
with another literal or `# @input`.

`pl.read_parquet("data")` and `glob("data/*.csv")` read all of a folder or pattern, perhaps in
native code that nobody can watch. Only an argument of such a call can mean a folder: in
`Path("figures")` and `df["data"]` the word may be anything.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

_WRITING_MODES = frozenset("wax")
_WRITERS = ("to_", "write", "save", "dump", "export", "touch", "unlink", "remove")
_READERS = ("read", "scan", "load", "open", "glob", "rglob", "iglob", "listdir", "scandir", "walk")
_DATASETS = ("dataset", "Dataset", "ParquetFile", "ImageFolder", "from_file", "from_parquet")
_JOINED = ("glob", "rglob", "iterdir")


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


def read_from(call: ast.Call) -> Iterator[str]:
    """The texts of `call` that say what is read, if it reads: files, folders or patterns."""
    target = call.func
    name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
    if not name.startswith(_READERS) and name not in (*_DATASETS, *_JOINED):
        return
    owner = target.value if isinstance(target, ast.Attribute) else None
    folder = _first_text(owner) if isinstance(owner, ast.Call) else None
    if name in _JOINED and folder is not None:
        pattern = _first_text(call) or "*"
        yield "/".join([folder.rstrip("/"), *(["**"] if name == "rglob" else []), pattern])
        return
    given = [*call.args, *(k.value for k in call.keywords)]
    lists = (part.elts for part in given if isinstance(part, ast.List | ast.Tuple))
    for constant in _constants([*given, *(item for items in lists for item in items)]):
        if isinstance(constant.value, str):
            yield constant.value


def _first_text(call: ast.Call) -> str | None:
    first = call.args[0] if call.args else None
    text = first.value if isinstance(first, ast.Constant) else None
    return text if isinstance(text, str) else None


def _mode(call: ast.Call, position: int) -> str:
    given = [k.value for k in call.keywords if k.arg == "mode"] or call.args[
        position : position + 1
    ]
    mode = given[0].value if given and isinstance(given[0], ast.Constant) else ""
    # "r+" reads as well.
    return mode if isinstance(mode, str) and "+" not in mode else ""


def _constants(nodes: Iterable[ast.expr]) -> Iterator[ast.Constant]:
    return (node for node in nodes if isinstance(node, ast.Constant))
