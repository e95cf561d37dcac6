"""The console on a terminal: a region that goes away, and lines that stay."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from strata.console.progress import MOST_RUNNING_SHOWN, LiveConsole
from strata.core.events import BuildFinished, BuildStarted, CellFinished, CellStarted, Event, Status
from strata.core.result import ActionResult
from tests.console.recorded import GOOD, MIXED, PLANNED
from tests.console.test_plain import HOSTILE, VERIFIED, everywhere
from tests.factories import label

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|9[0-7]|4[0-8])(?:;[0-9;]*)?m")
ERASE_LINE, UP, HIDE, SHOW = "\x1b[2K", "\x1b[1A", "\x1b[?25l", "\x1b[?25h"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _a_terminal_of_this_size(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")


@contextmanager
def live(*, colour: bool = True, verbose: bool = False) -> Iterator[tuple[LiveConsole, Terminal]]:
    stream = Terminal()
    console = LiveConsole(stream, lambda: 100.0, colour=colour, verbose=verbose)
    try:
        yield console, stream
    finally:
        console.close()


def said(events: list[Event], *, colour: bool = True, verbose: bool = False) -> str:
    with live(colour=colour, verbose=verbose) as (console, stream):
        for event in events:
            console(event)
        return stream.getvalue()


def screen(written: str) -> list[str]:
    """What is left on the screen: a terminal that knows lines, up, carriage return and erase."""
    rows, row = [""], 0
    for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|[^\x1b]", written):
        if part == "\n":
            row += 1
            if row == len(rows):
                rows.append("")
        elif part == "\r":
            pass
        elif part == ERASE_LINE:
            rows[row] = ""
        elif part == UP:
            row -= 1
        elif not part.startswith("\x1b"):
            rows[row] += part
    return [r.rstrip() for r in rows]


def test_what_stays_on_the_screen_are_the_lines_without_hits() -> None:
    left = screen(said(MIXED))
    assert [line for line in left if line][:5] == [
        "warning: nb/cells/a.py:1: unknown annotation '@nocahce'",
        "failed    //nb:c1  a.py: cells need each other: a -> b -> a",
        "failed    //nb:c2  a.py: cells need each other: a -> b -> a",
        "ran       //nb:prep  3.9 s  (source changed)",
        "retrying  //nb:fit  (attempt 1 failed: nb/cells/fit.py:3: ValueError: bad input)",
    ]
    assert "cached    //nb:load" not in left
    assert [line for line in left if line][-1] == (
        "7 cells: 2 ran, 1 cached, 3 failed, 1 skipped in 4.1 s"
    )
    assert not any("▸" in line for line in left)


def test_an_accepted_edit_and_verdicts_stay_on_the_screen() -> None:
    accepted = CellFinished(label("a"), Status.CACHED, "", ActionResult(accepted="same"))
    left = screen(said([BuildStarted(1, 1), accepted, BuildFinished(0, 1, 0, 0, 1.0), *VERIFIED]))
    assert left[0] == "cached    //nb:a  (accepted: same)"
    assert left[2] == "verified  //nb:a"


def test_both_consoles_say_the_same_at_the_end() -> None:
    assert [line for line in screen(said(GOOD)) if line][-1] == (
        "12 cells: 3 ran, 9 cached, 0 failed in 4.1 s"
    )
    assert [line for line in screen(said(PLANNED)) if line][-1] == (
        "3 cells: 1 would run, 1 cached, 1 unknown, 0 failed"
    )


def test_the_region_shows_what_runs_for_how_long_and_is_erased() -> None:
    now = 100.0
    stream = Terminal()
    console = LiveConsole(stream, lambda: now, colour=True)
    console(BuildStarted(3, 2))
    console(CellFinished(label("a"), Status.CACHED, "", ActionResult()))
    console(CellStarted(label("b"), "local", ""))
    now = 104.1
    console._live.refresh()
    shown = screen(stream.getvalue())
    assert "[1/3]  1 cached" in shown
    assert "  ▸ //nb:b  4.1 s" in shown
    assert HIDE in stream.getvalue()
    console(CellFinished(label("b"), Status.RAN, "", ActionResult()))
    console(BuildFinished(1, 1, 0, 0, 4.1))
    assert [line for line in screen(stream.getvalue()) if line] == [
        "ran       //nb:b",
        "2 cells: 1 ran, 1 cached, 0 failed in 4.1 s",
    ]
    assert stream.getvalue().rindex(SHOW) > stream.getvalue().rindex(HIDE)


def test_a_region_that_is_too_tall_says_how_many_more_run() -> None:
    with live() as (console, stream):
        console(BuildStarted(30, 30))
        for i in range(MOST_RUNNING_SHOWN + 3):
            console(CellStarted(label(f"c{i}"), "local", ""))
        console._live.refresh()
        assert "  ▸ and 3 more" in screen(stream.getvalue())


def test_a_line_of_the_region_is_cut_at_the_width_of_the_terminal() -> None:
    with live() as (console, stream):
        console(BuildStarted(1, 1))
        console(CellStarted(label("x" * 200), "local", ""))
        console._live.refresh()
        assert max(map(len, screen(stream.getvalue()))) <= 80


def test_closing_in_the_middle_takes_the_region_down_and_once_more_does_nothing() -> None:
    with live() as (console, stream):
        console(BuildStarted(3, 2))
        console(CellStarted(label("b"), "local", ""))
        console._live.refresh()
        console.close()
        written = stream.getvalue()
        console.close()
        assert stream.getvalue() == written
        assert screen(written) == [""] * len(screen(written))


def test_colours_unless_they_are_not_wanted() -> None:
    assert COLOUR.search(said(MIXED))
    assert not COLOUR.search(said(MIXED, colour=False))


@pytest.mark.parametrize("verbose", [False, True])
def test_colours_of_a_cell_obey_no_color_and_end_with_their_line(verbose: bool) -> None:
    events = everywhere("\x1b[31mred and no end")
    assert not COLOUR.search(said(events, colour=False, verbose=verbose))
    for line in said(events, verbose=verbose).split("\n"):
        codes = re.findall(r"\x1b\[[0-9;]*m", line)
        assert not codes or codes[-1] == "\x1b[0m"


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("verbose", [False, True])
def test_nothing_that_a_cell_writes_moves_the_cursor(colour: bool, verbose: bool) -> None:
    written = said(everywhere(HOSTILE), colour=colour, verbose=verbose)
    codes = {code[-1] for code in ESCAPE.findall(written)}
    assert codes <= {"m"}
    assert not set(ESCAPE.sub("", written)) & set("\x07\x08\x00\x7f\x85\x9b\x1b")


def test_square_brackets_and_colons_are_text() -> None:
    """Neither markup nor emoji of the library that draws."""
    left = screen(said(everywhere("[red]not markup[/red] :smile:"), verbose=True))
    assert any("[red]not markup[/red] :smile:" in line for line in left)
