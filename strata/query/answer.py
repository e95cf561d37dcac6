"""The answer to a question, as outputs get it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from strata.core.dataclass import dataclass
from strata.core.label import Label
from strata.query.graph import QueryGraph
from strata.query.nodes import Distribution, File, Node, Variable

Edges: TypeAlias = Mapping[Node, Mapping[Node, bool]]
"""By node, what it needs; True where nothing is read, and it only comes after it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The nodes that an expression answers, in the order in which they are to be printed."""

    graph: QueryGraph
    nodes: tuple[Node, ...]
    missing: tuple[str, ...] = ()
    """The patterns that meant nothing, where that is no error."""
    factored: bool = False
    """Nodes of a picture that have the same neighbours are one."""
    plain: bool = False
    """Where it is shown there are no characters but those of ASCII."""

    def edges(self) -> Edges:
        """The edges between nodes of the answer, for each node of it in their order. An edge
        through a variable that the answer does not have leads to the variable's cell."""
        chosen = frozenset(self.nodes)
        has_files = any(isinstance(node, File) for node in chosen)
        has_distributions = any(isinstance(node, Distribution) for node in chosen)
        found: dict[Node, dict[Node, bool]] = {}
        for node in self.nodes:
            near: dict[Node, bool] = {}
            if isinstance(node, Label):
                near = self._read(node, chosen)
                inputs = self.graph.inputs
                if has_files:
                    files = (File(path) for path in sorted(inputs.files(node)))
                    near |= {file: False for file in files if file in chosen}
                if has_distributions:
                    near |= {d: False for d in sorted(inputs.distributions(node)) if d in chosen}
            elif isinstance(node, Variable) and node.cell in chosen:
                near = {node.cell: False}
            found[node] = near
        return found

    def _read(self, label: Label, chosen: frozenset[Node]) -> dict[Node, bool]:
        """The cells and variables of the answer that a cell needs, nearest edge first."""
        near: dict[Node, bool] = {}
        for edge in self.graph.cells.cells[label].edges:
            if not edge.names and self.graph.implicit:
                near.setdefault(edge.producer, True)
            for name in edge.names:
                variable = Variable(edge.producer, name)
                near[variable if variable in chosen else edge.producer] = False
        return {node: is_order for node, is_order in near.items() if node in chosen}


def readers_of(edges: Edges) -> dict[Node, list[Node]]:
    """The same edges from the other end."""
    found: dict[Node, list[Node]] = {node: [] for node in edges}
    for reader, near in edges.items():
        for node in near:
            found[node].append(reader)
    return found
