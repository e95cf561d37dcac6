"""Images of two results side by side: one HTML page that needs nothing beside itself."""

from __future__ import annotations

import base64
import html
import re
import struct
import tempfile
from collections.abc import Mapping
from pathlib import Path

from strata.cli.comparing import TwoResults
from strata.cli.differences import Differences, DisplayDifference, old_bytes
from strata.console.format import size
from strata.core.digest import Digest

_STYLE = """
body { font: 14px system-ui, sans-serif; margin: 2em; color: #222; background: #fff }
table { border-collapse: collapse; width: 100% }
th, td { width: 50%; padding: .5em; text-align: left; vertical-align: top; border: 1px solid #ccc }
img { max-width: 100%; background: #fff } code { color: #666 }
"""


def write_page(two: TwoResults, found: Differences) -> Path | None:
    """The page with every image that differs; None where none does."""
    shown = [display for display in found.displays if display.images]
    if not shown:
        return None
    title = html.escape(str(two.record.label))
    sections = "".join(_section(two, display, mime) for display in shown for mime in display.images)
    page = (
        f'<!doctype html><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"<h1>{title}</h1>{sections}"
    )
    path = Path(tempfile.mkdtemp(prefix="strata-diff-")) / f"{two.record.label.name}.html"
    path.write_text(page, encoding="utf-8")
    return path


def _section(two: TwoResults, display: DisplayDifference, mime: str) -> str:
    heads = [
        html.escape(f"{word}: {side.revision or side.when}")
        for word, side in (("old", two.old), ("new", two.new))
    ]
    cells = [_image(two, bundle, mime) for bundle in (display.old, display.new)]
    return (
        f"<h2>display {display.position + 1}, {mime}</h2><table>"
        f"<tr><th>{heads[0]}<th>{heads[1]}<tr><td>{cells[0]}<td>{cells[1]}</table>"
    )


def _image(two: TwoResults, bundle: Mapping[str, Digest], mime: str) -> str:
    """An image and what is known of it. As a `data:` source no script in it runs."""
    if mime not in bundle:
        return "none"
    data = old_bytes(two.record, bundle[mime])
    if data is None:
        return "not in the cache any more"
    source = f"data:{mime};base64,{base64.b64encode(data).decode()}"
    said = f"{describe_image(mime, data)}, {bundle[mime].hex[:12]}"
    return f'<img src="{source}" alt=""><br><code>{html.escape(said)}</code>'


def describe_image(mime: str, data: bytes) -> str:
    """`640 × 480, 12.1 KiB`; the size in pixels only where the format tells it simply."""
    pixels = _pixels(mime, data)
    return size(len(data)) if pixels is None else f"{pixels}, {size(len(data))}"


def _pixels(mime: str, data: bytes) -> str | None:
    if mime == "image/png" and data[12:16] == b"IHDR" and len(data) >= 24:  # PNG, section 11.2.2
        width, height = struct.unpack(">II", data[16:24])
        return f"{width} × {height}"
    if mime == "image/svg+xml":
        tag = re.search(rb"<svg\b[^>]*>", data)
        found = tag and [
            re.search(rb'\b%s="([\d.]+\w*)"' % n, tag[0]) for n in (b"width", b"height")
        ]
        if found and found[0] and found[1]:
            return f"{found[0][1].decode()} × {found[1][1].decode()}"
    return None
