"""Five hundred cells in a chain, and five hundred in a fan."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.workspaces import Workspace, chain, fan


@pytest.mark.slow
def test_five_hundred_cells_in_a_chain(tmp_path: Path) -> None:
    space = Workspace(tmp_path)
    space.notebook("nb", chain(500))
    assert len(space.build("-j2").ran) == 500
    assert space.build("-j2").ran == []
    assert space.run("show", "//nb:x499").out.split()[-1] == "499"
    # The same value from another source: early cutoff stops right there.
    space.cell("nb", "c0").write_text("x0 = 1 - 1")
    assert space.build("-j2").ran == ["//nb:c0"]


@pytest.mark.slow
def test_five_hundred_cells_in_a_fan(tmp_path: Path) -> None:
    space = Workspace(tmp_path)
    space.notebook("nb", fan(500))
    assert len(space.build("-j2").ran) == 502
    assert space.build("-j2").ran == []
    expected = sum(1 + i for i in range(500))
    assert space.run("show", "//nb:total%total").out.split()[-1] == str(expected)
    space.cell("nb", "c7").write_text("y7 = x + 8")
    assert space.build("-j2").ran == ["//nb:c7", "//nb:total"]
