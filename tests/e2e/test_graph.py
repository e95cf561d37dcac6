"""`strata graph`: a picture of cells and how they stand, in a file that is complete in itself."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from strata.cli.commands.graph import MOST
from tests.e2e.browser import CHROMIUM, Page, browser
from tests.e2e.workspaces import STRATA, Workspace

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    """Two notebooks: `top` reads `x` of the other; `late` comes after it; one cell is broken."""
    space = Workspace(tmp_path / "work")
    space.notebook("low", {"a": "x = 1", "b": "y = x + 1"})
    space.notebook(
        "top",
        {"top": "z = x * 2", "late": "# @after top\nprint('done')", "broken": "this is ("},
        top='[inputs]\nx = "//low:a"\n',
    )
    return space


def titles(text: str) -> dict[str, list[str]]:
    """Label of each box to what is told of it."""
    root = ElementTree.fromstring(text)
    nodes = [g for g in root.iter(f"{SVG}g") if "node" in g.get("class", "").split()]
    told = [(g.findtext(f"{SVG}title") or "").splitlines() for g in nodes]
    return {lines[0]: lines[1:] for lines in told}


def edges(text: str) -> dict[str, str]:
    """Each line, to what is told of it."""
    root = ElementTree.fromstring(text)
    found = [g for g in root.iter(f"{SVG}g") if "edge" in g.get("class", "").split()]
    told = [(g.findtext(f"{SVG}title") or "").partition("\n") for g in found]
    return {line: flows for line, _, flows in told}


def svg_of(space: Workspace, *arguments: str) -> str:
    ended = space.run("graph", "--output", "svg", *arguments)
    assert ended.code == 0, ended.err
    return ended.out


def test_a_cell_is_told_with_its_state_and_the_reason(space: Workspace) -> None:
    space.build("//low")
    space.cell("low", "b").write_text("y = x + 2")
    told = titles(svg_of(space))
    assert told["//low:a"][0] == "fresh"
    assert told["//low:b"][:2] == ["stale", "source changed"]
    assert told["//low:b"][2].startswith("python, ")
    assert "worker: local" in told["//low:b"]
    assert told["//top:top"][0] == "never built"


def test_a_cell_that_failed_and_one_that_is_broken_are_failed(space: Workspace) -> None:
    space.cell("low", "b").write_text("y = 1 / 0")
    space.build("//low", code=1)
    told = titles(svg_of(space))
    assert told["//low:b"][0] == told["//top:broken"][0] == "failed"
    assert "broken: top/cells/broken.py:1: syntax error" in told["//top:broken"][1]


def test_lines_tell_what_flows_and_order_can_be_left_out(space: Workspace) -> None:
    assert edges(svg_of(space)) == {
        "//low:a → //low:b": "x",
        "//low:a → //top:top": "x",
        "//top:top → //top:late": "order only: no value flows",
    }
    assert "//top:top → //top:late" not in edges(svg_of(space, "--noimplicit"))


def test_nothing_is_run_and_nothing_is_left(space: Workspace) -> None:
    svg_of(space)
    assert sorted(p.name for p in space.root.iterdir()) == ["low", "strata.toml", "top"]


@pytest.mark.parametrize(
    ("arguments", "cells"),
    [
        (["//low"], {"//low:a", "//low:b"}),
        (["//low:a", "//top:top"], {"//low:a", "//top:top"}),
        (["//...", "-//top"], {"//low:a", "//low:b"}),
        (["-//top"], {"//low:a", "//low:b"}),
        (["deps", "//top:top"], {"//low:a", "//top:top"}),
        (["//low - //low:a"], {"//low:b"}),
        (["//low", "-", "//low:a"], {"//low:b"}),
        (["//low:a%x"], {"//low:a"}),
    ],
)
def test_patterns_and_expressions_say_what_is_drawn(
    space: Workspace, arguments: list[str], cells: set[str]
) -> None:
    assert set(titles(svg_of(space, *arguments))) == cells


def test_without_a_pattern_it_is_what_is_at_or_below_the_current_folder(space: Workspace) -> None:
    ended = space.run("graph", "--output", "svg", cwd=space.root / "low")
    assert set(titles(ended.out)) == {"//low:a", "//low:b"}


def test_prose_builds_nothing(space: Workspace) -> None:
    space.write("low/cells/b.py", "# %% [markdown]\n")
    listing = space.root / "low" / "notebook.toml"
    listing.write_text(listing.read_text().replace("b.py", "b.md"))
    space.write("low/cells/b.md", "# Words")
    assert titles(svg_of(space, "//low"))["//low:b"] == [
        "builds nothing",
        "markdown",
        "file: low/cells/b.md",
    ]


def test_an_answer_without_cells_is_an_empty_picture_and_said(space: Workspace) -> None:
    ended = space.run("graph", "--output", "svg", "//low - //low")
    assert ended.code == 0
    assert titles(ended.out) == {}
    assert "no cells to draw" in ended.err


# Where it goes.


def test_the_picture_goes_to_a_pipe_and_is_html_unless_said(space: Workspace) -> None:
    assert space.run("graph").out.startswith("<!doctype html>")
    assert space.run("graph", "-o", "-", "--output", "svg").out.startswith("<svg ")


def test_the_name_of_the_file_says_which_picture_and_its_path_is_printed(space: Workspace) -> None:
    for name, begin in [("g.svg", "<svg "), ("g.html", "<!doctype html>"), ("G.HTM", "<!doc")]:
        ended = space.run("graph", "-o", name)
        assert (ended.code, ended.out) == (0, f"{name}\n")
        assert (space.root / name).read_text().startswith(begin)


def test_on_a_terminal_it_is_a_file_in_the_current_folder(space: Workspace) -> None:
    ours, theirs = pty.openpty()
    command = [str(STRATA), "graph", "//low"]
    subprocess.run(command, cwd=space.root, env=space.environ(), stdout=theirs, check=True)
    os.close(theirs)
    assert os.read(ours, 100).strip() == b"graph.html"
    os.close(ours)
    assert "//low:a" in (space.root / "graph.html").read_text()


def test_only_a_picture_is_written_over(space: Workspace) -> None:
    kept = space.write("mine.html", "<p>my own</p>")
    ended = space.run("graph", "-o", "mine.html")
    assert ended.code == 2
    assert "strata graph did not draw it" in ended.err
    assert kept.read_text() == "<p>my own</p>"
    for form in ("html", "svg", "html"):
        (space.root / "empty").touch()
        assert space.run("graph", "//low", "--output", form, "-o", "empty").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "g.png"], "does not say which picture"),
        (["-o", "g.html", "--output", "svg"], "does not go with"),
        (["-o", "low"], "is a folder"),
        (["-o", "no/such/g.svg"], "cannot be written: no such file or directory"),
        (["//nope"], "no notebook //nope"),
        (["deps("], "expected"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    space: Workspace, arguments: list[str], said: str
) -> None:
    before = sorted(space.root.rglob("*"))
    ended = space.run("graph", *arguments)
    assert ended.code == 2
    assert said in ended.err
    assert sorted(space.root.rglob("*")) == before


@pytest.mark.slow
def test_more_cells_than_can_be_drawn_are_a_box_a_notebook(tmp_path: Path) -> None:
    space = Workspace(tmp_path)
    number = MOST // 2 + 1
    space.notebook("low", {f"a{n}": f"x{n} = {n}" for n in range(number)})
    top = {f"b{n}": f"y{n} = {n}" for n in range(2, number)}
    top |= {"b0": "y0 = x0", "b1": "y1 = x0 + x1"}
    space.notebook("top", top, top='[inputs]\nx0 = "//low:a0"\nx1 = "//low:a1"\n')
    ended = space.run("graph", "--output", "svg")
    assert ended.code == 0
    assert f"{2 * number} cells are too many" in ended.err
    assert titles(ended.out)["//low"][0] == f"{number} never built"
    assert edges(ended.out) == {"//low → //top": "x0, x1"}


# In a browser.


@pytest.fixture
def page(space: Workspace, tmp_path: Path) -> Iterator[Page]:
    """A browser without a network; `CI` does not let the tests be skipped where there is none."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium")
    assert space.run("graph", "-o", "g.html").code == 0
    with browser(tmp_path / "browser") as page:
        yield page


def drawn(space: Workspace, name: str = "g.html") -> str:
    return (space.root / name).as_uri()


def lit(page: Page) -> set[str]:
    """The cells that are not dimmed."""
    script = "[...document.querySelectorAll('.node.on')].map(n => n.getAttribute('aria-label'))"
    return {label.split(";")[0] for label in page.value(script)}


def test_in_a_browser_a_click_shows_what_a_cell_needs_and_what_needs_it(
    space: Workspace, page: Page
) -> None:
    page.open(drawn(space))
    assert page.value("document.documentElement.dataset.ready") == "5"
    page.click("#n2")
    assert lit(page) == {"//low:a", "//top:top", "//top:late"}
    assert page.value("document.querySelectorAll('.edge.on').length") == 2
    assert page.value("document.getElementById('said').textContent") == "needs 1, needed by 1"
    assert page.value("document.getElementById('tip').innerText").startswith("//top:top\nnever")
    page.press("Escape")
    assert lit(page) == set()
    page.value("document.querySelector('#n1').focus()")
    page.press("ArrowUp")
    page.press("Enter", "\r")
    assert lit(page) == {"//low:a", "//low:b", "//top:top", "//top:late"}
    page.press("/", "/")
    page.type("broken")
    assert lit(page) == {"//top:broken"}
    assert page.value("document.getElementById('said').textContent") == "1 of 1"
    assert page.problems == []


def test_in_a_browser_the_picture_moves_and_grows(space: Workspace, page: Page) -> None:
    page.open(drawn(space))
    wide = "document.querySelector('#n0 .box').getBoundingClientRect().width"
    before = page.value(wide)
    page.click("#closer")
    assert page.value(wide) == pytest.approx(before * 1.25)
    page.press("0", "0")
    assert page.value(wide) == pytest.approx(before)
    left = "document.querySelector('#n0').getBoundingClientRect().x"
    at = page.value(left)
    page.press("ArrowRight")
    assert page.value(left) == pytest.approx(at - 80)
    assert page.problems == []


def test_in_a_browser_without_scripts_the_picture_is_there(space: Workspace, page: Page) -> None:
    page.open(drawn(space), scripts=False)
    asked = page.ask("DOM.getDocument", depth=-1)
    found = page.ask("DOM.querySelectorAll", nodeId=asked["root"]["nodeId"], selector=".node title")
    assert len(found["nodeIds"]) == 5
    first = page.ask("DOM.querySelector", nodeId=asked["root"]["nodeId"], selector="#n0")
    box = page.ask("DOM.getBoxModel", nodeId=first["nodeId"])["model"]
    assert box["width"] > 100
    assert page.problems == []


def test_in_a_browser_an_svg_is_coloured_in_the_dark_too(space: Workspace, page: Page) -> None:
    assert space.run("graph", "-o", "g.svg").code == 0
    page.open(drawn(space, "g.svg"), dark=True)
    fill = "getComputedStyle(document.querySelector('.paper')).fill"
    assert page.value(fill) == "rgb(16, 20, 24)"
    assert page.problems == []
