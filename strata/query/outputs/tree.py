"""A tree of what the nodes need, each with how it stands and how long its last run took."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from strata.core.dataclass import dataclass, field
from strata.core.label import Label
from strata.core.units import duration
from strata.query.answer import Answer, Edges, readers_of
from strata.query.nodes import Node
from strata.query.order import components
from strata.query.world import Standing

DEEPEST = 40
"""Levels of one tree: what is deeper is drawn below, as a tree that begins at the left again."""


class _Signs(NamedTuple):
    """What a line has on its left for a node, the last node of several, and what is below these."""

    one: str
    last: str
    below_one: str
    below_last: str


_BOXES = _Signs("├─ ", "└─ ", "│  ", "   ")
_ASCII = _Signs("|- ", "`- ", "|  ", "   ")


def write(answer: Answer) -> Iterator[str]:
    """Only nodes of the answer, beginning with those that no other of them needs. What has been
    drawn is not drawn again (`above`), and a cycle is cut where it closes."""
    edges = answer.edges()
    labels = [node for node in answer.nodes if isinstance(node, Label)]
    standing = answer.graph.records.standing(labels) if labels else {}
    forest = _Forest(edges, _ASCII if answer.plain else _BOXES)
    for node, left, remark in forest.lines(_tops(answer.nodes, edges)):
        name = _visible(str(node)) + _last_run(answer, node)
        yield f"{_state(node, standing):<8} {left}{name}{remark}"


def _tops(nodes: Sequence[Node], edges: Edges) -> list[Node]:
    """Nodes from which all are reached: those that nobody needs, and the first of each cycle that
    nobody else needs. In the order of `nodes`."""
    readers = readers_of(edges)
    tops: set[Node] = set()
    place = {node: number for number, node in enumerate(nodes)}
    for members in components(nodes, edges.__getitem__, readers.__getitem__):
        inside = set(members)
        if all(reader in inside for node in members for reader in readers[node]):
            tops.add(min(members, key=place.__getitem__))
    return [node for node in nodes if node in tops]


@dataclass(slots=True)
class _Forest:
    """Trees of one graph, of which each edge is drawn once. `begun` has what is drawn with all that
    it needs, `way` those of them that lead to where the drawing is."""

    edges: Edges
    signs: _Signs
    begun: set[Node] = field(default_factory=set)
    way: set[Node] = field(default_factory=set)
    put_off: dict[Node, None] = field(default_factory=dict)

    def lines(self, tops: Iterable[Node]) -> Iterator[tuple[Node, str, str]]:
        """Each line as its node, what stands left of it, and what is remarked on it."""
        for top in tops:
            yield top, "", ""
            yield from self._below(top)
            while self.put_off:
                node = next(iter(self.put_off))
                del self.put_off[node]
                yield node, "", "  (from above)"
                yield from self._below(node)

    def _below(self, top: Node) -> Iterator[tuple[Node, str, str]]:
        signs = self.signs
        self.begun.add(top)
        self.way.add(top)
        levels = [(top, "", list(self.edges[top])[::-1])]
        while levels:
            parent, left, rest = levels[-1]
            if not rest:
                levels.pop()
                self.way.discard(parent)
                continue
            node = rest.pop()
            remark = self._remark(node, len(levels))
            yield node, left + (signs.one if rest else signs.last), remark
            if not remark and self.edges[node]:
                self.begun.add(node)
                self.way.add(node)
                further = left + (signs.below_one if rest else signs.below_last)
                levels.append((node, further, list(self.edges[node])[::-1]))

    def _remark(self, node: Node, level: int) -> str:
        """Why what `node` needs is not drawn where it stands; nothing if it is."""
        if node in self.way:
            return "  (cycle)"
        if node in self.begun:
            return "  (above)"
        if level == DEEPEST and self.edges[node]:
            self.put_off[node] = None
        return "  (below)" if node in self.put_off else ""


def _state(node: Node, standing: Mapping[Label, Standing]) -> str:
    found = standing.get(node) if isinstance(node, Label) else None
    return "" if found is None else found.state.value


def _last_run(answer: Answer, node: Node) -> str:
    recorded = answer.graph.records.recorded(node) if isinstance(node, Label) else None
    return "" if recorded is None else f"  {duration(recorded.duration_s)}"


def _visible(text: str) -> str:
    """Without characters that would end the line or move the cursor."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
