"""One graph drawn in layers: the steps put together, and y coordinates.

A drawing is made in two halves, because frames are sized between them: first which box is in which
layer and in which order, for which no size counts, then where everything is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from strata.core.dataclass import dataclass
from strata.query.layout.coordinates import horizontal
from strata.query.layout.crossings import ordered
from strata.query.layout.layers import layers_of
from strata.query.layout.stations import Fixed, Link, Pieces, pieces
from strata.query.layout.values import Point, Route, Size

STATION_WIDTH = 2.0
NARROW = 10
STATIONS_PER_NODE = 5
STATIONS_AT_LEAST = 2000


@dataclass(frozen=True, slots=True)
class Order:
    """What is above what, and what is left of what."""

    links: Sequence[Link]
    parts: Pieces
    layers: Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class Drawing:
    """Where the nodes are (upper left corners) and where the links run, from 0, 0 on."""

    corners: Sequence[Point]
    routes: Sequence[Route]
    size: Size


def links_between(pairs: Sequence[tuple[int, int]]) -> list[Link]:
    """Links that are fixed in the middle of both ends."""
    return [Link(upper, lower, upper, lower) for upper, lower in pairs]


def order(
    count: int,
    links: Sequence[Link],
    first: Sequence[int] = (),
    last: Sequence[int] = (),
    narrow: int = NARROW,
) -> Order:
    """Layers and their order. `links` have no cycle; the order of `first` is kept. So many nodes as
    `narrow` says may be in a layer however few there are."""
    widest = max(narrow, math.ceil(1.1 * math.sqrt(count)))
    edges = list(dict.fromkeys((link.upper, link.lower) for link in links))
    layer = layers_of(count, edges, widest, first, last)
    parts = pieces(layer, links, max(STATIONS_AT_LEAST, STATIONS_PER_NODE * count))
    if first:
        parts.layers[0][:] = first
    return Order(links, parts, ordered(parts, keep_first=bool(first)))


def draw(found: Order, sizes: Sequence[Size], fixed_at: Sequence[tuple[float, float]]) -> Drawing:
    """Where everything is. `fixed_at` tells, for each link, how far right of the middle of its
    upper and its lower end it is fixed."""
    parts = found.parts
    stations = len(parts.above) - parts.count
    widths = [size.width for size in sizes] + [STATION_WIDTH] * stations
    heights = [size.height for size in sizes]
    middles = horizontal(parts, found.layers, widths, _fixed_pieces(found, fixed_at))
    tops, bottoms = _bands(found, heights, middles)
    top_of, bottom_of = [0.0] * len(middles), [0.0] * len(middles)
    corners = [Point(0.0, 0.0)] * parts.count
    for layer, top, bottom in zip(found.layers, tops, bottoms, strict=True):
        for node in layer:
            top_of[node], bottom_of[node] = top, bottom
            if node < parts.count:
                down = (bottom - top - heights[node]) / 2
                corners[node] = Point(middles[node] - widths[node] / 2, top + down)
    routes = [
        _route(found, place, at, corners, sizes, middles, (top_of, bottom_of))
        for place, at in enumerate(fixed_at)
    ]
    width = max((corners[n].x + sizes[n].width for n in range(parts.count)), default=0.0)
    width = max([width, *middles[parts.count :]])
    return Drawing(corners, routes, Size(width, bottoms[-1] if bottoms else 0.0))


def _fixed_pieces(found: Order, fixed_at: Sequence[tuple[float, float]]) -> Fixed:
    """For each piece that ends at a node, where it is fixed; of several links, the first's."""
    fixed: dict[tuple[int, int], tuple[float, float]] = {}
    for chain, (upper, lower) in zip(found.parts.chains, fixed_at, strict=True):
        if chain is None or not (upper or lower):
            continue
        for pair in pairwise(chain):
            at = (upper if pair[0] == chain[0] else 0.0, lower if pair[1] == chain[-1] else 0.0)
            fixed.setdefault(pair, at)
    return fixed


def _bands(
    found: Order, heights: Sequence[float], middles: Sequence[float]
) -> tuple[list[float], list[float]]:
    """The top and the bottom of each layer; the further lines go sideways, the more room."""
    count = found.parts.count
    tall = [max((heights[n] for n in row if n < count), default=0.0) for row in found.layers]
    tops, bottoms = [], []
    y = 0.0
    for number, (layer, height) in enumerate(zip(found.layers, tall, strict=True)):
        tops.append(y)
        y += height
        bottoms.append(y)
        pieces_of = ((n, b) for n in layer for b in found.parts.below[n])
        sideways = max((abs(middles[n] - middles[b]) for n, b in pieces_of), default=0.0)
        # A layer without height is one of gates: no box is there that needs room.
        near = not height or (number + 1 < len(tall) and not tall[number + 1])
        y += min(110.0, (18.0 if near else 40.0) + 0.05 * sideways)
    return tops, bottoms


def _route(
    found: Order,
    place: int,
    fixed_at: tuple[float, float],
    corners: Sequence[Point],
    sizes: Sequence[Size],
    middles: Sequence[float],
    bands: tuple[Sequence[float], Sequence[float]],
) -> Route:
    link, chain = found.links[place], found.parts.chains[place]
    start = middles[link.upper] + fixed_at[0]
    end = middles[link.lower] + fixed_at[1]
    out = Point(start, corners[link.upper].y + sizes[link.upper].height)
    into = Point(end, corners[link.lower].y)
    if chain is None:
        return out, into
    top_of, bottom_of = bands
    points = [out, Point(start, bottom_of[link.upper])]
    for station in chain[1:-1]:
        points += [Point(middles[station], y) for y in (top_of[station], bottom_of[station])]
    return tuple(dict.fromkeys([*points, Point(end, top_of[link.lower]), into]))
