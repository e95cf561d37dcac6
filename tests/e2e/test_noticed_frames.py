"""Arrays and data frames between cells: kept, cut off, and changed in place."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from uv import find_uv_bin

from tests.e2e.noticed import Watched, plain

pytestmark = pytest.mark.slow

PROJECT = (
    '[project]\nname = "frames"\nversion = "0"\nrequires-python = ">=3.11"\n'
    'dependencies = ["numpy", "pandas"]\n'
)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with what the cells below import: from uv's cache, else from the network."""
    folder = tmp_path_factory.mktemp("frames")
    (folder / "pyproject.toml").write_text(PROJECT)
    command = [find_uv_bin(), "lock", "--quiet", "--directory", str(folder)]
    if subprocess.run([*command, "--offline"], check=False, stderr=-3).returncode:
        subprocess.run(command, check=True)
    return folder


@pytest.fixture
def space(tmp_path: Path, project: Path) -> Watched:
    """All tests share one cache, so that the environment is made once."""
    space = Watched(tmp_path)
    for name in ("pyproject.toml", "uv.lock"):
        space.write(name, (project / name).read_text())
    space.variables["STRATA_CACHE_DIR"] = str(project / "cache")
    if "UV_CACHE_DIR" in os.environ:
        space.variables["UV_CACHE_DIR"] = os.environ["UV_CACHE_DIR"]
    return space


def ran_of(space: Watched, cells: Mapping[str, str]) -> list[str]:
    """What ran of these cells; their texts are in no other test, as the cache is shared."""
    space.cells(cells)
    return space.ran()


def test_equal_arrays_and_frames_in_another_layout_rerun_nothing_below(space: Watched) -> None:
    makes = (
        "import numpy as np, pandas as pd\n"
        "a = np.arange(6.0)\nb = np.ones((2, 3))\n"
        "df = pd.DataFrame({'k': [1, 2], 'v': [0.5, 1.5], 's': ['p', 'q']})\n"
        "ser = pd.Series([1, 2], name='n')\nix = pd.Index(['p', 'q'])\n"
    )
    other = (
        "import numpy as np, pandas as pd\n"
        "a = np.repeat(np.arange(6.0), 2)[::2]\nb = np.ones((2, 6))[:, ::2]\n"
        "df = pd.DataFrame({'k': [1, 2]})\ndf['v'] = [0.5, 1.5]\ndf['s'] = ['p', ''.join('q')]\n"
        "ser = pd.Series([0, 1, 2], name='n')[1:].reset_index(drop=True)\n"
        "ix = pd.Index(['p', 'q', 'r'])[:2]\n"
    )
    reads = {
        "strided": "p = float(a.sum())",
        "sliced": "q = b.shape",
        "unconsolidated": "r = df.shape",
        "series": "s = len(ser)",
        "index": "t = len(ix)",
    }
    ran_of(space, {"makes": makes, **reads})
    space.edit("makes", other)
    assert space.ran() == ["makes"]


KEPT = {
    "a frame with None": (
        "import pandas as pd\ndf = pd.DataFrame({'a': [1, 'x', None]})",
        "x = [int(df['a'].isna().sum()), df['a'].tolist()[:2]]",
    ),
    "what a frame carries": (
        "import pandas as pd\nt = pd.Timestamp('2026-01-02', tz='UTC')\n"
        "df = pd.DataFrame({'c': pd.Categorical(['p', 'q']), 't': [t, t]}, index=[5, 6])\n"
        "df.attrs['k'] = 1",
        "x = [str(df.dtypes['c']), df.index.tolist(), df.attrs, type(t).__name__]",
    ),
    "masks, scalars, shapes": (
        "import numpy as np\nm = np.ma.masked_array([1.0, 100.0], [0, 1])\n"
        "s, z, w = np.float32(1.5), np.array(3), np.matrix([[1]])",
        "x = [float(m.mean()), type(s).__name__, z.shape, type(w).__name__]",
    ),
    "records and objects": (
        "import numpy as np\nr = np.array([(1, 2.5)], dtype=[('i', 'i4'), ('f', 'f8')])\n"
        "o = np.array([{'k': 1}, None], dtype=object)",
        "x = [r['f'].tolist(), o.tolist(), str(r.dtype)]",
    ),
    "an array can be written to": (
        "import numpy as np\narr = np.arange(3.0)",
        "arr[0] = 9\narr += 1\nx = arr.tolist()",
    ),
}


@pytest.mark.parametrize(("makes", "reads"), KEPT.values(), ids=list(KEPT))
def test_it_arrives_as_it_was(space: Watched, makes: str, reads: str) -> None:
    cells = {"makes": makes, "reads": reads}
    ran_of(space, cells)
    assert space.values("x") == plain(cells, "x")


CHANGED = {
    "a column that is set": {
        "make": "import pandas as pd\ndf = pd.DataFrame({'a': [1, 2]})",
        "set": "df['b'] = df['a'] * 2",
        "ask": "x = df['b'].tolist()",
    },
    "a frame changed with inplace": {
        "make": "import pandas as pd\ndf = pd.DataFrame({'a': [1.0, None]})",
        "set": "df.dropna(inplace=True)",
        "ask": "x = len(df)",
    },
    "an array changed by a slice": {
        "make": "import numpy as np\narr = np.zeros(4)",
        "set": "arr[1:3] = 5",
        "ask": "x = arr.tolist()",
    },
    "a generator drawn from by a bare call": {
        "make": "import numpy as np\nrng = np.random.default_rng(0)",
        "set": "rng.random(3)",
        "ask": "x = float(rng.random())",
    },
}


@pytest.mark.parametrize("cells", CHANGED.values(), ids=list(CHANGED))
def test_as_in_a_program_or_said(space: Watched, cells: dict[str, str]) -> None:
    """Where a second name shares what is changed, the error says which names to write."""
    space.cells(cells)
    if space.run("build", "--json").code:
        said = space.hint("set")
        cure = said.partition("`# @mutates ")[2].partition("`")[0]
        space.cells(cells | {"set": f"# @mutates {cure}\n{cells['set']}"})
        space.ran()
    assert space.values("x") == plain(cells, "x")
    assert space.ran() == []


SAID = {
    "df": {
        "make": "import pandas as pd\ndf = pd.DataFrame({'a': [1.0, None]})",
        "help": "def clean(frame):\n    frame.dropna(inplace=True)\n    return 1",
        "set": "n = clean(df)",
        "ask": "x = len(df)",
    },
    "arr": {
        "make": "import numpy as np\narr = np.arange(9)\nrng = np.random.default_rng(0)",
        "set": "rng.shuffle(arr)",
        "ask": "x = arr.tolist()",
    },
    "view": {
        "make": "import numpy as np\nbase = np.zeros(4)\nview = base[1:]",
        "set": "base[2] = 7",
        "ask": "x = view.tolist()",
    },
}


@pytest.mark.parametrize(("name", "cells"), SAID.items(), ids=list(SAID))
def test_a_change_that_no_statement_shows_is_an_error_that_names(
    space: Watched, name: str, cells: dict[str, str]
) -> None:
    space.cells(cells)
    said = space.hint("set")
    assert f"'{name}'" in said
    cure = said.partition("`# @mutates ")[2].partition("`")[0]
    space.cells(cells | {"set": f"# @mutates {cure}\n{cells['set']}"})
    space.ran()
    assert space.values("x") == plain(cells, "x")
    assert space.ran() == []
