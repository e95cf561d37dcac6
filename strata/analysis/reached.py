"""Which definitions each cell can reach: its own, those it reads, and those of what it is given.

The last kind is what no name shows. A value may be an instance of a class that the cell never
names, and the methods of that class may read values; so the class, and with it those values, go
wherever the instance goes. Definitions that read no value travel inside the stored instance.

Everything is remembered by label or definition: the cost is that of the graph, not of its paths.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from strata.analysis.components import Gathered
from strata.analysis.definitions import (
    STAR,
    Closure,
    DefinitionRef,
    Definitions,
    Found,
    beginning,
)
from strata.analysis.join import PROVIDED, JoinedCell
from strata.analysis.rule import (
    DefinitionSource,
    Source,
    StarSource,
    ValueSource,
    definition_ref,
)
from strata.core.action import Artifact
from strata.core.dataclass import dataclass, replace
from strata.core.errors import GraphError
from strata.core.label import Label
from strata.loading.scope import Definition, DefinitionKind, Scan


@dataclass(frozen=True, slots=True)
class _Named:
    """What a cell reaches by name. `reading` are those definitions that read values, themselves or
    through others; `feeds` are the cells whose values the cell, or what it calls, is given."""

    closure: Closure
    reading: frozenset[DefinitionRef]
    feeds: tuple[Label, ...]
    problem: GraphError | None = None


class ReachedDefinitions:
    """Answers for the cells of one analysis; never changes what it was given."""

    def __init__(self, joined: Sequence[JoinedCell]) -> None:
        self._cells = {cell.label: cell for cell in joined}
        self._position = {cell.label: i for i, cell in enumerate(joined)}
        self._definitions = Definitions(self._find)
        self._lacking: set[DefinitionRef] = set()
        self._named: dict[Label, _Named] = {}
        self._carried = Gathered(self.feeds, lambda label: self._by_name(label).reading)
        """Definitions that read values, and that values of a cell may be instances of."""
        self._closures: dict[Label, Closure] = {}

    def closure(self, label: Label) -> Closure:
        """The definitions that the cell can reach, as modules. Raises `GraphError`."""
        if label not in self._closures:
            self._closures[label] = self._close(label)
        return self._closures[label]

    def _close(self, label: Label) -> Closure:
        named = self._by_name(label)
        if named.problem is not None:
            raise named.problem
        given = {ref for producer in named.feeds for ref in self._carried.of(producer)}
        return self._definitions.close([*self._roots(label), *given]) if given else named.closure

    def lacking(self, label: Label) -> tuple[Label, ...]:
        """Cells whose definitions `label` can reach and of which a name has no meaning."""
        refs = self.closure(label).module_of.keys() & self._lacking
        return tuple(sorted({ref.label for ref in refs if ref.label != label}))

    def feeds(self, label: Label) -> tuple[Label, ...]:
        """The cells whose values the cell, or what it calls by name, is given."""
        return self._by_name(label).feeds

    def _roots(self, label: Label) -> list[DefinitionRef]:
        """Definitions of the cell, and those of other cells that it names."""
        cell = self._cells[label]
        own = (d for d in cell.scan.definitions.values() if d.kind is not DefinitionKind.IMPORT)
        named = (s for s in cell.sources.values() if not isinstance(s, ValueSource))
        return [*(DefinitionRef(label, d.name) for d in own), *map(definition_ref, named)]

    def _by_name(self, label: Label) -> _Named:
        if label not in self._named:
            self._named[label] = self._look_by_name(label)
        return self._named[label]

    def _look_by_name(self, label: Label) -> _Named:
        given = _producers(self._cells[label].sources.values())
        roots = self._roots(label)
        try:
            closure = self._definitions.close(roots)
        except GraphError as problem:
            return _Named(Closure(), frozenset(), given, problem)
        reads_values: set[str] = set()
        for module in closure.modules:
            if module.values or any(used in reads_values for used, _ in module.uses.values()):
                reads_values.add(module.id)
        reading = (root for root in roots if closure.module_of[root] in reads_values)
        read = (a.producer for m in closure.modules for v in m.values.values() for a in v)
        return _Named(closure, frozenset(reading), tuple(dict.fromkeys((*given, *read))))

    def _find(self, ref: DefinitionRef) -> Found:
        """The definition behind `ref`, and what each global name in it means."""
        joined = self._cells[ref.label]
        scan = joined.scan
        definition = _definition(joined, ref.name)
        definitions: dict[str, DefinitionRef] = {}
        values: dict[str, tuple[Artifact, ...]] = {}
        for name in (*definition.reads, *definition.builtin_reads):
            source = joined.sources.get(name)
            before = source.candidates if isinstance(source, ValueSource) else ()
            if name in scan.definitions:
                definitions[name] = DefinitionRef(ref.label, name)
            elif name in joined.outputs:
                # On some path the cell leaves the name as it was before.
                older = before if name in scan.may_bind else ()
                values[name] = (Artifact(ref.label, name), *older)
            elif before:
                values[name] = before
            elif isinstance(source, DefinitionSource):
                definitions[name] = definition_ref(source)
            elif scan.star_imports:
                definitions[name] = DefinitionRef(ref.label, STAR)
            elif isinstance(source, StarSource):
                definitions[name] = definition_ref(source)
            elif name in definition.reads and name not in PROVIDED:
                self._lacking.add(ref)
        for name in definition.text_reads:
            source = joined.sources.get(name)
            if name in scan.definitions:
                definitions[name] = DefinitionRef(ref.label, name)
            elif name not in scan.binds and isinstance(source, DefinitionSource):
                definitions[name] = definition_ref(source)
        return Found(
            definition,
            joined.cell.path,
            self._position[ref.label],
            definitions,
            values,
            scan.future_imports,
            tuple(DefinitionRef(ref.label, name) for name in _together(scan, ref.name)),
        )


def _definition(joined: JoinedCell, name: str) -> Definition:
    if name == STAR:
        return _star_definition(joined)
    if name in joined.packages:
        text = "\n".join(joined.packages[name])
        return replace(joined.scan.definitions[name], source=text, normalized=text)
    begun = {beginning(n): b.definition for n, b in joined.scan.beginnings.items()}
    return begun[name] if name in begun else joined.scan.definitions[name]


def _together(scan: Scan, name: str) -> Iterator[str]:
    """What makes a value and what changes it while it is made are in one module."""
    for value, begun in scan.beginnings.items():
        if name == beginning(value):
            yield from begun.makers
        elif name in begun.readers:
            yield beginning(value)


def _star_definition(joined: JoinedCell) -> Definition:
    """The star imports that hold in a cell as one definition, so that later ones win."""
    text = "\n".join(joined.stars)
    return Definition(STAR, DefinitionKind.IMPORT, text, text, 1)


def _producers(sources: Iterable[Source]) -> tuple[Label, ...]:
    found = (a.producer for s in sources if isinstance(s, ValueSource) for a in s.candidates)
    return tuple(dict.fromkeys(found))
