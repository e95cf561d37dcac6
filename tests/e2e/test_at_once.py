"""Two builds of one workspace at once: both right, no deadlock, no corruption."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.workspaces import Ended, Workspace, chain, fan

ROUNDS = 6


def test_two_builds_at_once_are_both_right(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "w")
    for round_ in range(ROUNDS):
        cells = fan(15) | {f"z{k}": v.replace("x", "q") for k, v in chain(15).items()}
        cells["source"] = f"x = {round_}"
        space.notebook("nb", cells)
        first = space.start("build", "--json", "//nb")
        second = space.start("build", "--json", "//nb")
        ended = [Ended(p.wait(120), *p.communicate()) for p in (first, second)]
        for one in ended:
            assert one.code == 0, one.err
        assert ended[0].digests == ended[1].digests
        assert space.build().ran == []


def test_a_clean_beside_a_build_waits_or_refuses(tmp_path: Path) -> None:
    """`strata clean` while a build runs never takes a file from under it."""
    space = Workspace(tmp_path / "w")
    space.notebook("nb", chain(40))
    for _ in range(3):
        building = space.start("build", "--json", "//nb")
        cleaned = space.run("clean")
        out, err = building.communicate(timeout=120)
        assert building.returncode == 0, err
        assert Ended(0, out, err).digests["//nb:c39%x39"]
        if cleaned.code:
            assert cleaned.code == 4
            assert "in use" in cleaned.err
            assert "wait until the build has ended" in cleaned.err
        space.build()
        assert space.build().ran == []
