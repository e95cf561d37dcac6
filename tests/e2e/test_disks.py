"""A full disk, a read-only one: one clear message, nothing lost."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.workspaces import STRATA, Workspace, chain


def _in_namespace(script: str, space: Workspace) -> subprocess.CompletedProcess[str]:
    """Runs a shell script as root of a mount namespace of its own."""
    assert shutil.which("unshare"), "these tests need unshare (Debian package util-linux)"
    return subprocess.run(
        ["unshare", "--map-root-user", "--mount", "bash", "-euc", script],
        cwd=space.root,
        env=space.environ() | {"STRATA": str(STRATA)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    space = Workspace(tmp_path / "w")
    space.notebook(
        "nb", chain(4) | {"big": "big = bytes(range(256)) * 40_000", "end": "n = len(big)"}
    )
    return space


def test_a_read_only_workspace_builds_and_is_cached_elsewhere(
    space: Workspace, tmp_path: Path
) -> None:
    """A notebook on a read-only disk builds; its results are kept in the user's cache folder."""
    space.variables["XDG_CACHE_HOME"] = str(tmp_path / "user-cache")
    script = (
        f'mount --bind "{space.root}" "{space.root}" && mount -o remount,bind,ro "{space.root}"\n'
        f'cd "{space.root}"\n'
        '"$STRATA" build --json //nb >"$XDG_CACHE_HOME-1" \n'
        '"$STRATA" build --json //nb --profile "$XDG_CACHE_HOME-3" >"$XDG_CACHE_HOME-2" \n'
    )
    ended = _in_namespace(script, space)
    assert ended.returncode == 0, ended.stderr
    first, second = (
        json.loads((tmp_path / f"user-cache-{n}").read_text())["summary"] for n in (1, 2)
    )
    assert first["ran"] == 6
    assert second["cached"] == 6
    assert "read-only" in ended.stderr
    assert not (space.root / ".strata").exists()
    assert json.loads((tmp_path / "user-cache-3").read_text())["traceEvents"]


def test_a_full_disk_says_so_and_loses_nothing(space: Workspace, tmp_path: Path) -> None:
    """Where results no longer fit the build says so; with space again it goes on from there."""
    cache = tmp_path / "small"
    cache.mkdir()
    space.variables["STRATA_CACHE_DIR"] = str(cache / "cache")
    script = (
        f'mount -t tmpfs -o size=6m tmpfs "{cache}"\n'
        'code=0; "$STRATA" build //nb || code=$?\n'
        'echo "code $code"\n'
        f'mount -o remount,size=100m "{cache}"\n'
        '"$STRATA" build //nb\n'
        '"$STRATA" build //nb\n'
    )
    ended = _in_namespace(script, space)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "strata/cli/" not in ended.stderr
    full, _, rest = ended.stdout.partition("code ")
    assert rest.startswith("1"), ended.stdout
    assert "No space left on device" in full
    assert "6 cells: 0 ran, 6 cached, 0 failed" in rest
    assert "4 cached" in rest.split("6 cells: 0 ran")[0]
