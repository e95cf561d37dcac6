"""A picture as SVG 1.1: boxes with a sign and a word for their state, and the reason on hover.

Everything that comes from outside goes through `marked_up`. Hover texts are `<title>` elements,
which browsers show and screen readers read without any script.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise

from strata.core.dataclass import dataclass
from strata.query.layout import Layout, Place, Size, layout
from strata.query.layout.values import Route
from strata.query.picture.colours import CLASSES, WORDS, style
from strata.query.picture.model import Picture, PictureEdge, PictureNode
from strata.query.picture.text import marked_up, one_line, shortened, visible, width
from strata.query.world import State

NAMESPACE = "http://www.w3.org/2000/svg"
GENERATOR = "drawn by strata graph"
"""By this a picture is known as one that may be drawn again."""

MARGIN = 28.0
NAME_SIZE, ABOUT_SIZE, HEADING_SIZE = 13.0, 11.0, 15.0
HEIGHT = 52.0
BOLD = 1.16
"""How much wider text is."""
NARROWEST, WIDEST = 124.0, 250.0
WIDEST_NOTEBOOK = 360.0
TEXT_LEFT = 36.0
TEXT_RIGHT = 12.0
LEGEND_HEIGHT = 74.0

_SIGNS: Mapping[State | None, str] = {
    State.FRESH: "M-4 .5 -1.2 3.2 4-2.8",
    State.STALE: "M3.4-1.8A3.9 3.9 0 1 0 3.8 1.4M3.9-4.4V-1.6H1.1",
    State.FAILED: "M-3-3 3 3M3-3-3 3",
    State.NEVER: "M-3.6 0H-3.5M0 0H.1M3.5 0H3.6",
    None: "M-3.6-2H3.6M-3.6 2H1.6",
}
_KEY = "A dashed line only orders. Point at a box or a line for more."


@dataclass(frozen=True, slots=True)
class _Lines:
    """What stands in a box, as it is drawn."""

    name: str
    about: str
    width: float


def svg_of(picture: Picture, *, alone: bool = True) -> str:
    """The picture as one element. `alone`: with what a file needs, a title and a legend."""
    lines = {node.label: _lines(node) for node in picture.nodes}
    placed = layout(
        {label: Size(drawn.width, HEIGHT) for label, drawn in lines.items()},
        [(edge.producer, edge.reader) for edge in picture.edges],
        {n.label: n.group for n in picture.nodes if n.group is not None},
    )
    top = LEGEND_HEIGHT if alone else 0.0
    legend = list(_legend(picture)) if alone else []
    wide = max(placed.width, 560.0 if alone else 0.0) + 2 * MARGIN
    high = placed.height + top + 2 * MARGIN
    body = [
        f'<g transform="translate({_n(MARGIN)} {_n(MARGIN + top)})">',
        *_frames(placed),
        *_edges(picture, placed),
        *(_node(i, n, lines[n.label], placed.places[n.label]) for i, n in enumerate(picture.nodes)),
        *_headings(picture, placed),
        "</g>",
    ]
    return "\n".join(
        [
            f'<svg xmlns="{NAMESPACE}" viewBox="0 0 {_n(wide)} {_n(high)}" width="{_n(wide)}"'
            f' height="{_n(high)}" role="group" aria-label="{marked_up(picture.title)}">',
            f"<desc>{GENERATOR}</desc>",
            f"<style>{style()}</style>",
            '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8"'
            ' markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">'
            '<path d="M0 .8 7.5 4 0 7.2z"/></marker></defs>',
            f'<rect class="paper" width="{_n(wide)}" height="{_n(high)}"/>',
            *legend,
            *body,
            "</svg>\n",
        ]
    )


def badge(state: State | None) -> str:
    """The sign of a state on a disc, around 0, 0."""
    return f'<circle class="disc" r="8.5"/><g class="sign"><path d="{_SIGNS[state]}"/></g>'


def told(node: PictureNode) -> str:
    """All there is to say of a node, one thing a line; the first is its label."""
    said = [node.label, WORDS[node.state]]
    if node.counts:
        said[1] = _counted(node.counts)
    if node.problem:
        said.append(f"broken: {node.problem}")
    elif node.reason and node.reason != said[1]:
        said.append(node.reason)
    said.append(f"{node.kind}, {node.duration}" if node.duration else node.kind)
    said += [f"{what}: {value}" for what, value in node.details if value]
    return "\n".join(said)


def _counted(counts: Mapping[State | None, int]) -> str:
    return ", ".join(f"{number} {WORDS[state]}" for state, number in counts.items() if number)


def _lines(node: PictureNode) -> _Lines:
    room = (WIDEST_NOTEBOOK if node.counts else WIDEST) - TEXT_LEFT - TEXT_RIGHT
    name = shortened(one_line(visible(node.name)), NAME_SIZE * BOLD, room)
    word = "broken" if node.problem else WORDS[node.state]
    said = [word, node.kind, node.duration] if node.state or node.problem else [node.kind]
    about = _counted(node.counts) if node.counts else " · ".join(filter(None, said))
    about = shortened(one_line(visible(about)), ABOUT_SIZE, room)
    text = max(width(name, NAME_SIZE * BOLD), width(about, ABOUT_SIZE))
    return _Lines(name, about, max(NARROWEST, round(text + TEXT_LEFT + TEXT_RIGHT)))


def _node(number: int, node: PictureNode, lines: _Lines, place: Place) -> str:
    parts = "".join(_bar(node.counts, place.width)) if node.counts else ""
    return (
        f'<g class="node {CLASSES[node.state]}" id="n{number}"'
        f' transform="translate({_n(place.x)} {_n(place.y)})">'
        f"<title>{marked_up(told(node))}</title>"
        f'<rect class="box" width="{_n(place.width)}" height="{_n(place.height)}" rx="9"/>{parts}'
        f'<g transform="translate(19 20)">{badge(node.state)}</g>'
        f'<text class="name" x="{_n(TEXT_LEFT)}" y="24">{marked_up(lines.name)}</text>'
        f'<text class="about" x="{_n(TEXT_LEFT)}" y="41">{marked_up(lines.about)}</text></g>'
    )


def _bar(counts: Mapping[State | None, int], wide: float) -> Iterator[str]:
    """The shares of the states of a notebook, along the lower side of its box."""
    room = wide - TEXT_LEFT - TEXT_RIGHT
    x, total = TEXT_LEFT, sum(counts.values())
    for state, number in counts.items():
        share = room * number / total
        if number:
            yield (
                f'<rect class="part {CLASSES[state]}" x="{_n(x)}" y="45" width="{_n(share)}"'
                ' height="3"/>'
            )
        x += share


def _frames(placed: Layout[str, str]) -> Iterator[str]:
    for place in placed.frames.values():
        yield (
            f'<rect class="frame" x="{_n(place.x)}" y="{_n(place.y)}" width="{_n(place.width)}"'
            f' height="{_n(place.height)}" rx="12"/>'
        )


def _headings(picture: Picture, placed: Layout[str, str]) -> Iterator[str]:
    cells = Counter(node.group for node in picture.nodes)
    for group, place in placed.frames.items():
        number = cells[group]
        short = shortened(visible(group), HEADING_SIZE * BOLD, max(place.width - 36, 90))
        yield (
            f"<g><title>{marked_up(group)}\n{number} {'cell' if number == 1 else 'cells'}</title>"
            f'<text class="heading" x="{_n(place.x + 18)}" y="{_n(place.y + 24)}">'
            f"{marked_up(short)}</text></g>"
        )


def _edges(picture: Picture, placed: Layout[str, str]) -> Iterator[str]:
    number = {node.label: place for place, node in enumerate(picture.nodes)}
    for edge in _merged(picture.edges):
        route = placed.routes.get((edge.producer, edge.reader))
        if route is None:
            continue
        flows = ", ".join(edge.names) if edge.names else "order only: no value flows"
        path = _path(route)
        yield (
            f'<g class="edge{"" if edge.names else " order"}" data-from="n{number[edge.producer]}"'
            f' data-to="n{number[edge.reader]}">'
            f"<title>{marked_up(f'{edge.producer} → {edge.reader}')}\n{marked_up(flows)}</title>"
            f'<path class="hit" d="{path}"/><path class="line" d="{path}"/></g>'
        )


def _merged(edges: tuple[PictureEdge, ...]) -> Iterator[PictureEdge]:
    """One edge between two nodes, with the names of all."""
    names: dict[tuple[str, str], dict[str, None]] = {}
    for edge in edges:
        names.setdefault((edge.producer, edge.reader), {}).update(dict.fromkeys(edge.names))
    for (producer, reader), all_names in names.items():
        yield PictureEdge(producer, reader, tuple(all_names))


def _path(route: Route) -> str:
    said = [f"M{_n(route[0].x)} {_n(route[0].y)}"]
    for a, b in pairwise(route):
        if abs(a.x - b.x) + abs(a.y - b.y) < 0.05:
            continue  # an arrow head would take its direction from it
        if abs(a.x - b.x) < 0.05:
            said.append(f"V{_n(b.y)}")
        else:
            half = _n((a.y + b.y) / 2)
            said.append(f"C{_n(a.x)} {half} {_n(b.x)} {half} {_n(b.x)} {_n(b.y)}")
    return "".join(said)


def _legend(picture: Picture) -> Iterator[str]:
    yield f'<text class="title" x="{_n(MARGIN)}" y="36">{marked_up(one_line(picture.title))}</text>'
    x = MARGIN
    for state, number in picture.counts.items():
        words = f"{WORDS[state]} ({number})"
        yield (
            f'<g class="{CLASSES[state]}" transform="translate({_n(x + 9)} 60)">{badge(state)}'
            f'<text x="15" y="4.5">{words}</text></g>'
        )
        x += 38 + width(words, NAME_SIZE)
    key = f"{_KEY} {picture.note}".strip()
    yield f'<text class="about" x="{_n(MARGIN)}" y="86">{marked_up(key)}</text>'


def _n(number: float) -> str:
    """A length: a tenth of a pixel is enough."""
    return f"{number:.1f}".removesuffix(".0")
