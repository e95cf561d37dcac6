"""One command that may leave a stamp: what it looked at, what it said, what came of it.

Around a command that is answered the long way. Knows what builds come to; how that is kept is
`strata.cli.stamping`.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from strata.cli import stamp
from strata.cli.output import is_live
from strata.cli.stamp import EXACT, SAME
from strata.cli.stamping import (
    ALL,
    Entries,
    Entry,
    Narrowed,
    Owners,
    Section,
    engine_files,
    entries_of,
    is_below,
    joined,
    merged,
    narrowed,
    stamp_of,
)
from strata.cli.watching import Consulted, Watch, watching
from strata.console.lines import cell_line, closing_line, notice_line, plain_line
from strata.core.action import Action, first_action
from strata.core.dataclass import dataclass, field, replace
from strata.core.events import (
    BuildFinished,
    BuildStarted,
    CellFinished,
    Emit,
    Event,
    Notice,
    Status,
    Unchanged,
)
from strata.core.label import Label, TargetPattern
from strata.core.observation import LOG, MADE
from strata.execution.report import BuildReport, CellReport

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from strata.cli.invocation import Cells, Opened, Planned


@dataclass(slots=True)
class Proof:
    """What is needed to say later that nothing has changed since."""

    asked: stamp.Asked
    watch: Watch
    environ: Consulted
    found: stamp.Found | None
    narrowed: Narrowed | None = None
    notices: list[tuple[str | None, str, str]] = field(default_factory=list)
    """Package, level and message of what was said while cells were loaded."""
    in_doubt: set[Label | None] = field(default_factory=set)
    """Cells of which something was said while they ran; None: of all."""
    running: bool = False

    def reading_for(self, package: str) -> AbstractContextManager[None]:
        """What is looked at within is looked at for this notebook alone."""
        return self.watch.reading_for(package)

    @property
    def is_in_doubt(self) -> bool:
        """Nothing of what is said may be said again without looking."""
        return None in self.in_doubt

    def narrow(self, patterns: Sequence[TargetPattern], emit: Emit) -> Narrowed | None:
        """What has to be looked at; what the rest has to say is said. None: all of it."""
        found, self.found = self.found, None
        self.narrowed = narrowed(found, patterns, self.watch)
        if self.narrowed is not None:
            said = {(level, message) for _, level, message in self.notices}
            for section in (self.narrowed.everybodys, *self.narrowed.unchanged):
                for level, message in section.notices:
                    if (level, message) not in said:
                        emit(Notice(level, message))
        return self.narrowed

    def hearing(self, emit: Emit) -> Emit:
        """`emit`, which also hears of cells that are not looked at."""

        def hear(event: Event) -> None:
            match event:
                case BuildStarted():
                    self.running = True
                    lines = self._unchanged_lines()
                    emit(replace(event, cells=event.cells + len(lines)))
                    if lines:
                        emit(Unchanged(tuple(lines)))
                    return
                case BuildFinished():
                    self.running = False
                    event = replace(event, cached=event.cached + len(self._unchanged_lines()))
                case Notice(level, message, label):
                    if not self.running:
                        self.notices.append((self.watch.package, level, message))
                    elif level == "warning":
                        self.in_doubt.add(label)
                case _:
                    pass
            emit(event)

        return hear

    def _unchanged_lines(self) -> list[str]:
        return [] if self.narrowed is None else self.narrowed.lines

    def overtaken(self, opened: Opened, planned: Planned, report: BuildReport) -> bool:
        """Whether a cell that ran wrote what a notebook reads that was not looked at; if so, all
        is looked at from now on."""
        if self.narrowed is None:
            return False
        root = opened.workspace.root
        ran = (cell for cell in report.cells if cell.status is not Status.CACHED)
        below = os.path.join(root, "")
        written = {
            os.path.join(root, path).removeprefix(below)
            for cell in ran
            for path in _written(cell, planned)
        }
        if not self.narrowed.reads_any(written):
            return False
        self.narrowed = None
        return True

    def keep(self, opened: Opened, cells: Cells, planned: Planned, report: BuildReport) -> None:
        """Leaves a stamp of a build, if one holds."""
        if report.interrupted or self.is_in_doubt:
            return
        looked = self._looked_at(opened, of_results=True)
        if looked is None:
            return
        entries, moved = looked
        old: list[Section] = []
        everybodys = Section(frozenset(), notices=self.notices_of({None}))
        if self.narrowed is not None:
            old, everybodys = list(self.narrowed.unchanged), self.narrowed.everybodys
        sections = self._sections(cells, planned, report, moved)
        packages = frozenset(package for one in sections for package in one.packages)
        apart = [one for one in old if packages.isdisjoint(one.packages)]
        if len(apart) < len(old):
            sections = merged([*sections, *old])
        else:
            sections += old
        self._write(opened, everybodys, sections, entries)

    def keep_words(
        self, opened: Opened, said: str, *, of_results: bool
    ) -> tuple[Entries, Owners] | None:
        """Leaves a stamp of a command that said just this on stdout, `of_results` or of cells.

        Returns everything that counts, and for whom something of it moved; None where nothing
        holds.
        """
        looked = self._looked_at(opened, of_results=of_results)
        if looked is not None and not looked[1] and not self.notices and not self.is_in_doubt:
            entries = {key: Entry(e.kind, e.signature, ALL) for key, e in looked[0].items()}
            everybodys = Section(frozenset(), (said,))
            self._store(opened, True, said, False, everybodys, [], entries)
        return looked

    def _looked_at(self, opened: Opened, *, of_results: bool) -> tuple[Entries, Owners] | None:
        root = opened.workspace.root
        self.watch.ended = True
        if not opened.state.is_dir():  # a question leaves no state where there is none
            return None
        if self.watch.unknown or opened.state != root / stamp.STATE:
            return None
        libraries = {f"{prefix}/lib" for prefix in (sys.prefix, sys.base_prefix)}
        engine = os.path.dirname(os.path.dirname(stamp.__file__))
        ignored = [str(opened.state), str(opened.cache), engine]
        ignored += [folder for folder in libraries if not is_below(str(root), folder)]
        entries, moved = entries_of(self.watch, str(root), ignored)
        if None in moved:
            return None
        if self.narrowed is not None:
            both = joined(self.narrowed.entries, entries)
            if both is None:
                # Else it would be narrowed by what does not hold, again and again.
                stamp.remove(os.path.join(opened.state, stamp.FOLDER, stamp.place(self.asked)))
                return None
            entries = both
        return (entries, moved) if self._add_machinery(entries, opened, of_results) else None

    def _add_machinery(self, entries: Entries, opened: Opened, of_results: bool) -> bool:
        """Adds the files of the engine and, of the cache, those that tell whether it was emptied;
        whether they have been as they are since this process began."""
        below = os.path.join(opened.workspace.root, "")
        of_cache = [(EXACT, "STORE_VERSION"), (SAME, "index/data.mdb")] if of_results else []
        files = [(EXACT, path) for path in engine_files()]
        files += [(kind, os.path.join(opened.cache, name)) for kind, name in of_cache]
        for kind, path in files:
            try:
                seen = stamp.signature(os.stat(path))
            except OSError:
                return False
            if kind == EXACT and seen[2] > self.watch.began_ns:
                return False
            known = seen if kind == EXACT else seen[3:]
            entries[path.removeprefix(below)] = Entry(kind, known, ALL)
        return True

    def notices_of(self, packages: Iterable[str | None]) -> tuple[tuple[str, str], ...]:
        """What was said while these were loaded; None: what belongs to no notebook."""
        among = set(packages)
        found = [(level, message) for package, level, message in self.notices if package in among]
        return tuple(dict.fromkeys(found))

    def _sections(
        self, cells: Cells, planned: Planned, report: BuildReport, moved: Owners
    ) -> list[Section]:
        """The notebooks that were looked at, those that have to do with each other together."""
        groups = [Section(frozenset({notebook.package})) for notebook in cells.notebooks]
        bound = {frozenset(pair) for pair in _bound(cells, planned)}
        groups = merged([*groups, *(Section(pair) for pair in bound)])
        section_of = {package: i for i, one in enumerate(groups) for package in one.packages}
        lines: list[list[str]] = [[] for _ in groups]
        proven = [one.packages.isdisjoint(moved) for one in groups]
        for cell in report.cells:
            index = section_of[cell.label.package]
            hit = CellFinished(cell.label, Status.CACHED, "", cell.result)
            lines[index].append(plain_line(cell_line(hit)))
            proven[index] = proven[index] and self._is_proven(cell, planned)
        return [
            Section(one.packages, tuple(said), self.notices_of(one.packages), is_proven)
            for one, said, is_proven in zip(groups, lines, proven, strict=True)
        ]

    def _is_proven(self, cell: CellReport, planned: Planned) -> bool:
        """Whether the cell would be a hit now."""
        if cell.status is Status.CACHED:
            return True
        node = planned.graph.nodes.get(cell.label)
        result = cell.result
        return (
            cell.status is Status.RAN
            and isinstance(node, Action)
            and node.cacheable
            and cell.label not in self.in_doubt
            and result is not None
            and result.error is None
            and not result.moving
        )

    def _write(
        self, opened: Opened, everybodys: Section, sections: list[Section], entries: Entries
    ) -> None:
        notices = [notice for one in (everybodys, *sections) for notice in one.notices]
        lines = [line for one in sections for line in one.lines]
        closing = closing_line(BuildFinished(0, len(lines), 0, 0, 0.0)).removesuffix("0.00 s")
        complete = all(one.proven for one in sections)
        if is_live(self.asked[2], self.environ):
            complete = complete and not notices  # they have colours
            said = closing
        else:
            said_first = (plain_line(notice_line(Notice(*notice))) for notice in notices)
            words = [*said_first, *lines]
            said = "".join(f"{line}\n" for line in words) + closing
        self._store(opened, complete, said, True, everybodys, sections, entries)

    def _store(
        self,
        opened: Opened,
        complete: bool,
        said: str,
        timed: bool,
        everybodys: Section,
        sections: list[Section],
        entries: Entries,
    ) -> None:
        names = {*self.environ.asked, *stamp.TERMINAL}
        variables = {name: self.environ.get(name) for name in names}
        kept = stamp_of(
            everybodys, sections, entries, variables, said=said, complete=complete, timed=timed
        )
        with contextlib.suppress(OSError):  # then the next build goes the long way, too
            stamp.write(str(opened.state), self.asked, kept)


def heard(proof: Proof | None, emit: Emit) -> Emit:
    """`emit`, of which `proof` hears."""
    return emit if proof is None else proof.hearing(emit)


@contextlib.contextmanager
def proving(found: stamp.Found | None) -> Iterator[Proof | None]:
    """A proof of what is done within; None where nobody asks for stamps."""
    if found is None:
        yield None
        return
    with watching() as watch:
        yield Proof(found.asked, watch, Consulted(os.environ), found)


def _written(cell: CellReport, planned: Planned) -> Iterator[str]:
    """What a cell wrote, or says that it writes, relative to the root."""
    if cell.result is not None:
        names = cell.result.observed
        yield from (n.partition(":")[2] for n in names if n.startswith((MADE, LOG)))
    node = planned.graph.nodes.get(cell.label)
    if node is not None:
        action = first_action(node)
        yield from (os.path.normpath(os.path.join(action.folder, n)) for n in action.files.written)


def _bound(cells: Cells, planned: Planned) -> Iterator[tuple[str, str]]:
    """Pairs of notebooks of which one can change what the other gives."""
    graph = cells.graph
    needs = [*planned.graph.needs.items(), *((label, graph.needs(label)) for label in graph.cells)]
    for reader, needed in needs:
        yield from ((reader.package, n.package) for n in needed if n.package != reader.package)
    yield from cells.imports
