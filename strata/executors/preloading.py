"""Which modules a cell's process will certainly import, before any code of the user's runs in it.

Those may be imported ahead of it, in a zygote. They are what decoding its values imports, what the
definitions that it uses import, and what its own text imports at its beginning: up to the first
statement that is anything else, so that `os.environ["X"] = "1"` keeps its meaning for what is
imported after it. Only modules that are installed, or of the standard library; the list ends before
the first that is not, or that `NEVER_AHEAD` names. Knows what the program `cell` of the runner is
told; runs nothing.
"""

from __future__ import annotations

import ast
import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from strata.core.action import ReadyAction
from strata.core.encoding import Encodable

_THREADS = "starts threads or a runtime when it is imported"
_DEVICES = "takes hold of devices, which a forked process cannot use"
_WINDOWS = "connects to a display"
NEVER_AHEAD: Mapping[str, str] = {
    **dict.fromkeys(("jax", "jaxlib", "flax", "tensorflow", "keras", "torch_xla"), _THREADS),
    **dict.fromkeys(("ray", "grpc", "pyspark", "distributed", "mxnet", "paddle"), _THREADS),
    **dict.fromkeys(("gevent", "eventlet", "uvloop", "mpi4py", "juliacall", "rpy2"), _THREADS),
    **dict.fromkeys(("cupy", "cudf", "cuml", "rmm", "pycuda", "pyopencl"), _DEVICES),
    **dict.fromkeys(("PyQt5", "PyQt6", "PySide2", "PySide6", "wx", "pygame", "vtk"), _WINDOWS),
}
"""Top-level modules that are not imported ahead, and why. What else is unfit is found out when it
is tried (`strata/runner/preload.py`); this is for what does harm before that, or only later."""

_PARTS_OF_CODECS = {"npy": "numpy", "arrow": "pyarrow"}


class Installed:
    """Which modules an environment has; asks the disk once a folder."""

    def __init__(self, packages: Iterable[Path]) -> None:
        """`packages` are the folders into which packages are installed."""
        self._roots = (*packages, Path(os.path.dirname(os.__file__)))
        self._listed: dict[Path, frozenset[str]] = {}

    def has(self, name: str) -> bool:
        """Whether `name`, in dots, is a module that may be imported ahead."""
        first, _, rest = name.partition(".")
        if first in NEVER_AHEAD:
            return False
        if name == "os.path" or (not rest and first in sys.stdlib_module_names):
            return True
        *folders, last = name.split(".")
        return any(last in self._names(root.joinpath(*folders)) for root in self._roots)

    def _names(self, folder: Path) -> frozenset[str]:
        if folder not in self._listed:
            try:
                entries = os.listdir(folder)
            except OSError:
                entries = []
            self._listed[folder] = frozenset(filter(None, map(module_of, entries)))
        return self._listed[folder]


def module_of(entry: str) -> str:
    """The module that a file or folder of this name can be; "" where it can be none."""
    name, dot, suffix = entry.partition(".")
    if dot and not suffix.endswith(("py", "pyc", "so")):
        return ""
    return name if name.isidentifier() else ""


def imported_first(ready: ReadyAction, installed: Installed) -> tuple[str, ...]:
    """The modules, in the order in which they will be imported.

    `a:b` is what `from a import b` imports: `a.b` too, unless `a` has a `b` already.
    """
    found: dict[str, None] = {}
    for name in _names(ready):
        package, of_package, part = (name or "").partition(":")
        if of_package and not installed.has(f"{package}.{part}"):
            continue  # a function or a class
        if name is None or not installed.has(package):
            break
        found[name] = None
        if of_package:
            found.pop(package, None)
    return tuple(found)


def _names(ready: ReadyAction) -> Iterator[str | None]:
    """Modules, and None where something else happens."""
    arguments = ready.action.command.arguments
    if ready.action.command.program != "cell":
        return
    modules = {str(spec["id"]): spec for spec in _mappings(arguments.get("modules"))}
    bindings = arguments.get("bindings")
    done: set[str] = set()
    for binding in bindings.values() if isinstance(bindings, Mapping) else ():
        assert isinstance(binding, Mapping)
        if "slot" in binding:
            yield from _of_value(ready, str(binding["slot"]))
        else:
            yield from _of_module(ready, str(binding["module"]), modules, done)
    yield from _leading(str(arguments["source"]))


def _of_value(ready: ReadyAction, slot: str) -> Iterator[str | None]:
    output = ready.inputs.get(slot)
    if output is not None:
        if output.codec in _PARTS_OF_CODECS:
            yield _PARTS_OF_CODECS[output.codec]
        yield from sorted(output.needs)


def _of_module(
    ready: ReadyAction, wanted: str, modules: Mapping[str, Mapping[str, Encodable]], done: set[str]
) -> Iterator[str | None]:
    """What building a module of definitions imports: what it uses first, then its own text."""
    waiting: list[tuple[str, bool]] = [(wanted, False)]
    while waiting:
        module, begun = waiting.pop()
        spec = modules.get(module)
        if module in done:
            continue
        if spec is None or spec.get("values") or spec.get("begun"):
            yield None
            return
        if begun:
            done.add(module)
            for chunk in _lists(spec["chunks"]):
                yield from _leading(str(chunk[1]), definitions=True)
        else:
            waiting.append((module, True))
            uses = spec.get("uses")
            used = _lists(list(uses.values())) if isinstance(uses, Mapping) else []
            waiting += [(str(target[0]), False) for target in reversed(used)]


def _lists(value: Encodable) -> list[list[Encodable]]:
    return [list(v) for v in _list(value) if isinstance(v, list | tuple)]


def _mappings(value: Encodable) -> list[Mapping[str, Encodable]]:
    return [v for v in _list(value) if isinstance(v, Mapping)]


def _list(value: Encodable) -> Sequence[Encodable]:
    return value if isinstance(value, list | tuple) else []


@lru_cache(maxsize=4096)
def _leading(source: str, definitions: bool = False) -> tuple[str | None, ...]:
    """What `source` imports at its beginning; then None, if anything comes after that.

    Of `definitions`, functions that do nothing when they are defined do not end it.
    """
    if "import" not in source and not definitions:
        return (None,)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return (None,)
    found: list[str | None] = []
    for statement in tree.body:
        names = _imported(statement)
        if names is None:
            if definitions and _is_quiet(statement):
                continue
            return (*found, None)
        found += names
    return tuple(found)


def _imported(statement: ast.stmt) -> list[str] | None:
    """What the statement imports; None for one that does anything else."""
    match statement:
        case ast.Expr(ast.Constant()) | ast.ImportFrom("__future__"):
            return []
        case ast.Import(aliases):
            return [alias.name for alias in aliases]
        case ast.ImportFrom(str(module), aliases, 0):
            names = [alias.name for alias in aliases if alias.name != "*"]
            return [module, *(f"{module}:{name}" for name in names)]
        case _:
            return None


def _is_quiet(statement: ast.stmt) -> bool:
    """Whether it defines a function, and evaluates nothing for that."""
    if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    arguments = statement.args
    defaults = [*arguments.defaults, *(d for d in arguments.kw_defaults if d is not None)]
    annotated = [a for a in ast.walk(arguments) if isinstance(a, ast.arg) and a.annotation]
    return not (
        statement.decorator_list
        or statement.returns
        or annotated
        or any(not isinstance(default, ast.Constant) for default in defaults)
    )
