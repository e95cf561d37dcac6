"""What a build of what nobody touched does, counted: answered from a stamp, and the long way.

Two sizes are counted, so that what belongs to Python, to Strata and to the workspace as a whole
does not matter: what is held is what one more cell costs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.perf.counting import (
    LONG_WAY,
    Call,
    imported,
    imported_by_python,
    settled,
    system_calls,
    system_calls_from_stamp,
    without_stamps,
    workspace_of,
)

FEW, MANY = 2, 6
"""Notebooks of ten cells."""

OURS = {"strata", "strata.cli", "strata.cli.boot", "strata.cli.stamp"}
NEXT_TO_NOTHING = {"gc", "marshal", "posix", "sys", "time", "zlib"}
HEAVY = {
    *("httpx", "paramiko", "jinja2", "jsonschema", "tomlkit", "rich", "uv", "zstandard", "numpy"),
    *("asyncio", "concurrent", "dataclasses", "email", "http", "logging", "multiprocessing"),
    *("sqlite3", "ssl", "xml"),
}
"""What nothing to do does not need. (Click needs `inspect`.)"""

LOOKS_PER_CELL = 1.35
"""One, and notebook.toml and two folders for ten of them; and a little for what differs between
two workspaces."""


@pytest.fixture(scope="module")
def stamped(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[Call]]:
    """The system calls of `strata build` that is answered from a stamp, by notebooks."""
    folder = tmp_path_factory.mktemp("stamped")
    spaces = {n: workspace_of(folder / str(n) / "ws", n) for n in (FEW, MANY)}
    return {n: system_calls_from_stamp(space, "build") for n, space in spaces.items()}


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[Call]]:
    """The same where there is no stamp."""
    folder = tmp_path_factory.mktemp("long")
    spaces = {n: settled(workspace_of(folder / str(n) / "ws", n), "build") for n in (FEW, MANY)}
    return {n: system_calls(without_stamps(space), "build") for n, space in spaces.items()}


def per_cell(calls: dict[int, list[Call]], counts: Callable[[Call], bool]) -> float:
    """How many such calls one more cell makes."""
    few, many = (sum(map(counts, calls[n])) for n in (FEW, MANY))
    return (many - few) / ((MANY - FEW) * 10)


def anything(call: Call) -> bool:
    return True


def in_workspace(calls: Sequence[Call]) -> list[Call]:
    return [call for call in calls if re.match(r"/.*/ws(/|$)", call.path)]


@pytest.mark.parametrize("arguments", [("build",), ("build", "//n000"), ("query", "//...")])
def test_an_answer_from_a_stamp_imports_next_to_nothing(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    workspace = workspace_of(tmp_path / "ws", 1)
    settled(workspace, "build")
    settled(workspace, *arguments)
    more = set(imported(workspace, *arguments)) - set(imported_by_python(workspace))
    assert more - NEXT_TO_NOTHING == OURS


def test_an_answer_from_a_stamp_looks_at_each_file_of_a_workspace_once(
    stamped: dict[int, list[Call]],
) -> None:
    for notebooks, calls in stamped.items():
        looks = Counter(call.path for call in in_workspace(calls) if call.looks_at_a_file)
        cells = {path: count for path, count in looks.items() if "/cells/" in path}
        assert len(cells) == notebooks * 10
        assert set(cells.values()) == {1}


def test_an_answer_from_a_stamp_asks_the_system_for_nothing_else(
    stamped: dict[int, list[Call]],
) -> None:
    assert per_cell(stamped, lambda call: call.looks_at_a_file) <= LOOKS_PER_CELL
    assert per_cell(stamped, lambda call: not call.looks_at_a_file) <= 0.05


def test_an_answer_from_a_stamp_opens_one_file_of_the_workspace_and_writes_none(
    stamped: dict[int, list[Call]],
) -> None:
    for calls in stamped.values():
        opened = [call for call in in_workspace(calls) if call.opens]
        assert [Path(call.path).parent.name for call in opened] == ["stamps"]
        assert not [
            c.text for c in calls if c.opens and ("O_WRONLY" in c.text or "O_RDWR" in c.text)
        ]
        changing = {"mkdir", "rename", "renameat2", "unlink", "unlinkat", "utimensat", "flock"}
        assert not [call.text for call in calls if call.name in changing]


def test_an_answer_from_a_stamp_starts_nothing(stamped: dict[int, list[Call]]) -> None:
    starting = {"clone", "clone3", "fork", "vfork", "execve", "socket"}
    for calls in stamped.values():
        assert Counter(call.name for call in calls if call.name in starting) == {"execve": 1}


def test_a_build_with_nothing_to_do_that_has_no_stamp_imports_nothing_heavy(tmp_path: Path) -> None:
    workspace = settled(workspace_of(tmp_path / "ws", 1), "build")
    found = imported(without_stamps(workspace), "build")
    assert LONG_WAY in found
    assert {name.partition(".")[0] for name in found} & HEAVY == set()


def test_help_imports_neither_a_command_nor_a_store(tmp_path: Path) -> None:
    found = imported(workspace_of(tmp_path / "ws", 1), "--help")
    assert not [name for name in found if name.startswith("strata.cli.commands")]
    assert set(found) & {"lmdb", "blake3", "zstandard", "strata.loading", "strata.stores"} == set()


def test_a_build_without_a_stamp_opens_no_cell_that_it_knows(long: dict[int, list[Call]]) -> None:
    for calls in long.values():
        assert not [c.text for c in in_workspace(calls) if c.opens and "/cells/c" in c.path]


def test_a_build_without_a_stamp_asks_little_of_the_system_for_a_cell(
    long: dict[int, list[Call]],
) -> None:
    # It notes how everything looked, and looks again before it writes a stamp.
    assert per_cell(long, lambda call: call.looks_at_a_file) <= 12
    assert per_cell(long, lambda call: call.opens) <= 1
    assert per_cell(long, anything) <= 20


def test_a_build_without_a_stamp_starts_no_process(long: dict[int, list[Call]]) -> None:
    for calls in long.values():
        assert sum(call.name == "execve" and not call.failed for call in calls) == 1
