"""Environment variables, secrets, the lock: what a cell declares or can reach counts, no more."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.noticed import Watched, lock, wheel


@pytest.fixture
def space(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


# -- variables ----------------------------------------------------------------------------------

ASKS = "import os\nx = os.environ.get('MODE', 'unset')"


def test_a_declared_variable_that_changes_reruns_the_cells_that_declare_it(space: Watched) -> None:
    space.cells({"asks": f"# @env MODE\n{ASKS}", "other": "y = 1"})
    space.ran()
    for mode in ("fast", "slow"):
        space.variables["MODE"] = mode
        assert space.ran() == ["asks"]
        assert space.value("x") == mode
    del space.variables["MODE"]
    assert space.ran() == []
    assert space.value("x") == "unset"


def test_a_variable_written_in_the_notebook_reaches_a_computed_name(space: Watched) -> None:
    body = {"asks": "import os\nk = 'MO'\nx = os.environ[k + 'DE']"}
    for mode in ("fast", "slow"):
        space.cells(body, f'[env]\nMODE = "{mode}"')
        assert space.ran() == ["asks"]
        assert space.value("x") == mode


def test_an_undeclared_variable_is_not_passed_and_a_warning_names_it(space: Watched) -> None:
    space.cells({"asks": ASKS})
    space.variables["MODE"] = "fast"
    (said,) = space.warnings()
    assert "MODE" in said
    assert "@env MODE" in said
    assert space.value("x") == "unset"
    space.variables["MODE"] = "slow"
    assert space.ran() == []
    del space.variables["MODE"]
    assert space.ran() == []


def test_a_variable_that_nobody_has_is_no_warning(space: Watched) -> None:
    space.cells({"asks": ASKS})
    assert space.warnings() == []


@pytest.mark.parametrize("name", ["USER", "HOME", "PATH", "PYTHONHASHSEED", "LANG", "TZ"])
def test_who_builds_and_where_reruns_nothing(space: Watched, name: str, tmp_path: Path) -> None:
    space.cells({"asks": "import os\nx = sorted({'b', 'a', 'c'})\nn = len(os.environ) > 0"})
    space.ran()
    before = space.environ().get(name, "")
    space.variables[name] = {"PATH": f"{before}:{tmp_path}", "PYTHONHASHSEED": "7"}.get(
        name, str(tmp_path)
    )
    assert space.ran() == []


def test_a_secret_counts_by_its_name_and_is_nowhere(space: Watched) -> None:
    """Not in a log, a display, an error, a key, or any file of the state."""
    show = "import os\nprint(os.environ['API_TOKEN'])\nos.environ['API_TOKEN']"
    space.cells({
        "shows": f"# @env API_TOKEN\n{show}",
        "uses": "# @env API_TOKEN\nimport os\nx = len(os.environ['API_TOKEN'])",
        "raises": "# @env API_TOKEN\nimport os\nraise ValueError(os.environ['API_TOKEN'])",
    })  # fmt: skip
    secrets = ("hunter22-first", "hunter22-second")
    space.variables["API_TOKEN"] = secrets[0]
    first = space.build("--events", "events.ndjson", code=1)
    assert first.ran == ["//nb:shows", "//nb:uses"]
    space.variables["API_TOKEN"] = secrets[1]
    second = space.build(code=1)
    assert second.ran == []
    assert space.stdout("shows").strip() == "***"
    said = [one.out + one.err for one in (first, second)]
    kept = [path.read_bytes() for path in space.root.rglob("*") if path.is_file()]
    for secret in secrets:
        assert not [text for text in said if secret in text]
        assert not [data for data in kept if secret.encode() in data]


def test_a_set_comes_out_in_the_same_order_in_every_process(space: Watched) -> None:
    body = "x = list({'a', 'b', 'c', 'd', 'e', 'f'})\ny = hash('a')"
    space.cells(
        {"first": body, "second": "p = list({'a', 'b', 'c', 'd', 'e', 'f'})\nq = hash('a')"}
    )
    space.ran()
    values = space.values("x", "p", "y", "q")
    assert (values["x"], values["y"]) == (values["p"], values["q"])
    space.ran("--force")
    assert space.values("x", "p", "y", "q") == values


# -- the lock -----------------------------------------------------------------------------------

LOCKED = {
    "plain": "a = 1",
    "alpha": "import alpha\nb = alpha.value",
    "beta": "import beta\nc = beta.value",
    "through": "def f():\n    import beta\n    return beta.value",
    "calls": "d = f()",
    "computed": "e = __import__('al' + 'pha').value",
}


@pytest.fixture
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`beta` needs `gamma`; nobody needs `delta`."""
    folder = tmp_path_factory.mktemp("wheels")
    for version in ("1.0", "2.0"):
        for name in ("alpha", "gamma", "delta"):
            wheel(folder, name, version, f"value = {version}\n")
        wheel(
            folder, "beta", version, f"import gamma\nvalue = {version} + gamma.value\n", ["gamma"]
        )
    return folder


@pytest.fixture
def locked(space: Watched, wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    space.cells(LOCKED)
    lock(space.root / "nb", wheels, "alpha==1.0", "beta==1.0", "gamma==1.0")
    space.variables["UV_CACHE_DIR"] = str(tmp_path_factory.getbasetemp() / "uv")
    assert space.ran() == sorted(LOCKED)
    return space


def test_of_the_lock_what_a_cell_can_reach_counts(locked: Watched, wheels: Path) -> None:
    """Added, reformatted, upgraded directly and through another, and back."""
    nb = locked.root / "nb"
    lock(nb, wheels, "alpha==1.0", "beta==1.0", "gamma==1.0", "delta==1.0")
    assert locked.ran() == []
    text = (nb / "uv.lock").read_text()
    (nb / "uv.lock").write_text("# Remark.\n" + re.sub(r"\n\n", "\n\n\n", text))
    assert locked.ran() == []
    lock(nb, wheels, "alpha==2.0", "beta==1.0", "gamma==1.0", "delta==1.0")
    assert locked.ran() == ["alpha", "computed"]
    assert locked.values("b", "e") == {"b": 2.0, "e": 2.0}
    lock(nb, wheels, "alpha==2.0", "beta==1.0", "gamma==2.0")
    ran = locked.ran()
    assert {"beta", "calls"} <= set(ran) <= {"beta", "calls", "through"}
    assert locked.values("c", "d") == {"c": 3.0, "d": 3.0}
    lock(nb, wheels, "alpha==1.0", "beta==1.0", "gamma==1.0")
    assert locked.ran() == []
    assert locked.values("b", "c", "e") == {"b": 1.0, "c": 2.0, "e": 1.0}


def test_a_distribution_that_was_missing_and_is_added_is_noticed(
    locked: Watched, wheels: Path
) -> None:
    tries = "try:\n    import delta\n    x = delta.value\nexcept ImportError:\n    x = None"
    locked.cells(LOCKED | {"tries": tries})
    assert locked.ran() == ["tries"]
    assert locked.value("x") is None
    lock(locked.root / "nb", wheels, "alpha==1.0", "beta==1.0", "gamma==1.0", "delta==1.0")
    assert locked.ran() == ["tries"]
    assert locked.value("x") == 1.0


def test_with_the_whole_lock_every_change_of_it_counts(locked: Watched, wheels: Path) -> None:
    locked.write("strata.toml", '[build]\nenvironment = "whole-lock"\n')
    assert locked.ran() == sorted(LOCKED)
    assert locked.ran() == []
    lock(locked.root / "nb", wheels, "alpha==1.0", "beta==1.0", "gamma==1.0", "delta==1.0")
    assert locked.ran() == sorted(LOCKED)


def test_an_instance_of_a_distributions_class_follows_it_where_it_is_not_imported(
    space: Watched, wheels: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = "class Box:\n    def get(self):\n        return {}\n"
    for version in ("1.0", "2.0"):
        wheel(wheels, "boxes", version, text.format(version))
    space.cells(
        {"makes": "import boxes\nbox = boxes.Box()", "asks": "x = box.get()", "no": "y = 1"}
    )
    space.variables["UV_CACHE_DIR"] = str(tmp_path_factory.getbasetemp() / "uv")
    lock(space.root / "nb", wheels, "boxes==1.0")
    space.ran()
    lock(space.root / "nb", wheels, "boxes==2.0")
    assert space.ran() == ["asks", "makes"]
    assert space.value("x") == 2.0
