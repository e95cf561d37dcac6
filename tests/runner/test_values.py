"""A value that goes from one cell to the next through the store is the same value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.runner.harness import Outcome, cell, run
from tests.runner.values_cases import ARRAYS, FRAMES, PLAIN, PRELUDE, SAME

CASES = {**PLAIN, **ARRAYS, **FRAMES}
BUILD = PRELUDE + "".join(f"{name} = {text}\n" for name, (_, text) in CASES.items())


def consume(texts: dict[str, str]) -> str:
    """A cell that compares each name it is given with what `texts` says it must be."""
    checks = "".join(
        f"wrong[{name!r}] = same({name}, {text}) if {name!r} in globals() else 'missing'\n"
        for name, text in texts.items()
    )
    return (
        f"{PRELUDE}{SAME}\nwrong = {{}}\n{checks}\nwrong = {{k: v for k, v in wrong.items() if v}}"
    )


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """All cases, stored by one cell."""
    outcome = run(cell(BUILD, list(CASES)), folder=tmp_path_factory.mktemp("producer"))
    assert outcome.failure is None, outcome.failure
    return outcome


def test_each_value_is_kept_by_the_first_codec_that_keeps_it_exactly(stored: Outcome):
    assert stored.unstorable == {}
    found = {name: output.codec for name, output in stored.outputs.items()}
    assert found == {name: codec for name, (codec, _) in CASES.items()}


@pytest.mark.parametrize("by_path", [False, True])
def test_each_value_is_the_same_in_another_process(stored: Outcome, tmp_path: Path, by_path: bool):
    """Given in the frame or as mapped files; and looking at a value does not change its bytes."""
    outcome = run(
        cell(
            consume({name: text for name, (_, text) in CASES.items()}),
            ["wrong", *(CASES if by_path else [])],
            bindings={name: {"slot": name} for name in CASES},
        ),
        stored.outputs,
        folder=tmp_path,
        by_path=by_path,
    )
    assert outcome.failure is None, outcome.failure
    assert json.loads(outcome.outputs["wrong"].data) == {}
    for name in CASES if by_path else []:
        if name not in ("random_", "generator"):  # comparing these draws from them
            assert outcome.outputs[name].data == stored.outputs[name].data, name


def test_equal_values_have_equal_bytes_in_every_process(stored: Outcome, tmp_path: Path):
    again = run(cell(BUILD, list(CASES)), folder=tmp_path)
    different = [n for n in CASES if again.outputs[n].data != stored.outputs[n].data]
    assert different == []
