"""Modules of the workspace are compiled from their source each time they are imported.

Python trusts a `.pyc` whose recorded size and modification time, in whole seconds, are those of the
source: an edit of the same size within a second is served stale. That is a good bargain for
installed packages, which nobody edits, and none for the files that a user works on. It also keeps
`__pycache__` out of the user's folders. Environments in the workspace hold installed packages.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, ModuleType
    from typing import Any, Callable

    Execute = Callable[[ModuleType], None]

# The frozen module behind `importlib.machinery`, which every interpreter has loaded already.
_external = sys.modules["_frozen_importlib_external"]


class _FromSource(_external.SourceFileLoader):  # type: ignore[misc, name-defined]
    """Loads a module from its source, never from bytecode, and writes none."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code

    def exec_module(self, module: ModuleType) -> None:
        if _around:
            _around[-1](module, super().exec_module)
        else:
            super().exec_module(module)


installed: set[str] = set()
"""Of the folders whose finders are known already, those that hold installed packages."""

_around: list[Callable[[ModuleType, Execute], None]] = []


def is_local(name: str) -> bool:
    """Whether the module `name` was loaded from source, by us."""
    spec = getattr(sys.modules.get(name), "__spec__", None)
    return type(getattr(spec, "loader", None)) is _FromSource


def install(folder: str, around: Callable[[ModuleType, Execute], None] | None = None) -> None:
    """From now on, modules in and below `folder` are loaded from source.

    `around` is given each of them, and what executes it.
    """
    if around is not None:
        _around.append(around)
    folder = os.path.join(os.path.realpath(folder), "")
    loaders = (
        (_external.ExtensionFileLoader, _suffixes()),
        (_FromSource, _external.SOURCE_SUFFIXES),
        (_external.SourcelessFileLoader, _external.BYTECODE_SUFFIXES),  # only where no source is
    )
    finder_of = _external.FileFinder.path_hook(*loaders)

    def hook(path: str) -> Any:
        here = os.path.join(os.path.realpath(path or "."), "")
        if not here.startswith(folder) or _is_installed(here, folder):
            raise ImportError(path)
        return finder_of(path)

    sys.path_hooks.insert(0, hook)
    for path in [path for path in sys.path_importer_cache if path not in installed]:
        # What a `.pth` file added may have its finder already.
        here = os.path.join(os.path.realpath(path), "")
        if here.startswith(folder) and not _is_installed(here, folder):
            del sys.path_importer_cache[path]


def _is_installed(here: str, folder: str) -> bool:
    """Whether `here`, somewhere in `folder`, is in an environment or in a state folder."""
    if here.startswith(os.path.join(os.path.realpath(sys.prefix), "")):
        return True
    while len(here) > len(folder):
        # Not os.path: that would be heard as a question of the cell's.
        if here.endswith("/.strata/") or _external._path_isfile(f"{here}pyvenv.cfg"):
            return True
        here = os.path.join(os.path.dirname(here[:-1]), "")
    return False


def _suffixes() -> list[str]:
    import _imp

    return _imp.extension_suffixes()
