"""Which modules a cell imported, of those that were installed, and which it looked for in vain.

Knows nothing of files but where modules say that they came from.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType
    from typing import Any

_MOST_NAMES = 20_000
_PROBED_BY_THE_LIBRARY = {
    *("org", "java", "vms_lib"),
    *("nt", "winreg", "msvcrt", "_winapi"),  # Python 3.9 cannot tell that these are its own
}
"""Jython's, those of VMS and of Windows: `copy`, `pickle`, `platform` and others look for them."""


class Unfound:
    """The last finder: it finds nothing, and knows which modules nobody else found.

    The audit event `import` would not do: `importlib.import_module` does not raise it.
    """

    def __init__(self) -> None:
        self.names: dict[str, None] = {}

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """As PEP 451 has it; None means: not here."""
        if path is None and "." not in name and len(self.names) < _MOST_NAMES:
            self.names[name] = None

    def report(self) -> list[str]:
        """Top-level modules that were not found, and are not there for another reason."""
        ours = getattr(sys, "stdlib_module_names", frozenset(sys.builtin_module_names))
        known = (sys.modules, ours, _PROBED_BY_THE_LIBRARY)
        return [name for name in self.names if not any(name in names for names in known)]


class Imported:
    """The modules of a process, told by what was told of them before: in a fork of one that had
    imported most of them, to look at each is most of what a small cell costs."""

    def __init__(self, before: frozenset[str]) -> None:
        """`before` were there from the start."""
        self._before = before
        self._told: frozenset[str] = frozenset()
        self._count = 0
        self._last = ""

    def take_stock(self) -> None:
        """What there is now is looked at, and not again."""
        self._told = frozenset(installed(self._before, dict(sys.modules)))
        self._count = len(sys.modules)
        self._last = next(reversed(sys.modules))

    def files(self) -> set[str]:
        """As `installed`."""
        later = {}
        for name in reversed(sys.modules):
            if name == self._last:
                break
            later[name] = sys.modules[name]
        if len(sys.modules) != self._count + len(later):  # some were taken away
            return set(installed(self._before, dict(sys.modules)))
        return {*self._told, *installed(self._before, later)}


def installed(before: frozenset[str], found: Mapping[str, ModuleType]) -> Iterator[str]:
    """Files of the modules `found` that are below site-packages, relative to it.

    That is enough to tell whose they are. Of a package the first file is enough; of one without a
    file (a namespace, in which several distributions may have a part) those of its parts are
    needed. What an environment loads by itself at its start, hidden behind an underscore, is
    nobody's choice.
    """
    folders = tuple(f"{folder}/" for folder in site_packages())
    if not folders:
        return
    for name, module in found.items():
        file = _attributes(module).get("__file__")
        package = name.rpartition(".")[0]
        if (
            isinstance(file, str)
            and file.startswith(folders)
            and (not package or _is_namespace(package))
            and not (name[:1] == "_" and name in before)
        ):
            folder = max((f for f in folders if file.startswith(f)), key=len)
            yield file[len(folder) :]


def _is_namespace(name: str) -> bool:
    return name in sys.modules and not _attributes(sys.modules[name]).get("__file__")


def site_packages() -> list[str]:
    """The folders of `sys.path` into which packages are installed."""
    return [path for path in sys.path if path.endswith(("/site-packages", "/dist-packages"))]


def _attributes(module: object) -> dict[str, Any]:
    """The attributes that are there; asking a lazy module for one would load it."""
    try:
        found = object.__getattribute__(module, "__dict__")
    except AttributeError:
        return {}
    return found if isinstance(found, dict) else {}
