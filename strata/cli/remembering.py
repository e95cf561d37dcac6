"""The memory of notebooks and their scans, and which Strata it holds for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import strata
from strata.analysis.scanned import rememberable_scan
from strata.cli.cores import cores
from strata.loading.notebook_index import NotebookIndex
from strata.loading.workspace import Workspace

FOLDER = "notebooks"


def load_many(index: NotebookIndex, workspace: Workspace, packages: Sequence[str]) -> None:
    """Many notebooks of which nothing is known are loaded by all cores."""
    if len(packages) > 1:
        from strata.loading.many_notebooks import fetch

        fetch(index, workspace, packages, cores())


def notebook_index(state: Path) -> NotebookIndex:
    """The memory in the state folder. Where there is no such folder yet, nothing is kept."""
    return NotebookIndex(state / FOLDER if state.is_dir() else None, _engine(), rememberable_scan)


def _engine() -> str:
    """Which Strata this is, by what its files look like: they may change under one version."""
    import strata_rules

    here = os.path.dirname(strata.__file__)
    parts = ("core", "loading", "loading/scope", "loading/schemas", "analysis")
    folders = [*(f"{here}/{part}" for part in parts), *strata_rules.__path__]
    return "\n".join(
        [strata.__version__, sys.version, *(line for f in folders for line in _looks(f))]
    )


def _looks(folder: str) -> Iterator[str]:
    """One line for each file in `folder`, sorted."""
    try:
        with os.scandir(folder) as entries:
            files = sorted((e.name, e.stat()) for e in entries if "." in e.name)
    except FileNotFoundError:
        return
    for name, status in files:
        yield f"{name} {status.st_size} {status.st_mtime_ns}"
