"""A picture as one HTML page that needs nothing beside itself and may load nothing.

Its policy allows the style sheets of the page and of the picture and the one script, each by its
hash: whatever a label or a message holds, no browser runs it.
"""

from __future__ import annotations

import base64
import hashlib
from importlib import resources

from strata.query.picture.colours import CLASSES, WORDS, style, variables
from strata.query.picture.model import Picture
from strata.query.picture.svg import GENERATOR, badge, svg_of
from strata.query.picture.text import marked_up, one_line

_TOOLS = """<div id="tools" hidden>
<span id="said" role="status"></span>
<input id="find" type="search" placeholder="Find… ( / )" aria-label="Find cells">
<button id="farther" type="button" aria-label="Zoom out" title="Zoom out ( - )">−</button>
<button id="closer" type="button" aria-label="Zoom in" title="Zoom in ( + )">+</button>
<button id="fit" type="button" title="Show all of it ( 0 )">Fit</button>
</div>"""


def html_of(picture: Picture) -> str:
    """The page. With scripts off it is the whole picture, to scroll in."""
    css, script = variables() + _file("page.css"), _file("page.js")
    title = marked_up(one_line(picture.title))
    note = f'<p class="note">{marked_up(picture.note)}</p>' if picture.note else ""
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy([css, style()], script)}">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="{GENERATOR}">
<title>{title} · strata graph</title>
<style>{css}</style>
<header>
<h1>{title}</h1>
<ul aria-label="What the signs mean">{_legend(picture)}</ul>
{_TOOLS}
{note}
</header>
<main aria-label="The graph" tabindex="-1">
{svg_of(picture, alone=False)}</main>
<div id="tip" role="tooltip" hidden></div>
<script>{script}</script>
</html>
"""


def _legend(picture: Picture) -> str:
    return "".join(
        f'<li><svg class="{CLASSES[state]}" viewBox="-9.5 -9.5 19 19" aria-hidden="true">'
        f"{badge(state)}</svg>{WORDS[state]} ({number})</li>"
        for state, number in picture.counts.items()
    )


def _policy(styles: list[str], script: str) -> str:
    allowed = " ".join(map(_source, styles))
    return (
        f"default-src 'none'; style-src {allowed}; script-src {_source(script)};"
        " base-uri 'none'; form-action 'none'"
    )


def _source(text: str) -> str:
    """How a policy names a text: <https://www.w3.org/TR/CSP3/#match-element-to-source-list>."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _file(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
