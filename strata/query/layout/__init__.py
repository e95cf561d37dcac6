"""Where the boxes and lines of a picture go: a layered drawing, top to bottom. Pure.

The method is that of Sugiyama, Tagawa and Toda ("Methods for Visual Understanding of Hierarchical
System Structures", 1981), one module a step: cycles are broken and nodes get layers (`layers`),
long edges get stations in the layers they pass (`stations`), each layer is ordered so that few
edges cross (`crossings`), and nodes get x coordinates (`coordinates`). `layered` puts the steps
together for one graph, `frames` draws groups as frames that do not overlap. Nothing here knows
what a cell is. The same input gives the same drawing, and no step recurses.
"""

from strata.query.layout.frames import layout
from strata.query.layout.values import Layout, Place, Point, Size

__all__ = ["Layout", "Place", "Point", "Size", "layout"]
