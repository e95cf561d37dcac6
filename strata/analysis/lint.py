"""One line about a cell whose stored result is one of many, or that changes what no cell can see.

A cell is judged by what it runs: its own statements, and the definitions, of whatever cell, that
these reach by name. So `set_seed(1)` seeds also where another cell defines it, and a function that
draws numbers is held against the cell that calls it.

Pure, and slow enough (a parse a cell) to be asked only about cells that run. MUST be silent where
it is not sure: a line about a cell that is right teaches users to read none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cached_property
from typing import TypeAlias

from strata.analysis.join import JoinedCell
from strata.analysis.rule import DefinitionSource, ValueSource
from strata.analysis.suspects import (
    FRAMES,
    GENERATORS,
    ITS_OWN,
    Concern,
    Suspect,
    is_known,
    judged,
    seeds,
)
from strata.core.dataclass import dataclass, field
from strata.core.label import Label
from strata.loading.scope import DefinitionKind
from strata.loading.scope.chance import MAIN, CellUses, Use, imported_by, uses

IsLocal: TypeAlias = Callable[[str, str], bool]
"""(package, module): the notebook's folder has a module of that name, which hides all others."""

MOST_NAMES = 3


@dataclass(frozen=True, slots=True)
class Ran:
    """A use that a cell runs, and the cell and unit in which it is written."""

    use: Use
    label: Label
    unit: str
    suspect: Suspect | None
    seeds: frozenset[str]


class Lint:
    """Answers for the cells of one graph. Safe to be asked by several threads."""

    def __init__(
        self, joined: Sequence[JoinedCell], is_local: IsLocal = lambda package, module: False
    ) -> None:
        self._cells = {cell.label: cell for cell in joined}
        self._is_local = is_local
        self._texts: dict[Label, CellUses] = {}
        self._ran: dict[Label, tuple[Ran, ...]] = {}
        self._notebooks: dict[str, _Notebook] = {}

    def line(self, label: Label) -> str | None:
        """What is to be said about a cell, place first; None for most."""
        joined = self._cells[label]
        if joined.problem is not None or joined.cell.kind != "python":
            return None
        ran = self.ran(joined)
        kept = [] if joined.cell.directives.nocache else self._kept(label, ran)
        lost = self._lost(joined, ran)
        if not kept and not lost:
            return None
        first = min((*kept, *lost), key=lambda one: _place(one, label))
        clauses = [self._say_kept(joined, kept)] if kept else []
        clauses += [_say_lost(lost)] if lost else []
        return f"{self._cells[first.label].cell.path}:{first.use.line}: {'; '.join(clauses)}"

    def ran(self, joined: JoinedCell) -> tuple[Ran, ...]:
        """What the cell's process uses of modules, as far as names show it."""
        if joined.label not in self._ran:
            found = sorted(self._reach(joined.label), key=lambda one: _place(one, joined.label))
            self._ran[joined.label] = tuple(found)
        return self._ran[joined.label]

    def _reach(self, start: Label) -> Iterable[Ran]:
        seen = {(start, MAIN)}
        todo = [(start, MAIN)]
        while todo:
            label, unit = todo.pop()
            text = self._text(label)
            for use in text.uses.get(unit, ()):
                suspect = judged(use)
                if suspect is None or not self._is_ours(label, use):
                    yield Ran(use, label, unit, suspect, seeds(use))
            for name in sorted(text.names.get(unit, ())):
                there = self._defined(label, name)
                if there is not None and there not in seen:
                    seen.add(there)
                    todo.append(there)

    def _is_ours(self, label: Label, use: Use) -> bool:
        """What looks like a library's is of a module of the notebook that has the same name."""
        return self._is_local(label.package, _module(use))

    def _defined(self, label: Label, name: str) -> tuple[Label, str] | None:
        """The definition with a body that `name` means in a cell."""
        joined = self._cells[label]
        source = joined.sources.get(name)
        there = (label, name)
        if name not in joined.scan.definitions and isinstance(source, DefinitionSource):
            there = (source.label, source.name)
        definition = self._cells[there[0]].scan.definitions.get(there[1])
        if definition is None or definition.kind is DefinitionKind.IMPORT:
            return None
        return there

    def _text(self, label: Label) -> CellUses:
        if label not in self._texts:
            joined = self._cells[label]
            readable = joined.rule is not None and joined.cell.kind == "python"
            self._texts[label] = (
                uses(joined.cell.source, joined.scan.definitions, self._imported(joined))
                if readable
                else CellUses()
            )
        return self._texts[label]

    def _imported(self, joined: JoinedCell) -> dict[str, str]:
        """What names mean that the cell has from imports of other cells."""
        meanings: dict[str, str] = {}
        for name in (*joined.sources, *joined.scan.reads):
            source = joined.sources.get(name)
            if isinstance(source, DefinitionSource):
                definition = self._cells[source.label].scan.definitions[source.name]
                if definition.kind is DefinitionKind.IMPORT:
                    found = imported_by(definition.normalized).get(source.name)
                    meanings.update({} if found is None else {name: found})
            elif not isinstance(source, ValueSource):
                meanings.update(_of_stars(joined.stars, name))
        return meanings

    # What stays: chance, time, network.

    def _kept(self, label: Label, ran: Iterable[Ran]) -> list[Ran]:
        ran = tuple(ran)
        found = []
        for one in ran:
            if one.suspect is None or one.suspect.concern is Concern.STATE:
                continue
            if one.suspect.concern is Concern.CHANCE and _is_seeded(one, ran):
                continue
            if one.suspect.readers and not self._notebook(label).has_frames:
                continue
            found.append(one)
        return found

    def _say_kept(self, joined: JoinedCell, kept: Sequence[Ran]) -> str:
        names = _names(kept)
        concerns = set(names.values())
        shown = dict(list(names.items())[:MOST_NAMES])
        groups = []
        for concern in Concern:
            group = [written for written, what in shown.items() if what is concern]
            if group:
                why = self._seed_elsewhere(joined, kept) if concern is Concern.CHANCE else ""
                groups.append(f"{concern.value} {_listed(group)}{why}")
        groups += ["more"] if len(shown) < len(names) else []
        one = "one draw" if concerns == {Concern.CHANCE} else "that of one run"
        return f"{_listed(groups)}: the stored result is {one}; {_cures(concerns)}"

    def _seed_elsewhere(self, joined: JoinedCell, kept: Iterable[Ran]) -> str:
        """Whoever seeds in an earlier cell has reason to think that it holds here."""
        notebook = self._notebook(joined.label)
        for one in kept:
            generator = ITS_OWN if one.suspect is None else one.suspect.generator
            other = notebook.seeders.get(generator)
            if other is not None and notebook.is_earlier(other, joined.label):
                return f" (the seed in {other} does not reach this cell)"
        return ""

    # What goes: the state of the process.

    def _lost(self, joined: JoinedCell, ran: Sequence[Ran]) -> list[Ran]:
        found = [one for one in ran if self._is_lost(one, joined, ran)]
        return found + self._lost_seeds(joined, ran)

    def _is_lost(self, one: Ran, joined: JoinedCell, ran: Sequence[Ran]) -> bool:
        if one.suspect is None or one.suspect.concern is not Concern.STATE:
            return False
        if any(other.use.name == f"{_module(one.use)}.catch_warnings" for other in ran):
            return False  # put back when the block ends
        later = self._notebook(joined.label).later(joined)
        if _module(one.use) in ("os", "sys"):
            # A cell that makes no value did it for others.
            return any(not joined.outputs or _depends(other, one, joined) for other in later)
        readers = one.suspect.readers
        return any(_module(r.use) in readers for other in later for r in self.ran(other))

    def _lost_seeds(self, joined: JoinedCell, ran: Sequence[Ran]) -> list[Ran]:
        """Seeds of a cell that draws nothing, where a later cell draws without one."""
        sown = [one for one in ran if one.seeds]
        generators = frozenset[str]().union(*(one.seeds for one in sown)) & GENERATORS
        generators -= {one.suspect.generator for one in ran if one.suspect is not None}
        if not generators:
            return []
        needed: set[str] = set()
        for other in self._notebook(joined.label).later(joined):
            needed |= _unseeded(self.ran(other))
        return [one for one in sown if one.seeds & generators & needed]

    def _notebook(self, label: Label) -> _Notebook:
        package = label.package
        if package not in self._notebooks:
            inside = (c for c in self._cells.values() if c.label.package == package)
            cells = [c for c in inside if c.problem is None and c.cell.kind == "python"]
            self._notebooks[package] = _Notebook(cells, self)
        return self._notebooks[package]


@dataclass
class _Notebook:
    """What is asked about all cells of a notebook that can be understood."""

    cells: Sequence[JoinedCell]
    lint: Lint
    _position: dict[Label, int] = field(init=False)

    def __post_init__(self) -> None:
        self._position = {cell.label: i for i, cell in enumerate(self.cells)}

    def later(self, joined: JoinedCell) -> Sequence[JoinedCell]:
        """The cells after `joined`."""
        return self.cells[self._position[joined.label] + 1 :]

    def is_earlier(self, one: Label, other: Label) -> bool:
        return self._position[one] < self._position[other]

    @cached_property
    def seeders(self) -> dict[str, Label]:
        """Generator to the first cell that seeds it."""
        found: dict[str, Label] = {}
        for cell in self.cells:
            for one in self.lint.ran(cell):
                for generator in one.seeds:
                    found.setdefault(generator, cell.label)
        return found

    @cached_property
    def has_frames(self) -> bool:
        """The notebook imports a library of data frames, and has no `sample` of its own."""
        texts = [cell.cell.source for cell in self.cells]
        frames = re.compile(rf"\b(?:{'|'.join(sorted(FRAMES))})\b")
        return any(map(frames.search, texts)) and not any("def sample(" in t for t in texts)


def _is_seeded(one: Ran, ran: Iterable[Ran]) -> bool:
    """Some seed of the generator is sown before `one` draws, as far as the text shows it."""
    generator = ITS_OWN if one.suspect is None else one.suspect.generator
    return any(generator in other.seeds and _not_after(other, one) for other in ran)


def _not_after(sown: Ran, drawn: Ran) -> bool:
    if sown.unit != MAIN or drawn.unit != MAIN:
        return True  # a body runs when it is called
    return sown.use.line <= drawn.use.line


def _depends(other: JoinedCell, change: Ran, changed: JoinedCell) -> bool:
    """`other` seems to count on a change of the folder, of `sys.path` or of a variable."""
    if change.use.name == "os.chdir":
        return any(_RELATIVE_FILE.fullmatch(literal) for literal in other.scan.literals)
    if change.use.name.startswith("sys.path"):
        # An import crosses cells as a statement, and is made again where it is read.
        sources = (s for s in other.sources.values() if isinstance(s, DefinitionSource))
        read = (changed.scan.definitions[s.name] for s in sources if s.label == changed.label)
        return any(d.kind is DefinitionKind.IMPORT and d.line > change.use.line for d in read)
    variable = next(iter(change.use.given.positional), None)
    return isinstance(variable, str) and variable in other.scan.literals


_RELATIVE_FILE = re.compile(r"(?!/|\w+://)[^\s:]+\.[A-Za-z]\w{1,7}")


def _unseeded(ran: Sequence[Ran]) -> set[str]:
    """The generators that a cell uses without a seed."""
    return {
        one.suspect.generator
        for one in ran
        if one.suspect is not None
        and one.suspect.concern is Concern.CHANCE
        and not _is_seeded(one, ran)
    }


def _of_stars(stars: Sequence[str], name: str) -> dict[str, str]:
    """What `name` means if the last star import that can bring it is of a module known here."""
    meanings = (f"{statement.split()[1]}.{name}" for statement in reversed(stars))
    found = next((meaning for meaning in meanings if is_known(meaning)), None)
    return {} if found is None else {name: found}


def _place(one: Ran, label: Label) -> tuple[bool, Label, int]:
    """The cell's own text first."""
    return (one.label != label, one.label, one.use.line)


def _module(use: Use) -> str:
    return use.name.partition(".")[0]


def _names(ran: Iterable[Ran]) -> dict[str, Concern]:
    """As written, in the order of the text, with what is wrong."""
    return {one.use.written: one.suspect.concern for one in ran if one.suspect is not None}


def _cures(concerns: Collection[Concern]) -> str:
    cures = ["give a seed"] if Concern.CHANCE in concerns else []
    cures += ["fetch once into a file"] if Concern.NETWORK in concerns else []
    return ", or ".join([*cures, "`# @nocache`"])


def _say_lost(lost: Sequence[Ran]) -> str:
    names = list(dict.fromkeys(one.use.written for one in lost))
    shown = [*names[:MOST_NAMES], *(["more"] if len(names) > MOST_NAMES else [])]
    change = "changes" if len(names) == 1 else "change"
    return (
        f"{_listed(shown)} {change} this cell's process only, and each cell has a fresh one: do it"
        " in each cell that needs it, or in a module they import"
    )


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
