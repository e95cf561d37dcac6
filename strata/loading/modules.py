"""Local modules: the Python files of the workspace that an import statement reaches.

A cell's process has its notebook's folder first on `sys.path`, so `import helpers` there means
`helpers.py` or `helpers/__init__.py` beside `notebook.toml`, and whatever these import in turn.
Reads files; runs nothing. A module that is imported under a computed name is not found.
"""

from __future__ import annotations

import ast
import os
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

from strata.core.digest import Digest
from strata.loading.index import FileIndex

_NATIVE_SUFFIXES = (".so", ".pyd")


class LocalModules:
    """The local modules of the notebooks of one workspace; asks the disk once a module."""

    def __init__(self, root: Path, index: FileIndex) -> None:
        self._root = root
        self._index = index
        self._found: dict[tuple[str, str], tuple[str, ...]] = {}
        self._imports: dict[tuple[str, str], tuple[str, ...]] = {}

    def files(self, package: str, source: str) -> Mapping[str, Digest]:
        """The files that `source`, run in the notebook `package`, imports: path to digest.

        Paths are relative to the workspace root. A file that cannot be read is left out: the
        import will say so.
        """
        found: dict[str, Digest] = {}
        queue = [*imported_names(source)] if "import" in source else []
        seen: set[str] = set()
        while queue:
            name = queue.pop()
            if name in seen:
                continue
            seen.add(name)
            for path in self._files_of(package, name):
                if path not in found:
                    try:
                        found[path] = self._index.digest(self._root / path)
                    except OSError:
                        continue
                    queue.extend(self._imported_by(path, name))
        return found

    def _files_of(self, package: str, name: str) -> tuple[str, ...]:
        """The files that importing the absolute name `a.b.c` executes, `a` first."""
        key = (package, name)
        if key not in self._found:
            self._found[key] = tuple(_walk_down(self._root, package, name.split(".")))
        return self._found[key]

    def _imported_by(self, path: str, name: str) -> tuple[str, ...]:
        """Absolute names that the module in `path`, imported for `name`, imports in turn."""
        if not path.endswith(".py"):
            return ()
        # One file is `pkg.mod` to one notebook and `nb.pkg.mod` to another: `from . import x` in it
        # means another name to each.
        key = (path, _package_of(path, name))
        if key not in self._imports:
            try:
                text = (self._root / path).read_text(encoding="utf-8", errors="replace")
            except OSError:
                text = ""
            self._imports[key] = tuple(imported_names(text, key[1]))
        return self._imports[key]


def imported_names(source: str, package: str = "") -> Iterator[str]:
    """The absolute names of every module that `source` may import, wherever the statement stands.

    `from a import b` gives both `a` and `a.b`, as `b` may be a module. Relative imports are
    relative to `package`. Text that is no Python imports nothing.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node.module, node.level, package)
            if base:
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names if alias.name != "*")


def _absolute(module: str | None, level: int, package: str) -> str:
    """What `from ..module` means inside `package`; "" where it leads out of it."""
    if level == 0:
        return module or ""
    parts = package.split(".") if package else []
    if level - 1 >= len(parts):
        return ""
    kept = parts[: len(parts) - (level - 1)]
    return ".".join([*kept, module] if module else kept)


def _package_of(path: str, name: str) -> str:
    """The package that relative imports in `path` start from, when it was imported for `name`."""
    parts = name.split(".")
    stem = os.path.splitext(os.path.basename(path))[0]
    if stem == "__init__":
        folder = os.path.basename(os.path.dirname(path))
        while parts and parts[-1] != folder:
            parts.pop()
        return ".".join(parts)
    while parts and parts[-1] != stem:
        parts.pop()
    return ".".join(parts[:-1])


def _walk_down(root: Path, package: str, parts: list[str]) -> Iterator[str]:
    """The files of `parts` below the notebook's folder, as far as they are there."""
    folder = package
    for part in parts:
        if not part.isidentifier():
            return
        inner = os.path.join(folder, part)
        if os.path.isdir(root / inner):
            init = os.path.join(inner, "__init__.py")
            if os.path.isfile(root / init):
                yield init
                folder = inner
                continue
        module = inner + ".py"
        if os.path.isfile(root / module):
            yield module
            return
        yield from _native(root, folder, part)
        folder = inner


def _native(root: Path, folder: str, name: str) -> Iterator[str]:
    """Compiled modules called `name`: `name.cpython-311-x86_64-linux-gnu.so`."""
    try:
        entries = os.listdir(root / folder) if os.path.isdir(root / folder) else []
    except OSError:
        return
    for entry in sorted(entries):
        if entry.startswith(f"{name}.") and entry.endswith(_NATIVE_SUFFIXES):
            yield os.path.join(folder, entry)
