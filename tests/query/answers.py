"""Answers over graphs that are written as values, for tests of outputs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from strata.analysis.graph import CellGraph, Edge, GraphCell
from strata.core import extension
from strata.core.dataclass import dataclass, field
from strata.core.label import Label
from strata.query.answer import Answer
from strata.query.graph import QueryGraph
from strata.query.nodes import Distribution, Kind, Node
from strata.query.world import Recorded, Standing, State
from tests.factories import label

OUTPUTS_PACKAGE = "strata.query.outputs"


@dataclass
class World:
    """What is known beside the graph, as it was written down; `asked` has what was wanted of it."""

    input_files: Mapping[Label, Collection[str]] = field(default_factory=dict)
    locked: Collection[Distribution] = ()
    states: Mapping[Label, State] = field(default_factory=dict)
    seconds: Mapping[Label, float] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def files(self, label: Label) -> Collection[str]:
        self.asked.append("files")
        return self.input_files.get(label, ())

    def distributions(self, label: Label) -> Collection[Distribution]:
        self.asked.append("distributions")
        return self.locked

    def files_at(self, path: str) -> Collection[str]:
        return (path,)

    def versions(self, name: str) -> Collection[Distribution]:
        return [found for found in self.locked if found.name == name]

    def standing(self, labels: Collection[Label]) -> Mapping[Label, Standing]:
        self.asked.append("standing")
        return {one: Standing(self.states[one], "") for one in labels if one in self.states}

    def recorded(self, label: Label) -> Recorded | None:
        self.asked.append("recorded")
        found = self.seconds.get(label)
        return None if found is None else Recorded(found, 10)

    def changed(self, revision: str, labels: Collection[Label]) -> Collection[Label]:
        return ()


def cell(
    name: str | Label,
    reads: Mapping[str, str] | Mapping[Label, str] | None = None,
    after: Iterable[str] = (),
    **said: object,
) -> GraphCell:
    """A cell that reads variables of cells, by label and with spaces between, and comes after
    others; what else is `said` are fields of `GraphCell`."""
    own = _label(name)
    edges = [Edge(own, _label(other), tuple(n.split())) for other, n in (reads or {}).items()]
    edges += [Edge(own, label(other)) for other in after]
    path = f"{own.package}/cells/{own.name}.py"
    return GraphCell(own, "python", path, tuple(edges), **said)  # type: ignore[arg-type]


def _label(name: str | Label) -> Label:
    return label(name) if isinstance(name, str) else name


def graph_of(
    cells: Iterable[GraphCell],
    world: World | None = None,
    shown: Collection[Kind] = tuple(Kind),
    *,
    implicit: bool = True,
) -> QueryGraph:
    """The graph of these cells; all kinds are shown."""
    known = world or World()
    graph = CellGraph({one.label: one for one in cells})
    return QueryGraph(graph, known, known, known, shown, implicit)


def drawn(needs: Mapping[str, str]) -> QueryGraph:
    """A graph of cells with names of one letter, by the letters they need."""
    cells = [cell(name, dict.fromkeys(below, "x")) for name, below in needs.items()]
    return graph_of(cells, shown=(Kind.CELL,))


def everything(graph: QueryGraph, **fields: object) -> Answer:
    """The answer that has all nodes which can be reached from a cell."""
    nodes = graph.walk(graph.cells.cells, graph.needs)
    return Answer(graph, tuple(graph.in_order(nodes)), **fields)  # type: ignore[arg-type]


def lines(output: str, answer: Answer) -> list[str]:
    """What an output prints."""
    form = extension.load(OUTPUTS_PACKAGE, output)
    assert form is not None
    return list(form.write(answer))


def text(output: str, answer: Answer) -> str:
    """The same as one text, for comparing it with one."""
    return "\n".join(lines(output, answer))


def of(graph: QueryGraph, nodes: Iterable[Node]) -> Answer:
    """The answer of just these nodes, in definition order."""
    return Answer(graph, tuple(graph.in_order(frozenset(nodes))))


def mixed() -> Answer:
    """Two notebooks and every kind of node, with every kind of edge."""
    clean = label("//prep:clean")
    cells = [
        cell("//prep:load", defines=("raw",), lines={"raw": 3}),
        cell("//prep:clean", {"//prep:load": "raw"}, defines=("df",), lines={"df": 7}),
        cell(
            *("//train:model", {"//prep:clean": "df"}, ["//prep:load"]),
            tags=("gpu", "slow"),
            worker="gpu-box",
            broken="train/cells/model.py:4: no name 'x'",
            line=4,
            attributes={"timeout": "60", "input": ("data/*.csv",), "name": "The model"},
        ),
    ]
    world = World({clean: ["data/sales.csv"]}, [Distribution("pandas", "2.1.0")])
    return everything(graph_of(cells, world))


ODD = (
    *("end", "a b", 'say "hi"', "😀 é", "x]", "two\nlines", "1. list", "`code`", "%%c", "a;b"),
    *(
        "<b>&amp;</b>",
        "#quot;",
        "\\back\\",
        "{x}",
        "|",
        "$$x$$",
        "x-->y",
        "it's",
        "'''",
        "\t\x1b[1m",
    ),
    "\u202eright to left",
)
"""What somebody may call a cell."""


def odd() -> Answer:
    """Cells with odd names in a notebook with one, each reading the one before."""
    labels = [Label('my "dir"/é', name) for name in ODD]
    before = dict(zip(labels[1:], labels, strict=False))
    cells = [cell(n, {before[n]: "v"} if n in before else None, defines=("v",)) for n in labels]
    world = World({labels[0]: ['data/a "b"\n].csv']})
    return everything(graph_of(cells, world))
