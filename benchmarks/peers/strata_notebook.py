"""strata-notebook: https://pypi.org/project/strata-notebook. Runs one notebook a command."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.harness.graphs import Graph
from benchmarks.harness.measure import Command
from benchmarks.peers.base import TOUCH, NotInstalled, base_python, from_pypi, told, uv

_NEEDS = ("pyarrow>=18.0.0", "orjson>=3.10.0", "cloudpickle>=3.0.0")
"""What `strata new` of that package writes into the environment of a notebook."""


class StrataNotebook:
    name = "strata-notebook"
    largest = 10
    packages: tuple[str, ...] = ()
    """What the cells import, beside what the tool itself wants in their environment."""

    def install(self, cache: Path) -> str:
        self._cache = cache
        self._python = _newer_python()
        self._bin = from_pypi(cache, "strata-notebook", python=self._python)
        ask = "from importlib.metadata import version; print(version('strata-notebook'))"
        return told(str(self._bin / "python"), "-c", ask)

    def write(self, graph: Graph, folder: Path, recipe: str = TOUCH) -> None:
        """Gives each notebook an environment with `packages`; equal ones share it by a link."""
        project = self._project()
        for notebook in graph:
            own = folder / notebook.folder
            for name in ("pyproject.toml", "uv.lock"):
                shutil.copy(project / name, own / name)
            (own / ".venv").symlink_to(project / ".venv")

    def _project(self) -> Path:
        """A folder with an environment, made when it is not there."""
        folder = self._cache / "environments" / "-".join(("of-strata-notebook", *self.packages))
        if not (folder / ".finished").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            needs = ", ".join(f'"{need}"' for need in (*_NEEDS, *self.packages))
            (folder / "pyproject.toml").write_text(
                f'[project]\nname = "cells"\nversion = "0.1.0"\n'
                f'requires-python = "{_series(self._python)}"\ndependencies = [{needs}]\n'
            )
            uv(*("sync", "--quiet", "--compile-bytecode", "--python", self._python),
               *("--project", str(folder)))  # fmt: skip
            (folder / ".finished").touch()
        return folder

    def build(self, folder: Path, notebook: str = "", jobs: int = 0) -> Command:
        """`notebook` MUST be given where there are several: it has no command for all."""
        where = folder / notebook if notebook else _only_notebook(folder)
        argv = (str(self._bin / "strata"), "run", "--no-sync", str(where))
        variables = {"UV_PYTHON_DOWNLOADS": "never", "UV_PYTHON": self._python}
        return Command(argv, folder, variables)

    def build_again(self, folder: Path) -> Command:
        """Runs every cell of the only notebook, whatever is cached."""
        command = self.build(folder)
        return dataclasses.replace(command, argv=(*command.argv[:-1], "--force", command.argv[-1]))


def _only_notebook(folder: Path) -> Path:
    """Where the one notebook.toml is, at most two folders down."""
    found = [*folder.glob("*/notebook.toml"), *folder.glob("*/*/notebook.toml")]
    assert len(found) == 1, f"{len(found)} notebooks below {folder}"
    return found[0].parent


def _newer_python() -> str:
    """A Python of 3.12 or later, which it needs."""
    if sys.version_info >= (3, 12):
        return base_python()
    versions = sorted(Path.home().glob(".pyenv/versions/3.1[2-9]*/bin/python"))
    if versions:
        return str(versions[-1])
    try:
        return told("uv", "python", "find", "--no-python-downloads", ">=3.12")
    except NotInstalled:
        raise NotInstalled("not installed: needs Python 3.12 or later") from None


def _series(python: str) -> str:
    ask = "import sys; print('==%d.%d.*' % sys.version_info[:2])"
    return subprocess.run(
        (python, "-c", ask), capture_output=True, text=True, check=True
    ).stdout.strip()
