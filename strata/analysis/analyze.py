"""Cells to the action graph: every rule writes the action of its cell, from what it may see.

Pure. Whatever comes from outside the cells (file digests, environments, the caller's variables)
is handed in as `Facts`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

from strata.analysis.components import strongly_connected
from strata.analysis.imported import ImportedBy, NamesImportedBy, ReachedModules
from strata.analysis.join import JoinedCell
from strata.analysis.reached import ReachedDefinitions
from strata.analysis.rule import CellContext, ValueSource
from strata.analysis.users import StateUsers
from strata.core.action import (
    USUAL,
    Artifact,
    Environment,
    Node,
    Resources,
    dependencies,
    first_action,
)
from strata.core.action_graph import ActionGraph
from strata.core.dataclass import dataclass, field
from strata.core.errors import ConfigError, GraphError
from strata.core.failures import failure_of
from strata.core.label import Label
from strata.core.result import CellFailure, FailureKind
from strata.loading.annotation_values import secret_like
from strata.loading.modules import imported_names


@dataclass(frozen=True, slots=True)
class Facts:
    """What analysis cannot know by itself. `environments` is by package."""

    environments: Mapping[str, Environment]
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The caller's environment variables; only declared ones are looked up."""
    imported_by: ImportedBy = lambda package, source: {}
    names_imported_by: NamesImportedBy = lambda package, source: imported_names(source)
    worker: str | None = None
    """`--worker`, which wins over every annotation."""


def action_graph(
    joined: Sequence[JoinedCell], wanted: Iterable[Label], facts: Facts
) -> ActionGraph:
    """The actions of `wanted` and of all they need.

    A cell whose problem, rule or place in a cycle stops it is in `broken`; everything else builds.
    """
    analyzer = _Analyzer(joined, facts)
    nodes: dict[Label, Node] = {}
    broken: dict[Label, CellFailure] = {}
    needs: dict[Label, tuple[Label, ...]] = {}
    queue = list(wanted)
    while queue:
        label = queue.pop()
        if label in needs:
            continue
        needs[label] = ()
        try:
            node = analyzer.node(label)
        except ConfigError as problem:
            broken[label] = failure_of(problem, FailureKind.BROKEN)
            continue
        if node is not None:
            nodes[label] = node
            before = (*dependencies(first_action(node)), *analyzer.broken_definers(label))
            needs[label] = tuple(dict.fromkeys(before))
            queue.extend(needs[label])
    for cycle in _cycles(needs):
        failure = failure_of(_cycle_error(cycle, nodes, analyzer), FailureKind.BROKEN)
        for label in cycle:
            del nodes[label]
            needs[label] = ()
            broken[label] = failure
    ordered = [cell.label for cell in joined if cell.label in needs]
    order = {cell.label: place for place, cell in enumerate(joined)}
    return ActionGraph(
        {label: nodes[label] for label in ordered if label in nodes},
        {label: needs[label] for label in ordered},
        {label: broken[label] for label in ordered if label in broken},
        _readers(joined, nodes),
        order,
        analyzer.users_of,
    )


def _readers(
    joined: Sequence[JoinedCell], nodes: Mapping[Label, Node]
) -> dict[Artifact, tuple[Label, ...]]:
    """Who reads each artifact: by name, and of cells that are built through definitions, too."""
    found: dict[Artifact, dict[Label, None]] = {}
    for cell in joined:
        sources = (s for s in cell.sources.values() if isinstance(s, ValueSource))
        read = [a for source in sources for a in source.candidates]
        if cell.label in nodes:
            action = first_action(nodes[cell.label])
            read += [a for wanted in action.inputs.values() for a in wanted.artifacts]
        for artifact in read:
            found.setdefault(artifact, {})[cell.label] = None
    return {artifact: tuple(readers) for artifact, readers in found.items()}


class _Analyzer:
    """Gives each cell its context and lets its rule write the node."""

    def __init__(self, joined: Sequence[JoinedCell], facts: Facts) -> None:
        self.cells = {cell.label: cell for cell in joined}
        self.facts = facts
        self._definitions = ReachedDefinitions(joined)
        self._modules = ReachedModules(
            joined, self._definitions, facts.imported_by, facts.names_imported_by
        )
        self.users_of = StateUsers(joined, self._definitions, self._modules).of

    def node(self, label: Label) -> Node | None:
        """The node of one cell; None for a cell that builds nothing. Raises `ConfigError`."""
        joined = self.cells[label]
        if joined.problem is not None:
            raise joined.problem
        assert joined.rule is not None
        return joined.rule.analyze(self.context(joined))

    def broken_definers(self, label: Label) -> tuple[Label, ...]:
        """Broken cells whose definitions the cell can reach, where these lack a name."""
        return self._definitions.lacking(label)

    def context(self, joined: JoinedCell) -> CellContext:
        cell = joined.cell
        assert joined.rule is not None
        variables, secrets = self._variables(joined)
        return CellContext(
            cell=cell,
            scan=joined.scan,
            version=joined.rule.VERSION,
            sources=joined.sources,
            optional=joined.optional,
            outputs=joined.outputs,
            closure=self._definitions.closure(joined.label),
            environment=self.facts.environments[cell.label.package],
            variables=variables,
            secrets=secrets,
            files=self._modules.files(cell.label),
            imports=self._modules.imports(cell.label),
            after=joined.after,
            worker=self.facts.worker or cell.directives.worker or "local",
            resources=_resources(cell.directives.resources),
        )

    def _variables(self, joined: JoinedCell) -> tuple[dict[str, str], tuple[str, ...]]:
        declared = joined.cell.directives.variables
        values: dict[str, str] = {}
        for name, value in declared.items():
            found = self.facts.environ.get(name) if value is None else value
            if found is not None:
                values[name] = found
        return values, tuple(sorted(n for n in declared if secret_like(n)))


def _resources(said: Mapping[str, float]) -> Resources:
    """What `@resources` says, and what is meant where it says nothing."""
    if not said:
        return USUAL
    return Resources(
        cpu=said.get("cpu", USUAL.cpu),
        memory_bytes=int(said.get("mem", USUAL.memory_bytes)),
        gpus=int(said.get("gpu", USUAL.gpus)),
    )


def _cycles(needs: Mapping[Label, Sequence[Label]]) -> list[tuple[Label, ...]]:
    return [
        group
        for group in strongly_connected(needs)
        if len(group) > 1 or group[0] in needs[group[0]]
    ]


def _cycle_error(
    group: tuple[Label, ...], nodes: Mapping[Label, Node], analyzer: _Analyzer
) -> GraphError:
    """One cycle through the group, spelled from reader to producer with the variable between."""
    path = _walk(group, {label: dependencies(first_action(nodes[label])) for label in group})
    steps = [str(path[0])]
    for reader, producer in itertools.pairwise(path):
        steps.append(f"-({_between(nodes[reader], producer)})-> {producer}")
    first = analyzer.cells[path[0]].cell
    return GraphError(
        f"cells need each other: {' '.join(steps)}",
        path=first.path,
        hint="move what both need into a cell of its own, or rename one of the variables",
    )


def _walk(group: tuple[Label, ...], needs: Mapping[Label, Sequence[Label]]) -> list[Label]:
    """A shortest cycle through the first member of the group."""
    start = min(group)
    members = set(group)
    came_from: dict[Label, Label] = {}
    frontier = [start]
    while frontier:
        following: list[Label] = []
        for label in frontier:
            for target in needs[label]:
                if target == start:
                    path = [start]
                    while label != start:
                        path.insert(1, label)
                        label = came_from[label]
                    return [*path, start]
                if target in members and target not in came_from:
                    came_from[target] = label
                    following.append(target)
        frontier = following
    raise AssertionError("a component has a cycle through each of its members")


def _between(reader: Node, producer: Label) -> str:
    action = first_action(reader)
    names = {a.name for i in action.inputs.values() for a in i.artifacts if a.producer == producer}
    return ", ".join(sorted(names)) if names else "@after"
