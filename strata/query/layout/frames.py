"""A graph whose nodes are in groups: each group is drawn in a frame, and no two frames overlap.

Groups are the boxes of a graph of their own, which is layered first. Then each is drawn for itself,
those above before those below, with a gate at its upper or lower side for whatever goes to other
groups. The gates at the top are in the order in which lines come from above.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from strata.core.dataclass import dataclass, field
from strata.query.layout.layered import Drawing, Order, draw, links_between, order
from strata.query.layout.layers import leading_back
from strata.query.layout.packing import components, shelves
from strata.query.layout.stations import Link
from strata.query.layout.values import Layout, Place, Point, Route, Size

HEADING = 38.0
"""The room at the top of a frame."""
INSIDE = 18.0
"""Between a frame and what is in it."""
BETWEEN = 26.0
"""Between parts that no edge joins."""
BETWEEN_FRAMES = 44.0
FRAMES_ABREAST = 4
GATE = Size(2.0, 0.0)

Node = TypeVar("Node", bound=Hashable)
Group = TypeVar("Group", bound=Hashable)


class _Wire(NamedTuple):
    """An edge between two groups, from the upper one to the lower one."""

    upper: int
    lower: int
    leaves: int
    """The node in the upper group."""
    enters: int


@dataclass(slots=True)
class _Frame:
    """One group: its nodes, the edges among them, and the nodes of others that lead to it."""

    nodes: list[int]
    edges: list[tuple[int, int]] = field(default_factory=list)
    from_above: dict[int, list[int]] = field(default_factory=dict)
    """Node of an upper group: those in here that it is joined with."""
    to_below: dict[int, None] = field(default_factory=dict)
    """Nodes in here that are joined with lower groups."""
    size: Size = Size(0.0, 0.0)
    corners: dict[int, Point] = field(default_factory=dict)
    routes: dict[tuple[int, int], Route] = field(default_factory=dict)
    into: dict[tuple[int, int], Route] = field(default_factory=dict)
    """From the gate of a node of another group to a node in here."""
    out: dict[int, Route] = field(default_factory=dict)
    """From a node to its gate."""


def layout(
    sizes: Mapping[Node, Size],
    edges: Iterable[tuple[Node, Node]],
    group_of: Mapping[Node, Group] | None = None,
) -> Layout[Node, Group]:
    """Places for boxes of these sizes, and routes for edges, which lead from top to bottom.

    Where edges form a cycle, some lead up. An edge from a node to itself has no route, and several
    between the same two have one. Either every node has a group or none; groups come in the order
    of their first nodes.
    """
    nodes = list(sizes)
    number = {node: place for place, node in enumerate(nodes)}
    pairs = list(dict.fromkeys((number[a], number[b]) for a, b in edges if a != b))
    box = [sizes[node] for node in nodes]
    if not group_of:
        corners, routes, size = _parts(list(range(len(nodes))), pairs, box, BETWEEN)
        frames: dict[Group, Place] = {}
    else:
        groups = list(dict.fromkeys(group_of[node] for node in nodes))
        place_of = {group: place for place, group in enumerate(groups)}
        member = [place_of[group_of[node]] for node in nodes]
        corners, routes, places, size = _framed(pairs, box, member, len(groups))
        frames = dict(zip(groups, places, strict=True))
    return Layout(
        {node: Place(*corners[n], *box[n]) for n, node in enumerate(nodes)},
        frames,
        {(nodes[a], nodes[b]): routes[a, b] for a, b in pairs},
        size.width,
        size.height,
    )


def _parts(
    nodes: Sequence[int], edges: Sequence[tuple[int, int]], box: Sequence[Size], gap: float
) -> tuple[dict[int, Point], dict[tuple[int, int], Route], Size]:
    """Nodes without frames: parts that no edge joins are put in rows."""
    here = {node: place for place, node in enumerate(nodes)}
    inner = [(here[a], here[b]) for a, b in edges]
    drawings = []
    parts = components(len(nodes), inner)
    part_of = {node: place for place, part in enumerate(parts) for node in part}
    edges_of: list[list[tuple[int, int]]] = [[] for _ in parts]
    for pair in inner:
        edges_of[part_of[pair[0]]].append(pair)
    for part, own in zip(parts, edges_of, strict=True):
        place = {node: i for i, node in enumerate(part)}
        turned, links = _downwards(len(part), [(place[a], place[b]) for a, b in own])
        sizes = [box[nodes[node]] for node in part]
        drawing = draw(order(len(part), links), sizes, [(0.0, 0.0)] * len(links))
        drawings.append(_turned(drawing, turned))
    offsets, size = shelves([drawing.size for drawing in drawings], gap)
    corners: dict[int, Point] = {}
    routes: dict[tuple[int, int], Route] = {}
    for part, own, drawing, by in zip(parts, edges_of, drawings, offsets, strict=True):
        for node, corner in zip(part, drawing.corners, strict=True):
            corners[nodes[node]] = Point(corner.x + by.x, corner.y + by.y)
        for (a, b), route in zip(own, drawing.routes, strict=True):
            routes[nodes[a], nodes[b]] = _moved(route, by)
    return corners, routes, size


def _downwards(count: int, edges: Sequence[tuple[int, int]]) -> tuple[set[int], list[Link]]:
    """Links for edges, of which those that would close a cycle are turned round."""
    back = leading_back(count, edges)
    return back, links_between([(b, a) if n in back else (a, b) for n, (a, b) in enumerate(edges)])


def _turned(drawing: Drawing, back: set[int]) -> Drawing:
    routes = [r[::-1] if place in back else r for place, r in enumerate(drawing.routes)]
    return Drawing(drawing.corners, routes, drawing.size)


def _moved(route: Route, by: Point) -> Route:
    return tuple(Point(x + by.x, y + by.y) for x, y in route)


def _framed(
    pairs: Sequence[tuple[int, int]], box: Sequence[Size], member: Sequence[int], count: int
) -> tuple[dict[int, Point], dict[tuple[int, int], Route], list[Place], Size]:
    """Nodes in frames: parts that no edge between frames joins are put in rows."""
    frames = [_Frame([]) for _ in range(count)]
    for node, group in enumerate(member):
        frames[group].nodes.append(node)
    for a, b in pairs:
        if member[a] == member[b]:
            frames[member[a]].edges.append((a, b))
    crossing = [pair for pair in pairs if member[pair[0]] != member[pair[1]]]
    wires, turned = _wires(crossing, member)
    for wire in dict.fromkeys(wires):
        frames[wire.upper].to_below[wire.leaves] = None
        frames[wire.lower].from_above.setdefault(wire.leaves, []).append(wire.enters)
    parts = components(count, [(wire.upper, wire.lower) for wire in wires])
    drawn = [
        _draw_frames(part, own, frames, box)
        for part, own in zip(parts, _by_part(wires, parts), strict=True)
    ]
    offsets, size = shelves([drawing.size for drawing, _ in drawn], BETWEEN_FRAMES)
    places: list[Place] = [Place(0, 0, 0, 0)] * count
    between: dict[tuple[int, int], Route] = {}
    for part, (drawing, cables), by in zip(parts, drawn, offsets, strict=True):
        for group, corner in zip(part, drawing.corners, strict=True):
            places[group] = Place(corner.x + by.x, corner.y + by.y, *frames[group].size)
        for cable, route in zip(cables, drawing.routes, strict=True):
            between[cable] = _moved(route, by)
    corners, routes = _insides(frames, places)
    for pair, wire in zip(crossing, wires, strict=True):
        whole = _joined(wire, frames, places, between[wire.leaves, wire.lower])
        routes[pair] = whole[::-1] if pair in turned else whole
    return corners, routes, places, size


def _insides(
    frames: Sequence[_Frame], places: Sequence[Place]
) -> tuple[dict[int, Point], dict[tuple[int, int], Route]]:
    """What is in the frames, where these are."""
    corners: dict[int, Point] = {}
    routes: dict[tuple[int, int], Route] = {}
    for frame, place in zip(frames, places, strict=True):
        by = Point(place.x, place.y)
        for node, corner in frame.corners.items():
            corners[node] = Point(corner.x + by.x, corner.y + by.y)
        for pair, route in frame.routes.items():
            routes[pair] = _moved(route, by)
    return corners, routes


def _joined(
    wire: _Wire, frames: Sequence[_Frame], places: Sequence[Place], between: Route
) -> Route:
    """The whole way: to the gate of the upper frame, between the frames, from the lower one's."""
    upper, lower = places[wire.upper], places[wire.lower]
    out = _moved(frames[wire.upper].out[wire.leaves], Point(upper.x, upper.y))
    into = _moved(frames[wire.lower].into[wire.leaves, wire.enters], Point(lower.x, lower.y))
    return tuple(dict.fromkeys([*out, *between, *into]))


def _wires(
    crossing: Sequence[tuple[int, int]], member: Sequence[int]
) -> tuple[list[_Wire], set[tuple[int, int]]]:
    """A wire for each edge between groups, and those edges that lead up."""
    between = list(dict.fromkeys((member[a], member[b]) for a, b in crossing))
    back = {between[place] for place in leading_back(max(member, default=-1) + 1, between)}
    turned = {pair for pair in crossing if (member[pair[0]], member[pair[1]]) in back}
    down = [pair[::-1] if pair in turned else pair for pair in crossing]
    return [_Wire(member[a], member[b], a, b) for a, b in down], turned


def _by_part(wires: Sequence[_Wire], parts: Sequence[Sequence[int]]) -> list[list[_Wire]]:
    part_of = {group: place for place, part in enumerate(parts) for group in part}
    found: list[list[_Wire]] = [[] for _ in parts]
    for wire in wires:
        found[part_of[wire.upper]].append(wire)
    return found


def _draw_frames(
    part: Sequence[int], wires: Sequence[_Wire], frames: Sequence[_Frame], box: Sequence[Size]
) -> tuple[Drawing, list[tuple[int, int]]]:
    """Draws the groups of one part and puts them in layers. With the drawing come its cables: the
    node that each leaves and the group that it reaches."""
    place = {group: i for i, group in enumerate(part)}
    cables = {(wire.leaves, wire.lower): wire for wire in wires}
    links = [
        Link(place[wire.upper], place[wire.lower], wire.leaves, (wire.leaves, wire.lower))
        for wire in cables.values()
    ]
    found = order(len(part), links, narrow=FRAMES_ABREAST)
    rank: dict[int, tuple[int, float]] = {}
    for layer in found.layers:
        for across, spot in enumerate(layer):
            if spot < len(part):
                _draw_inside(frames[part[spot]], box, rank, across)
    sizes = [frames[group].size for group in part]
    fixed = [
        (
            frames[wire.upper].out[leaves][-1].x - frames[wire.upper].size.width / 2,
            _gate(frames[wire.lower], leaves).x - frames[wire.lower].size.width / 2,
        )
        for (leaves, _), wire in cables.items()
    ]
    return draw(found, sizes, fixed), list(cables)


def _gate(frame: _Frame, leaves: int) -> Point:
    """Where what comes from a node of an upper group enters."""
    return frame.into[leaves, frame.from_above[leaves][0]][0]


def _draw_inside(
    frame: _Frame, box: Sequence[Size], rank: dict[int, tuple[int, float]], across: int
) -> None:
    """Draws one group; `rank` says where the gates of those above are, and learns its own."""
    local = {node: place for place, node in enumerate(frame.nodes)}
    sources = sorted(frame.from_above, key=lambda node: (rank[node], node))
    gated = {local[n] for targets in frame.from_above.values() for n in targets}
    gated |= {local[n] for n in frame.to_below}
    inner = [(local[a], local[b]) for a, b in frame.edges]
    main = [p for p in components(len(local), inner) if gated.intersection(p)]
    joined = [frame.nodes[n] for n in sorted(n for part in main for n in part)]
    known = set(joined)
    loose = [node for node in frame.nodes if node not in known]
    size = Size(0.0, 0.0)
    if joined:
        size = _draw_gated(frame, joined, sources, box)
    if loose:
        size = _draw_loose(frame, loose, box, size)
    _add_room(frame, size)
    for node, route in frame.out.items():
        rank[node] = (across, route[-1].x)


def _draw_gated(
    frame: _Frame, nodes: Sequence[int], sources: Sequence[int], box: Sequence[Size]
) -> Size:
    """The cells that are joined with other groups, and the gates."""
    place = {node: i for i, node in enumerate(nodes)}
    top = {node: len(nodes) + i for i, node in enumerate(sources)}
    bottom = {node: len(nodes) + len(top) + i for i, node in enumerate(frame.to_below)}
    edges = [(a, b) for a, b in frame.edges if a in place]
    turned, links = _downwards(len(nodes), [(place[a], place[b]) for a, b in edges])
    into = [(source, node) for source in sources for node in frame.from_above[source]]
    links += links_between([(top[source], place[node]) for source, node in into])
    links += links_between([(place[node], gate) for node, gate in bottom.items()])
    sizes = [box[node] for node in nodes] + [GATE] * (len(top) + len(bottom))
    found: Order = order(len(sizes), links, list(top.values()), list(bottom.values()))
    drawing = _turned(draw(found, sizes, [(0.0, 0.0)] * len(links)), turned)
    frame.corners.update(zip(nodes, drawing.corners[: len(nodes)], strict=True))
    routes = iter(drawing.routes)
    frame.routes.update((pair, next(routes)) for pair in edges)
    frame.into.update((pair, next(routes)) for pair in into)
    frame.out.update((node, next(routes)) for node in bottom)
    return drawing.size


def _draw_loose(frame: _Frame, nodes: Sequence[int], box: Sequence[Size], beside: Size) -> Size:
    """The cells that nothing joins with other groups, right of those that something does."""
    known = set(nodes)
    edges = [(a, b) for a, b in frame.edges if a in known]
    corners, routes, size = _parts(nodes, edges, box, BETWEEN)
    by = Point(beside.width + BETWEEN if beside.width else 0.0, 0.0)
    frame.corners.update((node, Point(c.x + by.x, c.y + by.y)) for node, c in corners.items())
    frame.routes.update((pair, _moved(route, by)) for pair, route in routes.items())
    return Size(by.x + size.width, max(beside.height, size.height))


def _add_room(frame: _Frame, size: Size) -> None:
    """Moves all that is inside to where it is in the frame; gates go to the frame's edge."""
    by = Point(INSIDE, HEADING)
    below = HEADING + size.height + INSIDE
    frame.size = Size(size.width + 2 * INSIDE, below)
    frame.corners = {n: Point(c.x + by.x, c.y + by.y) for n, c in frame.corners.items()}
    frame.routes = {pair: _moved(route, by) for pair, route in frame.routes.items()}
    frame.into = {
        pair: (Point(route[0].x + by.x, 0.0), *_moved(route, by))
        for pair, route in frame.into.items()
    }
    frame.out = {
        node: (*_moved(route, by), Point(route[-1].x + by.x, below))
        for node, route in frame.out.items()
    }
