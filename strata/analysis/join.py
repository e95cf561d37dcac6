"""Joining readers to producers: which cell defines each name that a cell reads.

The rule (docs/reference/names.md): the nearest *earlier* cell that defines the name; else a
variable of another notebook named in `[inputs]`; else the one later cell that defines it, and
several later ones are an error. A cell that changes a value in place defines it too. Names that
begin with `_` are private to their cell. A builtin is what an earlier cell made of its name.

Problems are kept with the cell they belong to: the rest of the notebook still builds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence

from strata.analysis import standing
from strata.analysis.definers import deleters, is_private
from strata.analysis.rule import (
    DefinitionSource,
    Rule,
    Source,
    StarSource,
    ValueSource,
)
from strata.analysis.scanned import ScannedCell
from strata.analysis.targets import CellNames
from strata.analysis.writers import Writers
from strata.core.action import Artifact
from strata.core.dataclass import dataclass, field
from strata.core.errors import ConfigError, GraphError, LabelError
from strata.core.label import Label, Scope, parse_pattern
from strata.loading.model import Cell, Notebook, NotebookInput
from strata.loading.scope import DefinitionKind, Scan
from strata.loading.scope.names import BUILTINS

PROVIDED = frozenset({"display"})
"""Names that the runner gives every cell beside the builtins."""


@dataclass(frozen=True, slots=True)
class JoinedCell:
    """One cell, what it says about names, and where each name it reads comes from."""

    cell: Cell
    scan: Scan
    rule: Rule | None
    sources: Mapping[str, Source] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()
    outputs: tuple[str, ...] = ()
    after: tuple[Label, ...] = ()
    stars: tuple[str, ...] = ()
    """The statements `from m import *` that hold when the cell has run: its own come last."""
    packages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By the name of each package that the cell imports, the statements that hold then."""
    problem: ConfigError | None = None

    @property
    def label(self) -> Label:
        return self.cell.label


def join(notebooks: Sequence[Notebook], scanned: Mapping[Label, ScannedCell]) -> list[JoinedCell]:
    """Every cell of `notebooks`, joined, in definition order.

    `notebooks` must hold every notebook that an `[inputs]` line names; one that is not there is
    reported as the problem of the cells that read from it.
    """
    names = CellNames.of(notebooks, {label: s.scan for label, s in scanned.items()})
    joined: list[JoinedCell] = []
    for notebook in notebooks:
        joiner = _Joiner(notebook, scanned, names)
        joined.extend(joiner.joined(i) for i in range(len(notebook.cells)))
    return joined


@dataclass(slots=True)
class _Found:
    """Where the names of one cell come from, as far as it is known, and what is wrong."""

    sources: dict[str, Source] = field(default_factory=dict)
    optional: set[str] = field(default_factory=set)
    after: tuple[Label, ...] = ()
    problems: list[ConfigError] = field(default_factory=list)


class _Joiner:
    """Joins the cells of one notebook."""

    def __init__(
        self,
        notebook: Notebook,
        scanned: Mapping[Label, ScannedCell],
        names: CellNames,
    ) -> None:
        self.notebook = notebook
        self.scanned = scanned
        self.names = names
        self.table = names.definers[notebook.package]
        self.inputs = {i.name: i for i in notebook.inputs}
        scans = [scanned[cell.label].scan for cell in notebook.cells]
        self.stars = standing.stars(scans)
        self.packages = standing.packages(scans)
        self.starred = [p for p, scan in enumerate(scans) if scan.star_imports]
        self.deleters = deleters(scans)
        self.writers = Writers(notebook.cells, scans)

    def joined(self, position: int) -> JoinedCell:
        """The cell at `position`, with the first problem found, if any."""
        cell = self.notebook.cells[position]
        scanned = self.scanned[cell.label]
        found = self._found(position)
        problem = scanned.problem or next(iter(found.problems), None)
        return JoinedCell(
            cell=cell,
            scan=scanned.scan,
            rule=scanned.rule,
            sources=found.sources,
            optional=frozenset(found.optional),
            outputs=self._outputs(position),
            after=found.after,
            stars=self.stars[position],
            packages=self.packages[position],
            problem=problem,
        )

    def _found(self, position: int) -> _Found:
        """Every name of the cell that can be joined is, whatever is wrong with the others."""
        cell = self.notebook.cells[position]
        scan = self._scan(position)
        found = _Found()
        missing: list[str] = []
        try:
            found.after = self._after(cell, position)
        except GraphError as problem:
            found.problems.append(problem)
        for name in dict.fromkeys((*scan.reads, *cell.directives.mutates)):
            try:
                source = self._source(name, position)
            except GraphError as problem:
                found.problems.append(problem)
                continue
            if source is not None:
                found.sources[name] = source
            elif name not in PROVIDED and not scan.star_imports:
                missing.append(name)
        unasked = standing.unasked(scan, self.packages[position], {*found.sources, *scan.may_read})
        for name in (*scan.may_read, *scan.builtin_reads, *unasked):
            try:
                source = self._before(name, position)
            except GraphError as problem:
                found.problems.append(problem)
                continue
            if source is None and name in scan.builtin_reads:
                source = self._star(position)
            if source is not None and (name not in unasked or isinstance(source, DefinitionSource)):
                found.sources[name] = source
                found.optional.add(name)
        if missing:
            found.problems.append(self._missing(position, missing))
        for name in scan.assigns_into:
            source = found.sources.get(name)
            lost = (
                self._lost(name, source, position) if isinstance(source, DefinitionSource) else None
            )
            if lost is not None:
                found.problems.append(lost)
        return found

    def _lost(self, name: str, source: DefinitionSource, position: int) -> GraphError | None:
        """A class or function of another cell is changed, and a later cell would not see it."""
        definition = self.scanned[source.label].scan.definitions[source.name]
        if definition.kind is DefinitionKind.IMPORT:
            return None
        later = range(position + 1, len(self.notebook.cells))
        reader = next((p for p in later if name in self._scan(p).reads), None)
        if reader is None or self._before(name, reader) != source:
            return None
        return GraphError(
            f"it changes the {definition.kind} '{name}' of {source.label}, and "
            f"{self.notebook.cells[reader].label} would see it unchanged: it gets the source",
            path=self.notebook.cells[position].path,
            line=self._scan(position).read_lines.get(name),
            hint=f"make the change in {source.label}, or keep what changes in a variable",
        )

    def _source(self, name: str, position: int) -> Source | None:
        """Where `name` comes from for the cell at `position`; None if nobody defines it."""
        source: Source | None = self._before(name, position)
        if source is None and name not in PROVIDED:
            source = self._later(name, position)
        return source or self._star(position)

    def _before(self, name: str, position: int) -> ValueSource | DefinitionSource | None:
        """The nearest earlier definition, or the other notebook that `[inputs]` names."""
        if is_private(name):
            return None
        candidates: list[Artifact] = []
        gone = self._deleter(name, position)
        for place in self.table.earlier(name, position):
            if gone is not None and place < gone:
                break
            source = self._from_cell(name, place)
            if isinstance(source, DefinitionSource):
                return source if not candidates else ValueSource(tuple(candidates))
            candidates.append(source.candidates[0])
            if name not in self._scan(place).may_bind or name in self.table.changed(place):
                return ValueSource(tuple(candidates))
        if name in self.inputs and gone is None:
            source = self._from_input(self.inputs[name])
            if isinstance(source, DefinitionSource):
                return source if not candidates else ValueSource(tuple(candidates))
            candidates.extend(source.candidates)
        return ValueSource(tuple(candidates)) if candidates else None

    def _deleter(self, name: str, position: int) -> int | None:
        """The nearest earlier cell that deletes `name`: what was before it is gone."""
        return max((p for p in self.deleters.get(name, ()) if p < position), default=None)

    def _later(self, name: str, position: int) -> ValueSource | DefinitionSource | None:
        if is_private(name):
            return None
        binders = self.table.later(name, position)
        if len(binders) > 1:
            raise self._ambiguous(name, position, binders)
        return self._from_cell(name, binders[0]) if binders else None

    def _star(self, position: int) -> Source | None:
        """The nearest earlier cell with star imports; it answers for those before it, too."""
        earlier = bisect_left(self.starred, position)
        if earlier == 0:
            return None
        return StarSource(self.notebook.cells[self.starred[earlier - 1]].label)

    def _from_cell(self, name: str, place: int) -> ValueSource | DefinitionSource:
        label = self.notebook.cells[place].label
        if name in self._scan(place).definitions:
            return DefinitionSource(label, name)
        return ValueSource((Artifact(label, name),))

    def _from_input(self, line: NotebookInput) -> ValueSource | DefinitionSource:
        try:
            label, variable = self.names.input_of(line, self.notebook.package)
        except LabelError as problem:
            raise self._wrong_input(line, problem.what, problem.hint) from problem
        scanned = self.scanned[label]
        if variable in scanned.scan.definitions:
            return DefinitionSource(label, variable)
        values = self._values_of(label)
        # What a broken cell would define is not known: who reads from it needs it in any case.
        if variable not in values and scanned.problem is None:
            hint = f"it defines: {', '.join(values) or 'nothing'}; name one as {label}%variable"
            raise self._wrong_input(line, f"{label} does not define '{variable}'", hint)
        return ValueSource((Artifact(label, variable),))

    def _wrong_input(self, line: NotebookInput, what: str, hint: str | None) -> GraphError:
        return GraphError(
            f"[inputs] {line.name}: {what}", path=self.notebook.path, line=line.line, hint=hint
        )

    def _values_of(self, label: Label) -> list[str]:
        """What other notebooks can read of a cell, sorted."""
        changed = self.names.definers[label.package].changed(self.names.position(label))
        return sorted({n for n in self.scanned[label].scan.binds if not is_private(n)} | changed)

    def _outputs(self, position: int) -> tuple[str, ...]:
        """Values the cell at `position` keeps: public ones, and those its definitions read."""
        scan = self._scan(position)
        values = set(scan.binds) - set(scan.definitions)
        kept = {name for name in values if not is_private(name)}
        for definition in scan.definitions.values():
            kept |= values.intersection(definition.reads)
        return tuple(sorted(kept | self.table.changed(position)))

    def _after(self, cell: Cell, position: int) -> tuple[Label, ...]:
        before = self.writers.before(position)
        labels = [self.notebook.cells[place].label for place in before]
        for text in cell.directives.after:
            try:
                labels.append(self._cell_named(text))
            except LabelError as problem:
                raise GraphError(
                    f"@after {text}: {problem.what}",
                    path=cell.path,
                    line=_annotation_line(cell, "after"),
                    hint=problem.hint,
                ) from problem
        return tuple(dict.fromkeys(labels))

    def _cell_named(self, text: str) -> Label:
        pattern = parse_pattern(text if ":" in text else f":{text}", self.notebook.package)
        if pattern.scope is not Scope.CELL or pattern.negative:
            raise LabelError(f"'{text}' is not one cell", hint="write the id of a cell")
        return self.names.resolve(pattern)[0]

    def _scan(self, place: int) -> Scan:
        return self.scanned[self.notebook.cells[place].label].scan

    def _ambiguous(self, name: str, position: int, places: list[int]) -> GraphError:
        cell = self.notebook.cells[position]
        line = self._scan(position).read_lines.get(name)
        candidates = ", ".join(
            f"{self.notebook.cells[p].label} ({self._where(p, name)})" for p in places
        )
        return GraphError(
            f"'{name}' is read here, and several later cells define it: {candidates}",
            path=cell.path,
            line=line,
            hint="move the cell that defines it above this one, or rename one of them",
        )

    def _where(self, place: int, name: str) -> str:
        cell = self.notebook.cells[place]
        line = self._scan(place).bind_lines.get(name)
        return cell.path if line is None else f"{cell.path}:{line}"

    def _missing(self, position: int, missing: list[str]) -> GraphError:
        cell = self.notebook.cells[position]
        annotated = dict.fromkeys(cell.directives.mutates, _annotation_line(cell, "mutates") or 0)
        lines = {**annotated, **self._scan(position).read_lines}
        missing = sorted(missing, key=lambda n: (lines.get(n, 0), n))
        first = missing[0]
        others = "" if len(missing) == 1 else f" (nor {_quoted(missing[1:])})"
        return GraphError(
            f"no cell defines '{first}'{others}",
            path=cell.path,
            line=lines.get(first) or None,
            hint=self._advice(first, position),
        )

    def _advice(self, name: str, position: int) -> str:
        gone = self._deleter(name, position)
        if gone is not None:
            return f"{self.notebook.cells[gone].label} deletes it: `del {name}`"
        if name == "get_ipython":
            return "cells run as plain Python, without IPython"
        if is_private(name) and name in self.table.positions:
            return "names that begin with '_' are private to the cell that defines them"
        own = [*self.table.public(), *self.inputs]
        from difflib import get_close_matches  # only on the way to an error

        near = get_close_matches(name, own) or get_close_matches(name, BUILTINS)
        if near:
            return f"did you mean {' or '.join(repr(n) for n in near)}?"
        return "define it in a cell, import it, or name it under [inputs] in notebook.toml"


def _annotation_line(cell: Cell, key: str) -> int | None:
    return next((a.line for a in cell.annotations if a.key == key), None)


def _quoted(names: list[str]) -> str:
    return ", ".join(f"'{n}'" for n in names)
