"""The graph of cells as one picture that needs nothing beside itself: SVG, or HTML around it.

What is drawn comes in as `Picture`; where it is drawn, `strata.query.layout` says.
"""

from strata.query.picture.model import Picture, PictureEdge, PictureNode
from strata.query.picture.page import html_of
from strata.query.picture.svg import GENERATOR, svg_of

__all__ = ["GENERATOR", "Picture", "PictureEdge", "PictureNode", "html_of", "svg_of"]
