"""The one loader of extensions: the name is the file.

Cell kind `loop` is the module `strata_rules.loop`; `ssh://` is `strata.executors.ssh`. There is no
registry to edit: a file in the folder is the entry. Third parties join through entry points,
looked at only for a name that the folder does not have.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType


def load(package: str, name: str, entry_points: str | None = None) -> ModuleType | None:
    """The extension `name` of `package`, or None if there is none.

    `entry_points` is the group in which third parties register (for instance `strata.rules`).
    A name that is not an identifier is not looked for. Errors inside the module are raised.
    """
    if not name.isidentifier() or name.startswith("_"):
        return None
    if name in names(package):
        return _module(f"{package}.{name}")
    return _from_entry_points(entry_points, name) if entry_points else None


@cache
def _module(name: str) -> ModuleType:
    # Asked for every cell, and the import system takes its time to say the same.
    return importlib.import_module(name)


@cache
def names(package: str) -> tuple[str, ...]:
    """The names that the folder of `package` offers, sorted. Looked at once."""
    home = importlib.import_module(package)
    return tuple(
        sorted(m.name for m in pkgutil.iter_modules(home.__path__) if not m.name.startswith("_"))
    )


def _from_entry_points(group: str, name: str) -> ModuleType | None:
    # 39 ms to import, and needed only for a name that nobody here knows.
    from importlib.metadata import entry_points

    for entry in entry_points(group=group, name=name):
        module = entry.load()
        assert isinstance(module, ModuleType), f"entry point {entry.value} is not a module"
        return module
    return None
