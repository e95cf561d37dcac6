"""`strata aquery` as a program of its own: locked environments, pipes, many cells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.noticed import lock, wheel
from tests.e2e.workspaces import Workspace, fan


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "w")


def cells(space: Workspace, *arguments: str) -> dict[str, dict[str, Any]]:
    ended = space.run("aquery", "--json", *arguments)
    assert ended.code == 0, ended.err
    return {cell["label"]: cell for cell in json.loads(ended.out)["cells"]}


def test_a_lock_is_read_and_nothing_is_installed(space: Workspace, tmp_path: Path) -> None:
    """The wheels are gone: who would install, or lock again, would fail."""
    wheels = tmp_path / "wheels"
    wheel(wheels, "alpha", "1.0", "A = 1\n", ["beta"])
    wheel(wheels, "beta", "2.0", "B = 2\n")
    wheel(wheels, "gamma", "3.0", "C = 3\n")
    space.notebook("nb", {"a": "import alpha\nx = alpha.A", "plain": "y = 1"})
    lock(space.root / "nb", wheels, "alpha==1.0", "gamma==3.0")
    for path in wheels.iterdir():
        path.unlink()
    before = sorted(space.root.rglob("*"))
    found = cells(space, "//nb")
    assert sorted(space.root.rglob("*")) == before
    (action,) = found["//nb:a"]["actions"]
    assert action["environment"]["project"] == "nb"
    assert list(action["environment"]["distributions"]) == ["alpha", "beta"]
    assert found["//nb:plain"]["actions"][0]["environment"]["distributions"] == {}
    said = space.run("aquery", "//nb:a").out
    assert ", project nb, lock " in said
    assert ", 2 distributions of it\n" in said


def test_every_key_is_that_of_the_build_that_follows(space: Workspace) -> None:
    """Before the build one is known; after it, with nothing changed, the build finds all."""
    space.notebook("nb", fan(20))
    (first,) = cells(space, "//nb:source")["//nb:source"]["actions"]
    space.build("//nb")
    found = cells(space, "//nb")
    assert found["//nb:source"]["actions"][0]["key"] == first["key"]
    assert {cell["status"] for cell in found.values()} == {"cached"}
    assert space.build("//nb").ran == []


def test_the_reader_may_go_away(space: Workspace) -> None:
    """As with `| head`: nothing is said of it."""
    space.notebook("nb", fan(200))
    with space.start("aquery", "//nb") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "//nb:source\n"
        process.stdout.close()
        assert process.stderr.read() == ""
