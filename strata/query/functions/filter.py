"""`filter(regex, x)`: what of x has a match in its label, `//train:model`."""

from __future__ import annotations

import re

from strata.query.arguments import Argument
from strata.query.graph import QueryGraph
from strata.query.nodes import Nodes

ARGUMENTS = (Argument.REGEX, Argument.NODES)
OPTIONAL = 0


def call(graph: QueryGraph, wanted: re.Pattern[str], start: Nodes) -> Nodes:
    """Of a file its path counts, of a distribution `name==version`."""
    return frozenset(node for node in start if wanted.search(str(node)))
