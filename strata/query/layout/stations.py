"""Long edges cut into pieces that each lead from one layer to the next, at stations.

Edges that leave at one place, or that reach one place, share their stations: a value that fifty
cells read goes down as one trunk with fifty branches. That is easier to follow than fifty lines,
and it bounds the stations by nodes times layers, not by edges times layers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from strata.core.dataclass import dataclass


class Link(NamedTuple):
    """An edge that leads down, and where its ends are fixed: only equal ends share a trunk."""

    upper: int
    lower: int
    tail: Hashable
    head: Hashable


@dataclass(frozen=True, slots=True)
class Pieces:
    """Nodes and stations in layers. Numbers from `count` on are stations."""

    count: int
    layers: list[list[int]]
    above: list[list[int]]
    below: list[list[int]]
    chains: list[tuple[int, ...] | None]
    """For each link what it passes, its ends included; None for one drawn straight across."""


Fixed: TypeAlias = Mapping[tuple[int, int], tuple[float, float]]
"""For a piece: how far right of the middle of its upper and its lower end it is fixed."""


def pieces(layer: Sequence[int], links: Sequence[Link], most: int) -> Pieces:
    """The links in pieces, with at most `most` stations: the longest links get none.

    Links that span half of a deep graph would need more stations than there are nodes by far, and
    nobody can follow them anyway.
    """
    count = len(layer)
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    layers: list[list[int]] = [[] for _ in range(max(layer, default=-1) + 1)]
    for node, number in enumerate(layer):
        layers[number].append(node)
    chains: list[tuple[int, ...] | None] = [None] * len(links)
    station_at: dict[tuple[bool, Hashable, int], int] = {}
    stations_of: Counter[tuple[bool, Hashable]] = Counter()
    joined: set[tuple[int, int]] = set()
    spans = [layer[link.lower] - layer[link.upper] for link in links]
    leaving = Counter(link.tail for link, span in zip(links, spans, strict=True) if span > 1)
    reaching = Counter(link.head for link, span in zip(links, spans, strict=True) if span > 1)
    for place in sorted(range(len(links)), key=spans.__getitem__):
        link = links[place]
        by_tail = leaving[link.tail] >= reaching[link.head]
        end = link.tail if by_tail else link.head
        if spans[place] - 1 - stations_of[by_tail, end] > most - (len(above) - count):
            continue  # told without a look at each layer that it passes
        keys = [(by_tail, end, n) for n in range(layer[link.upper] + 1, layer[link.lower])]
        if len(above) - count + sum(key not in station_at for key in keys) > most:
            continue
        for key in keys:
            if key not in station_at:
                station_at[key] = len(above)
                stations_of[by_tail, end] += 1
                layers[key[2]].append(len(above))
                above.append([])
                below.append([])
        chain = (link.upper, *(station_at[key] for key in keys), link.lower)
        chains[place] = chain
        for pair in pairwise(chain):
            if pair not in joined:
                joined.add(pair)
                below[pair[0]].append(pair[1])
                above[pair[1]].append(pair[0])
    return Pieces(count, layers, above, below, chains)
