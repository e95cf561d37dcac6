"""`kind(regex, x)`: what of x is of a kind that has a match: `python`, `markdown`, `file`, …"""

from __future__ import annotations

import re

from strata.query.arguments import Argument
from strata.query.graph import QueryGraph
from strata.query.nodes import Nodes

ARGUMENTS = (Argument.REGEX, Argument.NODES)
OPTIONAL = 0


def call(graph: QueryGraph, wanted: re.Pattern[str], start: Nodes) -> Nodes:
    """Kinds as `--output=label_kind` prints them."""
    return frozenset(node for node in start if wanted.search(graph.kind(node)))
