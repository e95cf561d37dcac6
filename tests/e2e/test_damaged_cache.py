"""Any file of the cache deleted, cut short or with a flipped bit: the next build is right."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.workspaces import Workspace

CELLS = {
    "small": "small = {'a': [1, 2, 3]}",
    "large": "large = bytes(range(256)) * 8000",
    "middle": "middle = large[:200_000] + bytes(small['a'])",
    "end": "end = (len(large), len(middle), small)\nprint('made')\nend",
}


def _delete(path: Path, _choose: random.Random) -> None:
    path.unlink()


def _truncate(path: Path, choose: random.Random) -> None:
    size = path.stat().st_size
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.truncate(choose.randrange(size) if size else 0)


def _flip(path: Path, choose: random.Random) -> None:
    size = path.stat().st_size
    if size == 0:
        return
    path.chmod(0o644)
    with path.open("r+b") as file:
        at = choose.randrange(size)
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ (1 << choose.randrange(8))]))


def _garbage(path: Path, choose: random.Random) -> None:
    path.chmod(0o644)
    path.write_bytes(choose.randbytes(path.stat().st_size or 100))


@pytest.mark.parametrize("damage", [_delete, _truncate, _flip, _garbage])
def test_every_file_of_the_state_may_be_damaged(
    tmp_path: Path, damage: Callable[[Path, random.Random], None]
) -> None:
    choose = random.Random(damage.__name__)
    whole = Workspace(tmp_path / "whole")
    whole.notebook("nb", CELLS)
    expected = whole.build().digests
    files = [p for p in sorted((whole.root / ".strata").rglob("*")) if p.is_file()]
    assert len(files) > 4, files
    for number, file in enumerate(files):
        broken = Workspace(tmp_path / f"broken-{number}")
        shutil.copytree(whole.root, broken.root, dirs_exist_ok=True)
        damage(broken.root / file.relative_to(whole.root), choose)
        # A changed consumer must get right bytes, whichever of its inputs were damaged.
        broken.cell("nb", "end").write_text(CELLS["end"] + "\nlen(large)")
        ended = broken.build()
        assert ended.digests == expected, file
        assert broken.build().ran == []
        shutil.rmtree(broken.root)


def test_every_blob_may_be_damaged_between_two_builds(tmp_path: Path) -> None:
    """All blobs of the content store at once, again and again."""
    choose = random.Random(7)
    space = Workspace(tmp_path)
    space.notebook("nb", CELLS)
    expected = space.build().digests
    for number in range(6):
        for file in (tmp_path / ".strata" / "cache" / "cas").rglob("*"):
            if file.is_file():
                choose.choice([_delete, _truncate, _flip, _garbage])(file, choose)
        space.cell("nb", "middle").write_text(CELLS["middle"] + f"\nlen(large) + {number}")
        space.cell("nb", "end").write_text(CELLS["end"] + f"\n{number}")
        assert space.build().digests == expected
