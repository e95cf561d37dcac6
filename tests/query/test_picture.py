"""Pictures: what is in them, that nothing from outside is taken for markup, and what they load."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strata.query.picture import Picture, PictureEdge, PictureNode, html_of, svg_of
from strata.query.picture.colours import DARK, LIGHT, WORDS, Palette
from strata.query.picture.svg import NAMESPACE
from strata.query.picture.text import ELLIPSIS, shortened, visible, width
from strata.query.world import State

NASTY = [
    "<script>alert(1)</script>",
    "</svg></style></title><img src=x onerror=alert(1)>",
    "]]> <!-- --> <![CDATA[ &lt; &#0; \" '",
    "\x00\x07\x1b[31mred\x7f\x85\ufffe\uffff\ud800",
    "\u202eturned\u202c \u2066isolated\u2069",
    "שלום مرحبا 日本語 👩‍👩‍👧 e\u0301",
    "a\nb\tc\rd",
    "x" * 5000,
]


def cell(name: str, state: State | None = State.FRESH, **more: object) -> PictureNode:
    values = {"label": f"//nb:{name}", "name": name, "kind": "python", "group": "//nb"} | more
    return PictureNode(state=state, **values)  # type: ignore[arg-type]


def of(nodes: Sequence[PictureNode], *edges: PictureEdge) -> Picture:
    return Picture("//nb", tuple(nodes), edges)


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)


def classed(root: ElementTree.Element, word: str) -> list[ElementTree.Element]:
    return [e for e in root.iter() if word in e.get("class", "").split()]


def hover(element: ElementTree.Element) -> str:
    """What is told of it when it is pointed at."""
    return element.findtext(f"{{{NAMESPACE}}}title") or ""


def words_in(element: ElementTree.Element) -> list[str]:
    """What is written in it."""
    return [e.text or "" for e in element.iter(f"{{{NAMESPACE}}}text")]


STATES: list[State | None] = [*State, None]


@pytest.mark.parametrize("state", STATES)
def test_a_state_is_a_colour_a_sign_and_a_word(state: State | None) -> None:
    (node,) = classed(parsed(svg_of(of([cell("a", state)]))), "node")
    assert WORDS[state] in hover(node)
    assert state is None or WORDS[state] in " ".join(words_in(node))
    assert classed(node, "sign")


def test_no_two_states_have_the_same_colour_sign_or_word() -> None:
    root = parsed(svg_of(of([cell(str(n), state) for n, state in enumerate(STATES)])))
    nodes = classed(root, "node")
    signs = {classed(node, "sign")[0][0].get("d") for node in nodes}
    assert len(signs) == len({n.get("class") for n in nodes}) == len(set(WORDS.values())) == 5
    for palette in (LIGHT, DARK):
        assert len({ink.line for ink in palette.inks.values()}) == 5


def test_all_that_is_known_of_a_cell_is_told_when_it_is_pointed_at() -> None:
    known = cell("a", State.STALE, reason="would run: source changed", duration="4.1 s",
                 details=(("worker", "gpu"), ("tags", "slow"), ("file", "")))  # fmt: skip
    (node,) = classed(parsed(svg_of(of([known]))), "node")
    assert hover(node).splitlines() == [
        "//nb:a",
        "stale",
        "would run: source changed",
        "python, 4.1 s",
        "worker: gpu",
        "tags: slow",
    ]
    assert words_in(node) == ["a", "stale · python · 4.1 s"]


def test_a_reason_that_is_the_state_is_said_once() -> None:
    (node,) = classed(parsed(svg_of(of([cell("a", State.NEVER, reason="never built")]))), "node")
    assert hover(node).splitlines() == ["//nb:a", "never built", "python"]


def test_a_broken_cell_says_so_and_its_problem_is_told() -> None:
    broken = cell("a", State.FAILED, problem="nb/cells/a.py:3: invalid syntax", reason="is broken")
    (node,) = classed(parsed(svg_of(of([broken]))), "node")
    assert words_in(node)[1] == "broken · python"
    assert "broken: nb/cells/a.py:3: invalid syntax" in hover(node)


def test_an_edge_tells_the_names_that_flow_and_one_that_only_orders_is_dashed() -> None:
    cells = [cell("a"), cell("b"), cell("c")]
    flows = PictureEdge("//nb:a", "//nb:b", ("df", "n"))
    root = parsed(svg_of(of(cells, flows, PictureEdge("//nb:b", "//nb:c"))))
    first, second = classed(root, "edge")
    assert hover(first) == "//nb:a → //nb:b\ndf, n"
    assert "order" not in first.get("class", "").split()
    assert hover(second) == "//nb:b → //nb:c\norder only: no value flows"
    assert "order" in second.get("class", "").split()


def test_several_edges_between_two_cells_are_one_with_all_names() -> None:
    twice = [PictureEdge("//nb:a", "//nb:b", ("x",)), PictureEdge("//nb:a", "//nb:b", ("y", "x"))]
    (edge,) = classed(parsed(svg_of(of([cell("a"), cell("b")], *twice))), "edge")
    assert hover(edge).endswith("\nx, y")


def test_the_legend_counts_the_states_that_there_are() -> None:
    picture = of([cell("a"), cell("b", State.FAILED), cell("c"), cell("d", None)])
    for text in (svg_of(picture), html_of(picture)):
        assert [w for w in WORDS.values() if f"{w} (" in text] == [
            "fresh", "failed", "builds nothing",
        ]  # fmt: skip
        assert "fresh (2)" in text


def test_the_cells_of_a_notebook_are_in_a_frame_with_its_name() -> None:
    root = parsed(svg_of(of([cell("a"), cell("b", group="//other")])))
    assert len(classed(root, "frame")) == 2
    assert [e.text for e in classed(root, "heading")] == ["//nb", "//other"]


def test_a_notebook_as_a_box_says_how_many_of_its_cells_are_in_which_state() -> None:
    counts: dict[State | None, int] = {State.FAILED: 1, State.FRESH: 12}
    box = PictureNode("//nb", "//nb", "13 cells", state=State.FAILED, counts=counts)
    root = parsed(svg_of(of([box])))
    assert words_in(classed(root, "node")[0]) == ["//nb", "1 failed, 12 fresh"]
    assert len(classed(root, "part")) == 2
    assert not classed(root, "frame")
    assert "fresh (12)" in svg_of(of([box]))


def test_a_picture_of_nothing_says_its_note() -> None:
    nothing = Picture("//nb", (), (), "There are no cells to draw.")
    assert nothing.note in html_of(nothing)
    assert nothing.note in "".join(parsed(svg_of(nothing)).itertext())


# Nothing from outside is markup.

ELEMENTS = {
    "svg",
    "desc",
    "style",
    "defs",
    "marker",
    "path",
    "rect",
    "g",
    "title",
    "text",
    "circle",
}


def everywhere(text: str) -> Picture:
    """A picture with `text` wherever a text can be."""
    nasty = PictureNode(
        text + "1", text, text, text, State.STALE, text, text, text, ((text, text),)
    )
    whole = PictureNode(text + "2", text, text, text, counts={None: 1})
    return Picture(text, (nasty, whole), (PictureEdge(text + "1", text + "2", (text,)),), text)


@pytest.mark.parametrize("text", NASTY)
def test_an_svg_holds_any_text(text: str) -> None:
    check_svg(text)


@given(st.text(st.characters(exclude_categories=[])))
def test_an_svg_holds_every_text(text: str) -> None:
    check_svg(text)


def check_svg(text: str) -> None:
    """It is XML, of the elements that we draw, and what is told is the text, made visible."""
    root = parsed(svg_of(everywhere(text)))
    names = {e.tag.removeprefix(f"{{{NAMESPACE}}}") for e in root.iter()}
    assert names <= {
        *["svg", "desc", "style", "defs", "marker", "path", "rect", "g", "title", "text", "circle"]
    }
    assert not [n for e in root.iter() for n in e.attrib if n.startswith("on") or "href" in n]
    assert hover(classed(root, "node")[0]).startswith(visible(text + "1"))


class _Elements(HTMLParser):
    """The elements of a page, as a browser meets them, and the text of scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": []}
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag
        if tag in self.texts:
            self.texts[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in self.texts:
            self.texts[self._inside][-1] += data


def elements(text: str) -> _Elements:
    found = _Elements()
    found.feed(text)
    return found


@pytest.mark.parametrize("text", NASTY)
def test_a_page_has_the_same_elements_whatever_the_texts(text: str) -> None:
    tags = [tag for tag, _ in elements(html_of(everywhere(text))).elements]
    assert tags == [tag for tag, _ in elements(html_of(everywhere("plain"))).elements]


def test_a_page_allows_its_own_script_and_styles_and_nothing_else() -> None:
    found = elements(html_of(everywhere(NASTY[0])))
    policy = next(a["content"] or "" for _, a in found.elements if a.get("http-equiv"))
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in (*found.texts["style"], *found.texts["script"])
    ]
    assert sorted(hashes) == sorted(re.findall(r"'sha256-[^']*'", policy))
    assert len(found.texts["script"]) == 1


def test_a_picture_names_no_other_place() -> None:
    """Nothing to load: no address but the name of the SVG namespace, no import, no link."""
    picture = of([cell("a"), cell("b")], PictureEdge("//nb:a", "//nb:b"))
    for text in (svg_of(picture), html_of(picture)):
        assert set(re.findall(r"\w+://[^\s\"'<]+", text)) <= {NAMESPACE}
        assert not re.search(r"@import|\bsrc=|\bhref=|url\((?!#)", text)


# Text in a box.


def test_what_is_invisible_or_turns_the_direction_is_spelled_out() -> None:
    assert visible("a\x07b\u202ec\u2066\ud800\ufffe") == "a\\x07b\\u202ec\\u2066\\ud800\\ufffe"
    assert visible("é 日本 שלום 👩‍👧 \n") == "é 日本 שלום 👩‍👧 \n"


@given(st.text(), st.integers(20, 300))
def test_a_shortened_text_has_room(text: str, room: int) -> None:
    short = shortened(text, 13, room)
    assert width(short, 13) <= room
    assert short == text or ELLIPSIS in short


def test_a_long_name_keeps_its_ends_in_the_box_and_is_whole_when_pointed_at() -> None:
    name = "features_of_customers_" * 5 + "v2"
    (node,) = classed(parsed(svg_of(of([cell(name)]))), "node")
    short = words_in(node)[0]
    assert short.startswith("features_")
    assert short.endswith("_v2")
    assert len(short) < 30
    assert name in hover(node)


# Contrast.


def _luminance(colour: str) -> float:
    """Relative luminance: <https://www.w3.org/TR/WCAG22/#dfn-relative-luminance>."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    darker, lighter = sorted([_luminance(a), _luminance(b)])
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_text_and_signs_stand_out(palette: Palette) -> None:
    """WCAG 2.2, level AA: 4.5 for text, 3 for what is no text."""
    for ink in palette.inks.values():
        assert contrast(palette.text, ink.fill) >= 4.5
        assert contrast(palette.faint, ink.fill) >= 4.5
        assert contrast(palette.on_sign, ink.line) >= 4.5
        assert contrast(ink.line, palette.frame) >= 3
        assert contrast(ink.line, ink.fill) >= 3
    for surface in (palette.paper, palette.frame):
        assert contrast(palette.text, surface) >= 4.5
        assert contrast(palette.faint, surface) >= 4.5
        assert contrast(palette.edge, surface) >= 3
        assert contrast(palette.focus, surface) >= 3
