"""What expressions answer, by sets of names and nothing else: naive, so that it is plainly right.

Knows nothing of `strata.query`. A node is the text that it prints as. An expression is generated as
its text and, side by side, a function that says what it answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

Names = frozenset[str]


class Wrong(Exception):
    """The expression has no answer: an error of the user."""


@dataclass(frozen=True)
class ToyCell:
    label: str
    kind: str
    tags: tuple[str, ...]
    worker: str
    defines: tuple[str, ...]
    said: dict[str, str | tuple[str, ...]]
    edges: dict[str, tuple[str, ...]]
    """Producer to the names that are read of it; none: order only. It may not be loaded."""
    files: tuple[str, ...]

    @property
    def package(self) -> str:
        return self.label.removeprefix("//").partition(":")[0]

    @property
    def name(self) -> str:
        return self.label.partition(":")[2]


@dataclass
class World:
    """Cells in the order of definition, and what is to be shown beside them."""

    cells: list[ToyCell]
    variables: bool = False
    files: bool = False
    implicit: bool = True
    down: set[tuple[str, str]] = field(default_factory=set)
    """From a node to what it needs. What is not shown has ways out, for walks that begin there."""
    up: set[tuple[str, str]] = field(default_factory=set)
    """The same for walks upwards, first the reader."""

    def __post_init__(self) -> None:
        labels = {cell.label for cell in self.cells}
        for cell in self.cells:
            for producer, names in cell.edges.items():
                if producer not in labels:
                    continue
                through = [f"{producer}%{name}" for name in names]
                if (names or self.implicit) and not (self.variables and names):
                    self._add((cell.label, producer))
                for variable in through:
                    self.up.add((cell.label, variable))
                    if self.variables:
                        self.down.add((cell.label, variable))
            for path in cell.files:
                self.up.add((cell.label, path))
                if self.files:
                    self.down.add((cell.label, path))
        for variable in self.all_variables():
            self.down.add((variable, variable.partition("%")[0]))
            if self.variables:
                self.up.add((variable, variable.partition("%")[0]))

    def _add(self, pair: tuple[str, str]) -> None:
        self.down.add(pair)
        self.up.add(pair)

    def all_variables(self) -> set[str]:
        """What cells define, and what is read of them."""
        labels = {cell.label for cell in self.cells}
        own = {f"{cell.label}%{name}" for cell in self.cells for name in cell.defines}
        read = {f"{p}%{n}" for c in self.cells for p, names in c.edges.items() for n in names}
        return own | {variable for variable in read if variable.partition("%")[0] in labels}

    def all_files(self) -> set[str]:
        return {path for cell in self.cells for path in cell.files}

    def of(self, names: Iterable[str]) -> list[ToyCell]:
        wanted = set(names)
        return [cell for cell in self.cells if cell.label in wanted]

    def shown(self, names: Iterable[str]) -> Names:
        return frozenset(n for n in names if self.is_shown(n))

    def is_shown(self, name: str) -> bool:
        if "%" in name:
            return self.variables
        return self.files or name.startswith("//")

    def place(self, name: str) -> tuple[int, str]:
        """Cells in the order of definition, each before its variables; then files by name."""
        labels = [cell.label for cell in self.cells]
        cell, _, variable = name.partition("%")
        return (labels.index(cell), variable) if cell in labels else (len(labels), name)

    def package(self, name: str) -> str | None:
        """Of a file, that of the longest folder above it which is a package."""
        if name.startswith("//"):
            return name[2:].partition(":")[0]
        known = sorted({cell.package for cell in self.cells}, key=len)
        return next((p for p in reversed(known) if name.startswith(f"{p}/")), None)


# What functions answer.


def deps(world: World, start: Names, depth: int | None = None) -> Names:
    found = set(start)
    for _ in range(len(world.down) + 1 if depth is None else depth):
        found |= {below for node, below in world.down if node in found}
    return world.shown(found)


def rdeps(world: World, universe: Names, start: Names, depth: int | None = None) -> Names:
    inside = deps(world, universe)
    found = {node for node in start if node in inside or not world.is_shown(node)}
    for _ in range(len(world.up) + 1 if depth is None else depth):
        found |= {above for above, node in world.up if node in found and above in inside}
    return world.shown(found)


def allrdeps(world: World, start: Names, depth: int | None = None) -> Names:
    found = set(start)
    for _ in range(len(world.up) + 1 if depth is None else depth):
        found |= {above for above, node in world.up if node in found}
    return world.shown(found)


def leads_to(world: World, node: str, last: Names) -> bool:
    """A way leads from `node` down to one of `last`; it may be there already."""
    way = deps(world, frozenset({node})) | {node}
    unseen = {end for end in last if not world.is_shown(end)}
    return bool(way & last) or any(reader in way for reader, end in world.up if end in unseen)


def allpaths(world: World, first: Names, last: Names) -> Names:
    return frozenset(node for node in deps(world, first) if leads_to(world, node, last))


def somepath(world: World, first: Names, last: Names) -> Names:
    """All ways, longer and longer, until one has arrived."""
    last_step = {(r, end) for r, end in world.up if end in last and not world.is_shown(end)}
    ways = [[node] for node in first]
    for _ in range(len(world.down) + 2):
        arrived = [way for way in ways if way[-1] in last]
        if arrived:
            return world.shown(min(arrived, key=lambda way: [world.place(n) for n in way]))
        ways = [
            [*way, below]
            for way in ways
            for node, below in world.down | last_step
            if node == way[-1] and below not in way
        ]
        ways = shortest_only(ways, world)
    return frozenset()


def shortest_only(ways: list[list[str]], world: World) -> list[list[str]]:
    """To each end the first way only, so that they stay few: all go on from there in one way."""
    best: dict[str, list[str]] = {}
    for way in sorted(ways, key=lambda way: [world.place(n) for n in way]):
        best.setdefault(way[-1], way)
    return list(best.values())


def same_pkg_direct_rdeps(world: World, start: Names) -> Names:
    near = {a for a, b in world.up if b in start and world.package(a) == world.package(b)}
    return world.shown(near)


def siblings(world: World, start: Names) -> Names:
    packages = {world.package(node) for node in start}
    return frozenset(cell.label for cell in world.cells if cell.package in packages)


def labels(world: World, attribute: str, start: Names) -> Names:
    known = {cell.label for cell in world.cells}
    found: set[str] = set()
    for cell in world.of(start):
        if attribute == "needs":
            found |= {p for p, names in cell.edges.items() if names or world.implicit} & known
        elif attribute == "reads":
            found |= {f"{p}%{n}" for p, names in cell.edges.items() if p in known for n in names}
        elif attribute == "defines":
            found |= variables(world, frozenset({cell.label}))
        elif attribute == "srcs":
            found |= set(cell.files)
        else:
            raise Wrong(attribute)
    return frozenset(found)


NOT_SAID: dict[str, str | tuple[str, ...]] = {"timeout": "300", "retries": "0", "input": ()}


def attr(world: World, name: str, regex: str, start: Names) -> Names:
    return frozenset(
        cell.label for cell in world.of(start) if re.search(regex, text_of(world, name, cell))
    )


def text_of(world: World, name: str, cell: ToyCell) -> str:
    value = {
        **NOT_SAID,
        **cell.said,
        "name": cell.said.get("name", cell.name),
        "kind": cell.kind,
        "package": f"//{cell.package}",
        "tags": cell.tags,
        "worker": cell.worker,
    }[name]
    return value if isinstance(value, str) else "[" + ", ".join(value) + "]"


def kind(world: World, regex: str, start: Names) -> Names:
    cells = {cell.label: cell.kind for cell in world.cells}
    kinds = {n: cells.get(n) or ("variable" if "%" in n else "file") for n in start}
    return frozenset(node for node in start if re.search(regex, kinds[node]))


def filtered(_: World, regex: str, start: Names) -> Names:
    return frozenset(node for node in start if re.search(regex, node))


def tests(world: World, start: Names) -> Names:
    return frozenset(
        cell.label
        for cell in world.of(start)
        if "test" in cell.tags or re.search("^test_|_test$", cell.name)
    )


def some(world: World, start: Names, number: int = 1) -> Names:
    if not start or not number:
        raise Wrong("empty")
    return frozenset(sorted(start, key=world.place)[:number])


def variables(world: World, start: Names) -> Names:
    return frozenset(v for v in world.all_variables() if v.partition("%")[0] in start)


def producer(world: World, name: str, start: Names) -> Names:
    known = {cell.label for cell in world.cells}
    readers = world.of(start)
    found = {p for c in readers for p, names in c.edges.items() if name in names and p in known}
    if readers and not found:
        raise Wrong(name)
    return frozenset(found)


def tag(world: World, regex: str, start: Names) -> Names:
    tagged = (c for c in world.of(start) if any(re.search(regex, tag) for tag in c.tags))
    return frozenset(cell.label for cell in tagged)


def worker(world: World, name: str, start: Names) -> Names:
    return frozenset(cell.label for cell in world.of(start) if cell.worker == name)
