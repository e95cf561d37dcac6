"""The graph of cells as an earlier command in this folder loaded it, for questions.

A question about what nobody touched loads no notebook: what was looked at for the notebooks that
it speaks of is held against the disk, as a stamp is (`strata.cli.stamp`), and their cells are read
back. Written by `strata.cli.graph_keeping`. Where something looks otherwise, or a pattern means
what is not known here, nothing is answered, and the notebooks are loaded.

Invariant: what is recalled is what loading would give, warnings included
(`tests/e2e/test_graph_memory.py` compares them).
"""

from __future__ import annotations

import marshal
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from strata.analysis.definers import Definers
from strata.analysis.graph import Attribute, CellGraph, Edge, GraphCell
from strata.analysis.targets import CellNames
from strata.cli import stamp
from strata.cli.stamp import Found, Stamp, changed_among
from strata.core.dataclass import dataclass
from strata.core.label import Label, Scope, TargetPattern, parse_pattern

Notices: TypeAlias = tuple[tuple[str, str], ...]
"""Level and message of what is said while notebooks are loaded."""

Edges: TypeAlias = tuple[tuple[str, str, tuple[str, ...]], ...]
"""Package and name of each producer, and the names that are read."""

Others: TypeAlias = tuple[
    tuple[str, ...],
    str,
    str | None,
    tuple[str, ...],
    int | None,
    dict[str, Attribute],
    dict[str, int],
]
"""The fields of a `GraphCell` behind its edges, in order."""

PlainCell: TypeAlias = tuple[str, str, str, str, Edges, Others]
"""Name, kind, path and file of a cell, and the rest."""


class Remembered(NamedTuple):
    """One notebook: the notebooks that it names, what is said of it, and the rest, marshalled."""

    imports: tuple[str, ...]
    notices: Notices
    data: bytes


class CellName(NamedTuple):
    """What of a cell gives it its names (`strata.analysis.targets.Named`)."""

    label: Label
    file: str
    path: str


@dataclass(frozen=True, slots=True)
class Known:
    """Some notebooks, as they are on disk now. `checked` are the indexes of what was looked at."""

    graph: CellGraph
    names: CellNames
    notices: Notices
    memory: Memory
    checked: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Memory:
    """What was kept. `owners` and `names` tell of each path of the stamp for whom it counts: a
    folder with `names` was searched for notebooks, of which only these count. `notices` are said
    whatever is asked."""

    stamp: Stamp
    root: str
    owners: Sequence[tuple[str | None, ...]]
    names: Sequence[str | None]
    notices: Notices
    packages: Mapping[str, Remembered]

    unproven: frozenset[str]
    """Notebooks that changed while they were loaded, and those that have to do with them."""

    def found(self) -> Found:
        """The stamp, held against the disk."""
        changed = changed_among(self.stamp, self.root, range(len(self.stamp.paths)))
        return Found(asked_in(self.root), self.stamp, self.root, changed)


def asked_in(folder: str) -> stamp.Asked:
    """Under what the memory for commands in `folder` is kept, among the stamps."""
    return ("\0graph",), folder, False, False


def recall(folder: str, environ: Mapping[str, str]) -> Memory | None:
    """What is remembered for commands in `folder`, not yet held against the disk."""
    found, root = stamp.find(asked_in(folder))
    if found is None:
        return None
    if any(environ.get(name) != value for name, value in found.variables.items()):
        return None
    (everybodys, *sections), owners, names, plain = marshal.loads(found.rest)
    packages = {package: Remembered(*fields) for package, fields in plain.items()}
    unproven = frozenset(p for one, _, _, is_proven in sections if not is_proven for p in one)
    return Memory(found, root, owners, names, everybodys[2], packages, unproven)


def patterns_in(memory: Memory, folder: str, words: Iterable[str]) -> dict[str, TargetPattern]:
    """What the words of an expression mean to somebody standing in `folder`. Raises `LabelError`.

    Paths from the root of the disk are left out.
    """
    current = "" if folder == memory.root else os.path.relpath(folder, memory.root)
    among = (word for word in words if word.startswith("//") or not word.startswith("/"))
    return {word: parse_pattern(word, current) for word in among}


def known(memory: Memory, patterns: Collection[TargetPattern]) -> Known | None:
    """The notebooks that `patterns` speak of and all that these name, if each is remembered and
    looks as it did."""
    wanted = _packages(memory, patterns)
    packages = None if wanted is None else _with_imports(memory, wanted)
    if packages is None or not memory.unproven.isdisjoint(packages):
        return None
    is_searched = any(pattern.scope is Scope.SUBTREE for pattern in patterns)
    checked = _that_count(memory, packages, is_searched)
    if _has_changed(memory, checked, packages):
        return None
    notices = [*memory.notices, *(n for p in packages for n in memory.packages[p].notices)]
    graph, names = read_back({package: memory.packages[package] for package in sorted(packages)})
    return Known(graph, names, tuple(dict.fromkeys(notices)), memory, checked)


def completed(memory: Memory, graph: CellGraph, names: CellNames) -> tuple[CellGraph, CellNames]:
    """The cells of `graph`, and those of all other notebooks, which are as they were."""
    others = {p: one for p, one in memory.packages.items() if p not in names.cells}
    known, called = read_back(others)
    cells = {**known.cells, **graph.cells}
    by_package = sorted(cells.items(), key=lambda item: item[0].package)  # as they were within
    both = CellNames(
        dict(sorted({**called.cells, **names.cells}.items(), key=lambda item: item[0])),
        {**called.definers, **names.definers},
    )
    return CellGraph(dict(by_package)), both


def _packages(memory: Memory, patterns: Iterable[TargetPattern]) -> list[str] | None:
    """The notebooks that the patterns speak of; None where one speaks of what is not known."""
    found: dict[str, None] = {}
    for pattern in patterns:
        if pattern.scope is Scope.SUBTREE:
            prefix = f"{pattern.package}/" if pattern.package else ""
            among = [p for p in memory.packages if p == pattern.package or p.startswith(prefix)]
        else:
            among = [pattern.package] if pattern.package in memory.packages else []
        if not among:
            return None
        found.update(dict.fromkeys(among))
    return list(found)


def _with_imports(memory: Memory, wanted: Iterable[str]) -> set[str] | None:
    """`wanted` and what they name, and so on; None where one of these is not known."""
    found: set[str] = set()
    waiting = list(wanted)
    while waiting:
        package = waiting.pop()
        if package not in memory.packages:
            return None
        if package not in found:
            found.add(package)
            waiting.extend(memory.packages[package].imports)
    return found


def _that_count(memory: Memory, packages: set[str], is_searched: bool) -> tuple[int, ...]:
    """The indexes of the paths that count for these notebooks."""
    return tuple(
        index
        for index, (owners, names) in enumerate(zip(memory.owners, memory.names, strict=True))
        if not packages.isdisjoint(owners) or (None in owners if names is None else is_searched)
    )


def _has_changed(memory: Memory, indexes: Sequence[int], packages: set[str]) -> bool:
    """Whether one of these paths looks otherwise now, in what counts of it."""
    for index in changed_among(memory.stamp, memory.root, indexes):
        names = memory.names[index]
        if names is None or not packages.isdisjoint(memory.owners[index]):
            return True
        from strata.loading.packages import names_that_matter  # after an edit only

        try:
            if names_that_matter(os.path.join(memory.root, memory.stamp.paths[index])) != names:
                return True
        except OSError:
            return True
    return False


def read_back(packages: Mapping[str, Remembered]) -> tuple[CellGraph, CellNames]:
    """The cells of some notebooks, and what they are called."""
    cells: dict[Label, GraphCell] = {}
    named: dict[str, Sequence[CellName]] = {}
    definers: dict[str, Definers] = {}
    for package, remembered in packages.items():
        plain, positions, changes = marshal.loads(remembered.data)
        definers[package] = Definers(positions, changes)
        named[package] = [CellName(Label(package, c[0]), c[3], c[2]) for c in plain]
        for name, kind, path, _, edges, others in plain:
            label = Label(package, name)
            read = tuple(Edge(label, Label(p, n), names) for p, n, names in edges)
            cells[label] = GraphCell(label, kind, path, read, *others)
    return CellGraph(cells), CellNames(named, definers)


def plain_cell(cell: GraphCell, file: str) -> PlainCell:
    """A cell as it is kept."""
    edges = tuple((e.producer.package, e.producer.name, e.names) for e in cell.edges)
    said = dict(cell.attributes)
    about = (cell.tags, cell.worker, cell.broken, cell.defines)
    others = (*about, cell.line, said, dict(cell.lines))
    return cell.label.name, cell.kind, cell.path, file, edges, others


def keep_answer(known: Known, asked: stamp.Asked, said: str) -> None:
    """Leaves a stamp of a question that was answered with just this from what is remembered."""
    import contextlib

    kept, state = known.memory.stamp, os.path.join(known.memory.root, stamp.STATE)
    indexes = known.checked
    answer = Stamp(
        True,
        said,
        False,
        kept.variables,
        len(indexes),
        tuple(kept.paths[i] for i in indexes),
        bytes(kept.kinds[i] for i in indexes),
        tuple(kept.signatures[i] for i in indexes),
        b"",
    )
    with contextlib.suppress(OSError):  # then it is answered from memory again
        stamp.write(state, asked, answer)
