"""Notebooks that children load are what the parent would have loaded."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from strata.analysis.scanned import rememberable_scan
from strata.core.errors import NotebookError
from strata.loading import index, many_notebooks
from strata.loading.many_notebooks import fetch
from strata.loading.model import Cell
from strata.loading.notebook_index import NotebookIndex
from strata.loading.scope import Scan
from strata.loading.workspace import Workspace, load_workspace
from tests.loading.conftest import write_files

A_MINUTE_NS = 60_000_000_000
PACKAGES = [f"n{number}" for number in range(9)]


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the tests are alone: the thread in which pytest-xdist waits for work is counted as soon
    as anything has asked in it which thread it is."""
    monkeypatch.setattr(many_notebooks, "FEWEST", 2)
    monkeypatch.setattr(threading, "active_count", lambda: 1)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    write_files(tmp_path, {"strata.toml": ""})
    for package in PACKAGES:
        toml = 'notebook_id = "n"\n[[cells]]\nid = "a"\nfile = "a.py"\n'
        cell = {f"{package}/cells/a.py": f"x = '{package}'\n"}
        write_files(tmp_path, {f"{package}/notebook.toml": toml, **cell})
    return load_workspace(tmp_path, {})


class Memory(NotebookIndex):
    """Counts what this process scans."""

    def __init__(self, folder: Path | None = None) -> None:
        self.scanned: list[str] = []

        def scan(cell: Cell) -> Scan | None:
            self.scanned.append(str(cell.label))
            return rememberable_scan(cell)

        super().__init__(
            folder, "engine", scan, clock_ns=lambda: index.time.time_ns() + A_MINUTE_NS
        )


def test_what_children_load_is_what_the_parent_would_have_loaded(workspace: Workspace) -> None:
    alone, helped = Memory(), Memory()
    fetch(helped, workspace, PACKAGES, 3)
    for package in PACKAGES:
        assert helped.load(workspace, package) == alone.load(workspace, package)
    assert (len(alone.scanned), helped.scanned) == (len(PACKAGES), [])


def test_it_is_kept(workspace: Workspace, tmp_path: Path) -> None:
    first = Memory(tmp_path / "state")
    fetch(first, workspace, PACKAGES, 2)
    first.save()
    second = Memory(tmp_path / "state")
    assert all(second.knows(workspace, package) for package in PACKAGES)


def test_a_mistake_is_for_the_parent_to_say(workspace: Workspace) -> None:
    (workspace.root / "n3" / "notebook.toml").write_text("[[cells]]\n")
    (workspace.root / "n4" / "cells" / "a.py").unlink()
    memory = Memory()
    fetch(memory, workspace, [*PACKAGES, "nowhere"], 2)
    for package in ("n3", "nowhere"):
        with pytest.raises(NotebookError):
            memory.load(workspace, package)
    assert memory.load(workspace, "n4").notebook.cells[0].problem is not None
    assert memory.scanned == ["//n4:a"]


def test_a_file_that_changed_after_a_child_read_it_is_read_again(workspace: Workspace) -> None:
    memory = Memory()
    fetch(memory, workspace, PACKAGES, 2)
    (workspace.root / "n5" / "cells" / "a.py").write_text("y = 1\n")
    assert memory.load(workspace, "n5").scans["a"].binds == ("y",)


def test_a_child_that_dies_is_not_missed(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = os.getpid()
    load = Memory.load

    def dying(self: Memory, workspace: Workspace, package: str) -> object:
        if os.getpid() != parent and package == "n4":
            os._exit(9)
        return load(self, workspace, package)

    monkeypatch.setattr(Memory, "load", dying)
    memory = Memory()
    fetch(memory, workspace, PACKAGES, 2)
    assert 0 < sum(memory.knows(workspace, package) for package in PACKAGES) < len(PACKAGES)
    for package in PACKAGES:
        assert memory.load(workspace, package).scans["a"].binds == ("x",)


@pytest.mark.parametrize("cores", [1, 2])
def test_a_process_with_threads_does_not_fork(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, cores: int
) -> None:
    monkeypatch.setattr(many_notebooks, "_child", lambda *_: pytest.fail("forked"))
    monkeypatch.setattr(threading, "active_count", lambda: cores)
    fetch(Memory(), workspace, PACKAGES, cores)


def test_what_is_known_is_not_loaded_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = Memory()
    fetch(memory, workspace, PACKAGES, 2)
    monkeypatch.setattr(many_notebooks, "_child", lambda *_: pytest.fail("forked"))
    fetch(memory, workspace, PACKAGES, 2)
