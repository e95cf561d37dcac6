"""The tables that the benchmarks print."""

from __future__ import annotations

import pytest

from benchmarks.harness.measure import Measured, RunFailed, Sample
from benchmarks.harness.tables import Table, compared, crossed, milliseconds, ratio


def measured(*cpu_s: float) -> Measured:
    return Measured(tuple(Sample(seconds, seconds * 2) for seconds in cpu_s))


def test_words_are_flush_left_and_numbers_right() -> None:
    table = Table("T", ("tool", "CPU ms"), (("make", "1.00"), ("strata", "10.0")), ("A note.",))
    assert table.markdown() == (
        "## T\n"
        "\n"
        "| tool   | CPU ms |\n"
        "| ------ | -----: |\n"
        "| make   |   1.00 |\n"
        "| strata |   10.0 |\n"
        "\n"
        "A note.\n"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.000123, "0.12"), (0.00123, "1.23"), (0.0123, "12.3"), (0.123, "123"), (12.3, "12,300")],
)
def test_a_time_is_in_milliseconds_with_the_digits_that_count(seconds: float, text: str) -> None:
    assert milliseconds(seconds) == text


@pytest.mark.parametrize(
    ("value", "base", "text"),
    [(1.0, 2.0, "0.50×"), (3.0, 2.0, "1.50×"), (30.0, 2.0, "15.0×"), (2e4, 2.0, "10,000×")],
)
def test_a_ratio_has_the_digits_that_count(value: float, base: float, text: str) -> None:
    assert ratio(value, base) == text


def test_the_best_run_and_the_median_are_kept() -> None:
    runs = measured(0.3, 0.1, 0.2)
    assert (runs.cpu_s, runs.median_cpu_s, runs.wall_s) == (0.1, 0.2, 0.2)


def test_a_tool_is_compared_with_the_base_of_its_own_row() -> None:
    results = {
        ("10", "strata"): measured(0.01),
        ("10", "make"): measured(0.02),
        ("100", "strata"): measured(0.04),
        ("100", "make"): measured(0.02),
    }
    table = compared("T", "cells", results)
    assert [row[-1] for row in table.rows] == ["1.00×", "2.00×", "1.00×", "0.50×"]


def test_what_has_no_number_stays_in_the_table_and_says_why() -> None:
    results = {
        ("10", "strata"): measured(0.01),
        ("10", "make"): "not installed: apt-get install make",
        ("10", "dvc"): RunFailed("`dvc repro` ended with 1: no disk"),
    }
    why = (
        "dvc: failed, `dvc repro` ended with 1: no disk.",
        "make: not installed: apt-get install make.",
    )
    for table in (compared("T", "cells", results), crossed("T", "tool", results)):
        assert table.notes == why
        assert len(table.rows) == 3
        assert any("–" in cell for row in table.rows for cell in row)


def test_there_is_no_ratio_to_a_base_that_failed() -> None:
    results = {("10", "strata"): RunFailed("no"), ("10", "make"): measured(0.02)}
    assert [row[-1] for row in compared("T", "cells", results).rows] == ["", ""]


def test_sizes_are_the_columns_of_a_crossed_table() -> None:
    results = {("10", "strata"): measured(0.01), ("100", "strata"): measured(0.02)}
    table = crossed("T", "tool", results)
    assert table.columns == ("tool", "10", "100")
    assert table.rows == (("strata", "10.0", "20.0"),)
