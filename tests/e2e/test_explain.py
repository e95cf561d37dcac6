"""What `-n` says is what the next build does, in real workspaces with random edits."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.workspaces import Workspace

CELLS = {
    "raw": "# @env MODE\nimport os\nraw = [1, 2, 3, len(os.environ['MODE'])]",
    "helper": "def clean(x):\n    return x + 1",
    "table": "rows = open('table.csv').read().split()",
    "named": "name = 'secret' + '.txt'\ntext = open(name).read()",
    "clean": "df = [clean(v) for v in raw]",
    "small": "head = df[:1]",
    "total": "total = sum(df) + len(rows) + len(text)",
    "report": "import shapes\nreport = [shapes.area(total), head]",
}


def world(folder: Path) -> Workspace:
    space = Workspace(folder, {"MODE": "fast"})
    space.notebook("nb", CELLS)
    space.write("nb/table.csv", "a b c")
    space.write("nb/secret.txt", "one")
    space.write("nb/shapes.py", "def area(x):\n    return x * x\n")
    return space


def edits(space: Workspace, chance: random.Random) -> list[Callable[[], object]]:
    number = chance.randrange(4)
    return [
        lambda: space.write("nb/cells/helper.py", f"def clean(x):\n    return x + {number}\n"),
        lambda: space.write("nb/cells/helper.py", "def clean(x):\n    return x + 1  # same\n"),
        lambda: space.write("nb/cells/small.py", f"head = df[:{number}]\n"),
        lambda: space.write("nb/cells/raw.py", f"{CELLS['raw']}\nraw.append({number})\n"),
        lambda: space.write("nb/table.csv", "a " * (number + 1)),
        lambda: space.write("nb/secret.txt", "x" * number),
        lambda: space.write("nb/shapes.py", f"def area(x):\n    return x * {number}\n"),
        lambda: space.variables.update(MODE="slow!"[: number + 1]),
        lambda: space.write("nb/cells/total.py", f"total = 1 / {number}\n"),
        lambda: space.write("nb/cells/total.py", CELLS["total"]),
    ]


@pytest.mark.parametrize("seed", range(2))
def test_what_a_plan_says_is_what_the_next_build_does(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    space = world(tmp_path / "w")
    for _ in range(8):
        for edit in chance.sample(edits(space, chance), chance.randrange(3)):
            edit()
        planned = space.run("build", "-n", "--json").report
        checked = space.run("build", "--check", "--json").code
        built = {c["label"]: c for c in space.run("build", "--json").report["cells"]}
        said = {cell["status"] for cell in planned["cells"]}
        assert checked == (0 if said == {"cached"} else 3)
        for cell in planned["cells"]:
            became = built[cell["label"]]
            if cell["status"] == "cached":
                assert became["status"] == "cached"
                assert became["outputs"] == cell["outputs"]
            elif cell["status"] == "would_run":
                assert became["status"] in ("ran", "failed")
                assert became["reason"] == cell["reason"]
            else:
                assert cell["status"] == "unknown"
                assert cell["reason"].startswith("until //nb:")
