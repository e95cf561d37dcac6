"""The runner works under every Python that a notebook may have, from 3.9 on."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tests.runner.harness import cell, module, run

VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")

CLASS = "import enum\nclass P(enum.Enum):\n    A = 1\n"
SOURCE = (
    CLASS
    + """
import asyncio, collections, decimal, typing
Made = collections.namedtuple("Made", "x y")
T = typing.TypeVar("T")
U = typing.NewType("U", int)
big = bytearray(10**6)
deep = []
for _ in range(3_000):
    deep = [deep]
v = [P.A, Made(1, 2), decimal.Decimal("1.5"), {1, 2}, T, U, list[int], big, deep]
await asyncio.sleep(0)
display({"a": 1})
w = {"a": [1.5, None, "é"]}
v[0]
"""
)
CHECK = """
a, m, d, s, t, u, g, big, deep = v
w = [a is P.A, type(m).__name__, m == (1, 2), str(d), s == {1, 2}, t is T, u is U, g == list[int],
     len(big), type(big).__name__]
"""
FAIL = "def f(n):\n    return f(n + 1)\nf(0)"


def _interpreters() -> dict[str, str]:
    """Version to interpreter, for every supported Python that is on this machine."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    on_path = [Path(p) for p in os.environ.get("PATH", "").split(os.pathsep) if "shims" not in p]
    found = {"{}.{}".format(*sys.version_info): sys.executable}
    for version in VERSIONS:
        folders = [p / "bin" for p in sorted(root.glob(f"versions/{version}.*"))] + on_path
        names = [str(f / f"python{version}") for f in folders if (f / f"python{version}").exists()]
        if names:
            found.setdefault(version, names[0])
    return found


INTERPRETERS = _interpreters()


@pytest.mark.parametrize("version", INTERPRETERS)
def test_a_cell_runs_and_hands_on_under_each_python(version: str, tmp_path: Path):
    python = INTERPRETERS[version]
    spec = module("ab" * 16, CLASS, ["P"])
    more = {"own": {"P": "ab" * 16}, "modules": [spec], "shows_last": True}
    made = run(cell(SOURCE, ["v", "w", "T", "U"], **more), folder=tmp_path, python=python)
    assert made.failure is None, made.failure["traceback"]
    assert made.unstorable == {}
    assert made.texts == ["{'a': 1}", "<P.A: 1>"]
    bindings = {name: {"slot": name} for name in ("v", "T", "U")}
    bindings["P"] = {"module": "ab" * 16, "name": "P"}
    got = run(
        cell(CHECK, ["w"], bindings=bindings, modules=[spec]),
        made.outputs,
        folder=tmp_path,
        python=python,
        options=["-S"],
        by_path=True,
    )
    assert got.failure is None, got.failure["traceback"]
    assert json.loads(got.outputs["w"].data) == [
        *(True, "Made", True, "1.5", True, True, True, True, 10**6, "bytearray"),
    ]


@pytest.mark.parametrize("version", INTERPRETERS)
def test_a_failure_is_told_under_each_python(version: str, tmp_path: Path):
    outcome = run(cell(FAIL), folder=tmp_path, python=INTERPRETERS[version])
    assert outcome.failure["type_name"] == "RecursionError"
    assert (outcome.failure["file"], outcome.failure["line"]) == ("train/cells/fit.py", 2)
    assert "times]" in outcome.failure["traceback"]
    assert "_strata_runner" not in outcome.failure["traceback"]
    assert outcome.stderr == ""
