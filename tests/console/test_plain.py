"""The plain console: exactly these lines, and no control codes whatever cells write."""

from __future__ import annotations

import io
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strata.console.format import count, duration, printable, size, without_colours
from strata.console.lines import LONGEST_LINE, TAIL_LINES, closing_line, one_line
from strata.console.progress import KEPT_OUTPUT, PlainConsole
from strata.core.events import (
    BuildFinished,
    BuildStarted,
    CellFinished,
    CellOutput,
    CellRetried,
    CellVerified,
    Difference,
    Event,
    Notice,
    Status,
    Verdict,
    VerificationFinished,
)
from strata.core.result import ActionResult, CellFailure, FailureKind
from tests.console.recorded import FAILURE, GOOD, MIXED, PLANNED
from tests.factories import label


def said(events: Iterable[Event], *, verbose: bool = False) -> str:
    stream = io.StringIO()
    console = PlainConsole(stream, verbose=verbose)
    for event in events:
        console(event)
    console.close()
    return stream.getvalue()


def failed(name: str, error: CellFailure) -> CellFinished:
    return CellFinished(label(name), Status.FAILED, "", ActionResult(error=error))


END = BuildFinished(0, 0, 1, 0, 1.0)


# Exactly these lines.


VERIFIED: list[Event] = [
    CellVerified(label("a"), Verdict.VERIFIED),
    CellVerified(
        label("b"),
        Verdict.VERIFIED,
        (Difference("console", "", "not the same text", Verdict.VERIFIED),),
        "same",
    ),
    CellVerified(
        label("c"), Verdict.UNCLEAR, (Difference("output", "s", "who knows", Verdict.UNCLEAR),)
    ),
    CellVerified(
        label("d"),
        Verdict.DIFFERS,
        (Difference("output", "x", "1 → 2"), Difference("output", "y", "gone\n")),
        "same (by ada)",
    ),
    VerificationFinished(9, 4, 1, 1, 7),
]


def test_hits_that_were_run_again() -> None:
    *lines, hint = said(VERIFIED).splitlines()
    assert lines == [
        "verified  //nb:a",
        "verified  //nb:b  console: not the same text",
        "unclear   //nb:c  output s: who knows",
        "DIFFERS   //nb:d  output x: 1 → 2; output y: gone  (accepted: same (by ada); "
        "`strata accept --revoke //nb:d` takes that back)",
        "verified 4 of 9 hits: 1 differs, 1 unclear (--verify-seed 7)",
    ]
    assert hint.startswith("hint: ")
    assert "# @nocache" in hint


def test_hits_that_are_all_the_same_need_no_advice() -> None:
    finished = VerificationFinished(1, 1, 0, 0, 7)
    assert said([finished]) == "verified 1 of 1 hit: 0 differ (--verify-seed 7)\n"


def test_a_hit_that_stands_for_an_edited_cell_says_why() -> None:
    event = CellFinished(label("a"), Status.CACHED, "", ActionResult(accepted="same\n(by ada)"))
    assert said([event]) == "cached    //nb:a  (accepted: same (by ada))\n"


def test_a_build_in_which_much_happens() -> None:
    assert (
        said(MIXED)
        == """\
warning: nb/cells/a.py:1: unknown annotation '@nocahce'
failed    //nb:c1  a.py: cells need each other: a -> b -> a
failed    //nb:c2  a.py: cells need each other: a -> b -> a
cached    //nb:load
ran       //nb:prep  3.9 s  (source changed)
retrying  //nb:fit  (attempt 1 failed: nb/cells/fit.py:3: ValueError: bad input)
note: //nb:fit: wrote very much
failed    //nb:fit  0.04 s  nb/cells/fit.py:3: ValueError: bad input
skipped   //nb:plot  (needs //nb:fit, which failed)
ran       //nb:mean  (forced)

//nb:c1, //nb:c2 failed
  a.py: cells need each other: a -> b -> a

//nb:fit failed
  | epoch 1
  | epoch 2
  Traceback (most recent call last):
    File "nb/cells/fit.py", line 3, in <module>
      model.fit(x)
  ValueError: bad input
  hint: look at x

7 cells: 2 ran, 1 cached, 3 failed, 1 skipped in 4.1 s
"""
    )


def test_the_closing_line_of_a_good_build() -> None:
    assert said(GOOD).splitlines()[-1] == "12 cells: 3 ran, 9 cached, 0 failed in 4.1 s"


def test_a_dry_run_ends_with_what_would_happen() -> None:
    assert (
        said(PLANNED)
        == """\
cached    //nb:a
would run //nb:b  (source changed)
unknown   //nb:c  (until //nb:b has run)
3 cells: 1 would run, 1 cached, 1 unknown, 0 failed
"""
    )


def test_an_interrupted_build_says_so() -> None:
    line = closing_line(BuildFinished(1, 0, 0, 1, 0.04, interrupted=True))
    assert line == "2 cells: 1 ran, 0 cached, 0 failed, 1 skipped in 0.04 s (interrupted)"


def test_one_cell_is_one_cell() -> None:
    line = closing_line(BuildFinished(1, 0, 0, 0, 61.0))
    assert line == "1 cell: 1 ran, 0 cached, 0 failed in 61.0 s"


def test_a_cell_that_is_settled_again_counts_once() -> None:
    again = [CellFinished(label("a"), s, "", ActionResult()) for s in (Status.CACHED, Status.RAN)]
    events = [*PLANNED[:1], *again, *PLANNED[2:]]
    assert said(events).splitlines()[-1] == "3 cells: 1 would run, 0 cached, 1 unknown, 0 failed"


def test_equal_failures_of_two_cells_are_told_with_their_own_output() -> None:
    error = CellFailure(FailureKind.TIMEOUT, "Timeout", "ran longer than 300 s")
    events: list[Event] = [
        CellOutput(label("a"), "stdout", "of a\n"),
        CellOutput(label("b"), "stdout", "of b\n"),
        failed("a", error),
        failed("b", error),
        END,
    ]
    assert said(events).splitlines()[3:9] == [
        "//nb:a failed",
        "  | of a",
        "  ran longer than 300 s",
        "",
        "//nb:b failed",
        "  | of b",
    ]


def test_only_the_end_of_much_output_is_shown_and_where_the_rest_is() -> None:
    text = "".join(f"line {i}\n" for i in range(TAIL_LINES + 5))
    lines = said([CellOutput(label("a"), "stdout", text), failed("a", FAILURE), END]).splitlines()
    assert lines[3] == "  … 5 lines before; `strata log //nb:a` has all"
    assert lines[4] == "  | line 5"


def test_the_output_of_a_cell_that_ended_well_is_forgotten_and_of_one_that_runs_is_bounded() -> (
    None
):
    console = PlainConsole(io.StringIO())
    for _ in range(5):
        console(CellOutput(label("a"), "stdout", "x" * KEPT_OUTPUT))
    assert len(console._seen.output[label("a")]) == KEPT_OUTPUT
    console(CellFinished(label("a"), Status.RAN, "", ActionResult()))
    assert console._seen.output == {}


def test_a_failure_without_a_traceback_shows_its_message_in_full() -> None:
    error = CellFailure(FailureKind.INFRASTRUCTURE, "EnvironmentFailed", "uv said:\n  no", "p", 1)
    assert "\n  p:1: uv said:\n    no\n" in said([failed("a", error), END])


# Verbose.


def test_verbose_shows_whole_lines_with_their_cell() -> None:
    def wrote(name: str, text: str, stream: str = "stdout") -> CellOutput:
        return CellOutput(label(name), stream, text)

    events: list[Event] = [
        BuildStarted(2, 2),
        wrote("a", "one\ntw"),
        wrote("b", "of b"),
        wrote("a", "warn", "stderr"),
        wrote("a", "o\n"),
        CellFinished(label("a"), Status.RAN, "", ActionResult()),
        CellFinished(label("b"), Status.RAN, "", ActionResult()),
    ]
    assert said(events, verbose=True) == (
        "//nb:a | one\n//nb:a | two\n//nb:a | warn\nran       //nb:a\n"
        "//nb:b | of b\nran       //nb:b\n"
    )
    assert "|" not in said(events)


def test_verbose_does_not_wait_for_the_end_of_an_endless_line() -> None:
    events = [CellOutput(label("a"), "stdout", "x" * LONGEST_LINE), *PLANNED[:1]]
    assert said(events, verbose=True) == ""
    events.insert(1, CellOutput(label("a"), "stdout", "y"))
    assert said(events, verbose=True) == f"//nb:a | {'x' * LONGEST_LINE}y\n"


# Whatever cells write.

HOSTILE = "\x1b[2J\x1b[1;1Hgone\x07\x08\x1b]0;title\x07\x9b31m\x1b[31mred\x1b[0m\x7f\x00\u0085"


def everywhere(text: str) -> list[Event]:
    """`text` in every field that a cell or a file can fill."""
    error = CellFailure(FailureKind.EXCEPTION, text, text, text, 1, text, text)
    return [
        Notice("warning", text, label("a")),
        CellOutput(label("a"), "stdout", text),
        CellRetried(label("a"), 1, error),
        failed("a", error),
        CellFinished(label("b"), Status.RAN, text, ActionResult()),
        failed("c", CellFailure(FailureKind.BROKEN, text, text, text, 1, "", text)),
        END,
    ]


@given(st.text() | st.just(HOSTILE))
def test_no_control_code_reaches_a_pipe(text: str) -> None:
    for verbose in (False, True):
        out = said(everywhere(text), verbose=verbose)
        assert not [c for c in out if c < " " and c not in "\n\t"]
        assert not [c for c in out if "\x7f" <= c <= "\x9f"]
        out.encode()


def test_hostile_text_is_neutralised_and_can_still_be_read() -> None:
    assert printable(HOSTILE) == "[2J[1;1Hgone]0;title31m\x1b[31mred\x1b[0m"
    assert without_colours(printable(HOSTILE)) == "[2J[1;1Hgone]0;title31mred"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("10%\r20%\r100%\n", "100%\n"),
        ("10%\r20%\r", "20%"),
        ("windows\r\nlines\r\n", "windows\nlines\n"),
        ("\r\r\n", "\n"),
        ("tab\tstays", "tab\tstays"),
        ("\x1b[38;5;1mcolour\x1b[m", "\x1b[38;5;1mcolour\x1b[m"),
        ("\x1b[1", "[1"),
        ("\x1b", ""),
        ("\ud800", "\\ud800"),
        ("é😀\u2028", "é😀\u2028"),
    ],
)
def test_what_stays_of_control_characters(written: str, shown: str) -> None:
    assert printable(written) == shown


@given(st.text())
def test_printable_text_is_printable(text: str) -> None:
    assert printable(printable(text)) == printable(text)


def test_a_message_of_many_lines_is_one_line_beside_its_cell() -> None:
    assert one_line("a\n\n  b\tc") == "a b c"
    assert one_line("x" * 200) == "x" * 119 + "…"


# Numbers.


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.00 s"),
        (0.04, "0.04 s"),
        (0.1, "0.1 s"),
        (4.14, "4.1 s"),
        (99.94, "99.9 s"),
        (99.95, "1 min 40 s"),
        (723, "12 min 03 s"),
        (3599.7, "1 h 00 min"),
        (7500, "2 h 05 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(0, "0 B"), (812, "812 B"), (3482, "3.4 KiB"), (1288490189, "1.2 GiB"), (2**41, "2.0 TiB")],
)
def test_sizes(size_bytes: int, text: str) -> None:
    assert size(size_bytes) == text


def test_counts() -> None:
    assert [count(n, "cell") for n in (0, 1, 2)] == ["0 cells", "1 cell", "2 cells"]
