"""A few dozen cells in several notebooks, written for Strata and for Bazel: the same labels, the
same edges, the same tags.

A cell of Strata is for Bazel a `filegroup` of what it needs, a test a `sh_test`, a page of prose a
rule of its own. Edges come from what the code of a cell reads, so Strata has to find them.
"""

from __future__ import annotations

import itertools
import json
import random
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.harness.graphs import place_of, read_as

PACKAGES = ("", "p", "q", "q/r", "lib/x/y")
NAMES = (
    *("a", "b", "c", "d", "load", "clean", "model", "plot", "Total", "x1"),
    *("test_load", "model_test"),
)
TAGS = ("gpu", "nightly", "slow", "test")
KEPT = ".strata"
"""What Strata remembers of the folder stays when another world is written there."""

_PAGE = """def _nothing(ctx):
    pass

page = rule(implementation = _nothing)
"""
_TESTS_WANT = """cc_binary = native.cc_binary
cc_library = native.cc_library
cc_test = native.cc_test
cc_toolchain = native.cc_toolchain
cc_toolchain_suite = native.cc_toolchain_suite
"""
_REPOSITORIES = ("rules_cc", "remote_coverage_tools")
"""What every test of Bazel depends on, and what is not there without a network."""


@dataclass(frozen=True)
class Cell:
    """`needs` are labels of cells before it."""

    package: str
    name: str
    tags: tuple[str, ...]
    needs: tuple[str, ...]
    is_prose: bool

    @property
    def label(self) -> str:
        return f"//{self.package}:{self.name}"

    @property
    def is_test(self) -> bool:
        """As Strata's `tests` has it."""
        return "test" in self.tags or self.name.startswith("test_") or self.name.endswith("_test")


@dataclass(frozen=True)
class World:
    """Cells, each behind what it needs."""

    cells: tuple[Cell, ...]

    @cached_property
    def labels(self) -> tuple[str, ...]:
        return tuple(cell.label for cell in self.cells)

    @cached_property
    def needs(self) -> Mapping[str, tuple[str, ...]]:
        return {cell.label: cell.needs for cell in self.cells}

    @property
    def packages(self) -> tuple[str, ...]:
        return tuple(sorted({cell.package for cell in self.cells}))

    def ways(self, first: str, last: str) -> int:
        """How many ways lead from `first` down to `last`; from a cell to itself, one."""
        number = dict.fromkeys(self.labels, 0)
        for label in self.labels:
            below = sum(number[need] for need in self.needs[label])
            number[label] = 1 if label == last else below
        return number[first]

    def below(self, label: str) -> tuple[str, ...]:
        """The cell, and all that it needs, itself last."""
        return tuple(node for node in self.labels if self.ways(label, node))

    def ends_of_way(self, nodes: frozenset[str]) -> tuple[str, str] | None:
        """The first and the last cell of the way that has just these nodes; None if none has."""
        way = [label for label in reversed(self.labels) if label in nodes]
        steps = itertools.pairwise(way)
        if len(way) != len(nodes) or any(near not in self.needs[node] for node, near in steps):
            return None
        return (way[0], way[-1]) if way else None


def world(rng: random.Random) -> World:
    """Twelve to forty cells; notebooks read each other in both directions, cells never do."""
    places = [(package, name) for package in PACKAGES for name in NAMES]
    cells: list[Cell] = []
    for package, name in rng.sample(places, rng.randint(12, 40)):
        is_prose = "test" not in name and rng.random() < 0.1
        if is_prose:
            cells.append(Cell(package, name, (), (), is_prose))
            continue
        near = [cell.label for cell in cells if not cell.is_prose]
        needs = rng.sample(near, min(len(near), rng.choice((0, 1, 1, 2, 2, 3))))
        tags = tuple(tag for tag in TAGS if rng.random() < 0.2)
        cells.append(Cell(package, name, tags, tuple(needs), is_prose))
    return World(tuple(cells))


def write(about: World, folder: Path) -> None:
    """Writes it for both, in place of the world that was there."""
    folder.mkdir(parents=True, exist_ok=True)
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name != KEPT:
            shutil.rmtree(entry)
        elif not entry.is_dir():
            entry.unlink()
    (folder / "strata.toml").touch()
    (folder / "WORKSPACE").touch()
    (folder / "cells.bzl").write_text(_PAGE)
    (folder / "BUILD").touch()
    for package in about.packages:
        cells = [cell for cell in about.cells if cell.package == package]
        (folder / package / "cells").mkdir(parents=True)
        (folder / package / "notebook.toml").write_text(_document(cells))
        for cell in cells:
            (folder / package / "cells" / _file(cell)).write_text(_source(cell))
        (folder / package / "BUILD").write_text(_build(cells))


def write_repositories(folder: Path) -> tuple[str, ...]:
    """Writes what takes the place of repositories that Bazel would download; the options of it."""
    options = []
    for name in _REPOSITORIES:
        (folder / name / "cc").mkdir(parents=True, exist_ok=True)
        (folder / name / "WORKSPACE").touch()
        groups = (
            f'filegroup(name = "{of}")\n' for of in ("coverage_report_generator", "lcov_merger")
        )
        public = 'package(default_visibility = ["//visibility:public"])\n'
        (folder / name / "BUILD").write_text("".join((public, *groups)))
        (folder / name / "cc" / "BUILD").touch()
        (folder / name / "cc" / "defs.bzl").write_text(_TESTS_WANT)
        options.append(f"--override_repository={name}={folder / name}")
    return tuple(options)


def _document(cells: list[Cell]) -> str:
    needs = {need for cell in cells for need in cell.needs}
    others = sorted(n for n in needs if place_of("", n)[0] != cells[0].package)
    inputs = (f'{_read_as(need)} = "{need}%{place_of("", need)[1]}"\n' for need in others)
    tables = (f'[[cells]]\nid = "{cell.name}"\nfile = "{_file(cell)}"\n' for cell in cells)
    return "".join(("[inputs]\n", *inputs, *tables))


def _read_as(need: str) -> str:
    """Names that begin with `_` are nobody else's."""
    return f"of_{read_as(need)}"


def _file(cell: Cell) -> str:
    return f"{cell.name}.md" if cell.is_prose else f"{cell.name}.py"


def _source(cell: Cell) -> str:
    if cell.is_prose:
        return f"# About {cell.name}\n"
    tags = f"# @tags {' '.join(cell.tags)}\n" if cell.tags else ""
    places = ((need, *place_of("", need)) for need in cell.needs)
    read = (name if other == cell.package else _read_as(need) for need, other, name in places)
    return f"{tags}{cell.name} = [{', '.join(read)}]\n"


def _build(cells: list[Cell]) -> str:
    return 'load("//:cells.bzl", "page")\n' + "".join(map(_rule, cells))


def _rule(cell: Cell) -> str:
    if cell.is_prose:
        return f'page(name = "{cell.name}")\n'
    kind = "sh_test" if cell.is_test else "filegroup"
    srcs, tags = json.dumps(cell.needs), json.dumps(cell.tags)
    return f'{kind}(name = "{cell.name}", srcs = {srcs}, tags = {tags})\n'
