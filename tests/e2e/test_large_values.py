"""Large values from cell to cell, through all of Strata."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.e2e.workspaces import Workspace

MAPS = """
with open("/proc/self/maps") as maps:
    loaded = sorted({line.rsplit("/", 1)[-1].strip() for line in maps if "/cas/" in line})
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")
def test_a_cell_that_reads_one_of_ten_variables_loads_one(tmp_path: Path) -> None:
    space = Workspace(tmp_path)
    many = "\n".join(f"v{n} = bytearray([{n}]) * 2_000_000" for n in range(10))
    space.notebook("nb", {"many": many, "one": f"size = len(v3)\n{MAPS}"})
    ended = space.build()
    assert ended.ran == ["//nb:many", "//nb:one"]
    outputs = json.loads(space.run("show", "//nb:many", "--json").out)["outputs"]
    shown = space.run("show", "//nb:one%loaded").out
    assert [name for name in outputs if outputs[name]["digest"].split("/")[0] in shown] == ["v3"]


def test_a_value_that_is_only_looked_at_is_the_same_blob(tmp_path: Path) -> None:
    """A method called as a statement makes it an output; its bytes are those it was given."""
    space = Workspace(tmp_path)
    cells = {"make": "data = bytearray(3_000_000)", "look": "data.find(1)", "end": "n = len(data)"}
    space.notebook("nb", cells)
    first = space.build()
    assert first.ran == ["//nb:end", "//nb:look", "//nb:make"]
    blobs = list((space.root / ".strata" / "cache" / "cas").glob("*/*"))
    assert len(blobs) == 1
    space.cell("nb", "look").write_text("data.find(2)")
    assert space.build().ran == ["//nb:look"], "it seemed to change what it looked at"
