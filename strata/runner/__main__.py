"""Starts the runner: `python [-S] -s .../strata/runner/__main__.py FD`.

By path and not by `-m`: nothing of Strata may be importable for the cell, so this folder leaves
`sys.path` before anything else is imported (its names would shadow the standard library's), and
comes back as a package under a private name. The package is made by hand because
`importlib.util` alone costs half as much as starting Python.
"""

from __future__ import annotations

import sys


def _load_package() -> None:
    folder = __file__.rpartition("/")[0]
    if not getattr(sys.flags, "safe_path", False):
        del sys.path[0]
    package = type(sys)("_strata_runner")
    package.__path__ = [folder]
    sys.modules["_strata_runner"] = package


def _start() -> None:
    _load_package()
    session = __import__("_strata_runner.session", fromlist=["main"])
    session.main(int(sys.argv[1]))


if __name__ == "__main__":
    _start()
