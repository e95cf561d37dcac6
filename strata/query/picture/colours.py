"""The colours of a picture, for light and for dark surroundings.

States differ in hue, in lightness and in their signs, so that nobody needs to tell colours apart;
`tests/query/test_picture.py` holds text against what it stands on (WCAG 2.2, AA).
"""

from __future__ import annotations

from collections.abc import Mapping

from strata.core.dataclass import dataclass
from strata.query.world import State

PROSE = "prose"
WORDS: Mapping[State | None, str] = {
    State.FRESH: "fresh",
    State.STALE: "stale",
    State.FAILED: "failed",
    State.NEVER: "never built",
    None: "builds nothing",
}
CLASSES: Mapping[State | None, str] = {**{state: state.value for state in State}, None: PROSE}


@dataclass(frozen=True, slots=True)
class Ink:
    """How boxes of one state look: their surface, and their border and sign."""

    fill: str
    line: str


@dataclass(frozen=True, slots=True)
class Palette:
    """All colours of one picture."""

    paper: str
    text: str
    faint: str
    frame: str
    frame_line: str
    edge: str
    focus: str
    on_sign: str
    inks: Mapping[State | None, Ink]


LIGHT = Palette(
    paper="#ffffff",
    text="#1b1f24",
    faint="#4d5560",
    frame="#f5f6f8",
    frame_line="#c9ced6",
    edge="#78818f",
    focus="#0550ae",
    on_sign="#ffffff",
    inks={
        State.FRESH: Ink("#e3f4ec", "#0f7a54"),
        State.STALE: Ink("#fff1d0", "#945600"),
        State.FAILED: Ink("#ffe3df", "#b3261e"),
        State.NEVER: Ink("#ffffff", "#3d5a94"),
        None: Ink("#eceef0", "#6a727d"),
    },
)

DARK = Palette(
    paper="#101418",
    text="#eef1f4",
    faint="#b3bbc5",
    frame="#181d23",
    frame_line="#3b434d",
    edge="#808b99",
    focus="#8ab8ff",
    on_sign="#101418",
    inks={
        State.FRESH: Ink("#10352a", "#4cc79b"),
        State.STALE: Ink("#41300c", "#f0b64a"),
        State.FAILED: Ink("#4a1d1a", "#ff8a7e"),
        State.NEVER: Ink("#101418", "#9db4e0"),
        None: Ink("#262c33", "#939daa"),
    },
)

_FONT = 'ui-sans-serif,system-ui,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans",Arial,sans-serif'

_SHAPES = f"""
text{{font-family:{_FONT};font-size:13px;unicode-bidi:isolate}}
.name,.heading{{font-weight:600}}.heading{{font-size:15px;paint-order:stroke;stroke-width:5px;
stroke-linejoin:round}}.about{{font-size:11px}}.title{{font-size:17px;font-weight:600}}
.box{{stroke-width:1.5px}}.failed .box{{stroke-width:3px}}.never .box{{stroke-dasharray:5 3}}
.line{{fill:none;stroke-width:1.4px;marker-end:url(#arrow)}}.order .line{{stroke-dasharray:4 4}}
.hit{{fill:none;stroke:#000;stroke-opacity:0;stroke-width:11px;pointer-events:stroke}}
.sign path{{fill:none;stroke-width:1.8px;stroke-linecap:round;stroke-linejoin:round}}
"""


def style() -> str:
    """The style sheet of an SVG. Colours are spelled out: not every program that shows an SVG knows
    variables; one that knows no media queries shows it light."""
    light, dark = _colours(LIGHT), _colours(DARK)
    return f"{_SHAPES}{light}@media (prefers-color-scheme:dark){{{dark}}}"


def variables() -> str:
    """The same colours as variables, for the page around it."""
    names = ("paper", "text", "faint", "frame", "frame_line", "focus")

    def block(palette: Palette) -> str:
        return ";".join(f"--{n.replace('_', '-')}:{getattr(palette, n)}" for n in names)

    return f":root{{{block(LIGHT)}}}@media (prefers-color-scheme:dark){{:root{{{block(DARK)}}}}}"


def _colours(palette: Palette) -> str:
    rules = [
        f".paper{{fill:{palette.paper}}}",
        f"text{{fill:{palette.text}}}.about{{fill:{palette.faint}}}",
        f".frame{{fill:{palette.frame};stroke:{palette.frame_line}}}",
        f".heading{{stroke:{palette.frame}}}",
        f".line{{stroke:{palette.edge}}}#arrow path{{fill:{palette.edge}}}",
        f".sign path{{stroke:{palette.on_sign}}}",
    ]
    for state, ink in palette.inks.items():
        name = CLASSES[state]
        rules.append(f".{name} .box{{fill:{ink.fill};stroke:{ink.line}}}")
        rules.append(f".{name} .disc,.{name}.part{{fill:{ink.line}}}")
    return "\n".join(rules)
