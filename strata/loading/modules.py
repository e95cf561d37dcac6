"""Local modules: the Python files of the workspace that an import statement reaches.

A cell's process has its notebook's folder first on `sys.path`, so `import helpers` there means
`helpers.py` or `helpers/__init__.py` beside `notebook.toml`, and whatever these import in turn.
What is imported and is no local module is installed, or of the standard library, or not there: its
name is given, and what it means is for `strata.loading.lock` to say. Reads files; runs nothing. A
module that is imported under a computed name is not found.
"""

from __future__ import annotations

import ast
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from strata.core.dataclass import dataclass
from strata.core.digest import Digest
from strata.loading.index import FileIndex

_NATIVE_SUFFIXES = (".so", ".pyd")


@dataclass(frozen=True, slots=True)
class Imported:
    """What some imports reach: local modules, path relative to the workspace root to digest; and
    the absolute names of everything else."""

    files: Mapping[str, Digest]
    names: frozenset[str]


class LocalModules:
    """The local modules of the notebooks of one workspace; asks the disk once a module."""

    def __init__(self, root: Path, index: FileIndex) -> None:
        self._root = root
        self._index = index
        self._found: dict[tuple[str, str], tuple[str, ...]] = {}
        self._imports: dict[tuple[str, str], tuple[str, ...]] = {}
        self._closures: dict[tuple[str, tuple[str, ...]], Imported] = {}

    def files(self, package: str, source: str) -> Mapping[str, Digest]:
        """The files that `source`, run in the notebook `package`, imports: path to digest.

        Paths are relative to the workspace root. A file that cannot be read is left out: the
        import will say so.
        """
        return self._closure(package, _names_in(source)).files

    def names(self, package: str, source: str) -> frozenset[str]:
        """The names that are no local modules, of all that `source` imports there, and of all that
        the local modules among them import in turn."""
        return self._closure(package, _names_in(source)).names

    def files_of_module(self, package: str, name: str) -> Mapping[str, Digest]:
        """The files that may be executed where a value in the notebook `package` needs `name`.

        A top-level name stands for all of the package that it names: a value's class may be in any
        module of it. A dotted name is that module alone. With what these import in turn.
        """
        return self._closure(package, self._named(package, name)).files

    def names_of_module(self, package: str, name: str) -> frozenset[str]:
        """What is no local module, of all that these files import; `name` itself if it is none."""
        return self._closure(package, self._named(package, name)).names

    def _named(self, package: str, name: str) -> tuple[str, ...]:
        if "." in name or not name.isidentifier():
            return (name,)
        return (name, *_below(self._root / package, name))

    def _closure(self, package: str, names: tuple[str, ...]) -> Imported:
        key = (package, names)
        if key not in self._closures:
            self._closures[key] = self._close(package, names)
        return self._closures[key]

    def _close(self, package: str, names: Iterable[str]) -> Imported:
        found: dict[str, Digest] = {}
        elsewhere: set[str] = set()
        queue = [*names]
        seen: set[str] = set()
        while queue:
            name = queue.pop()
            if name in seen:
                continue
            seen.add(name)
            paths = self._files_of(package, name)
            if not paths:
                elsewhere.add(name)
            for path in paths:
                if path not in found:
                    try:
                        found[path] = self._index.digest(self._root / path)
                    except OSError:
                        continue
                    queue.extend(self._imported_by(path, name))
        return Imported(found, frozenset(elsewhere))

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

    `from a import b` gives both `a` and `a.b`, as `b` may be a module. `__import__("a")` and
    `import_module("a")` count where the name is written out. Relative imports are relative to
    `package`. Text that is no Python imports nothing.
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
        elif isinstance(node, ast.Call):
            yield from _called_for(node, package)


_IMPORTERS = ("import_module", "__import__", "find_spec", "importorskip")


def _called_for(call: ast.Call, package: str) -> Iterator[str]:
    """The module that `import_module("a")` imports, or `find_spec("a")` looks for."""
    target = call.func
    called = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
    if called not in _IMPORTERS:
        return
    texts = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    if not texts or not isinstance(call.args[0], ast.Constant):
        return
    name = texts[0].lstrip(".")
    level = len(texts[0]) - len(name)
    found = _absolute(name or None, level, texts[1] if level and len(texts) > 1 else package)
    if found:
        yield found


def _names_in(source: str) -> tuple[str, ...]:
    """`imported_names`, sorted; the source is looked at only if the word is in it."""
    if not ("import" in source or "find_spec" in source):
        return ()
    return tuple(sorted(set(imported_names(source))))


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


def _below(folder: Path, name: str) -> Iterator[str]:
    """The dotted names of all modules in the folder `name`, if that is there, sorted."""
    found: set[str] = set()
    for place, folders, files in os.walk(folder / name):
        folders[:] = [f for f in folders if f.isidentifier() and f != "__pycache__"]
        above = Path(place).relative_to(folder).parts
        for file in files:
            module, _, suffix = file.partition(".")
            if f".{suffix}".endswith((".py", *_NATIVE_SUFFIXES)) and module.isidentifier():
                found.add(".".join((*above, module)))
    yield from sorted(found)
