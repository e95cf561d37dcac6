"""The folder of a cache as a whole: which layout it has, how large it is, and emptying it.

Whoever opens, moves aside or clears a cache holds its `open.lock` meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from blake3 import blake3

from strata.core.errors import StoreUnreachable
from strata.stores._blobfiles import BlobFiles
from strata.stores._environment import in_use
from strata.stores._filesystem import ELSEWHERE, is_read_only, locked, unreachable

LAYOUT = 1
"""Raised when an older Strata would misread a cache. It makes every cache of every user cold."""

_CONTENT = ("index", "cas", "tmp")


@contextmanager
def prepared(folder: Path) -> Iterator[None]:
    """`folder` has the current layout, and nobody clears it within. Raises `StoreUnreachable`.

    Where we may not write, whatever is there is taken as it is if it is of the current layout.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        holding = locked(folder / "open.lock")
        holding.__enter__()
    except FileExistsError as problem:
        raise _in_the_way(folder) from problem
    except OSError as problem:
        if not is_read_only(problem) or not folder.is_dir():
            raise unreachable(problem, "open", folder) from problem
        _refuse_newer(folder, _layout_in(folder))
        yield
        return
    try:
        _make_current(folder)
        yield
    finally:
        holding.__exit__(None, None, None)


def clear(folder: Path) -> None:
    """Empties the cache in `folder`; what is not a cache's is left. Raises `StoreUnreachable`.

    Refuses while a process has the cache open: it may be reading files that would be removed.
    """
    if not folder.is_dir():
        return
    try:
        with locked(folder / "open.lock"):
            if in_use(folder / "index"):
                raise StoreUnreachable(
                    "the cache is in use", path=str(folder), hint="wait until the build has ended"
                )
            for name in (*_CONTENT, "old", "STORE_VERSION"):
                _remove(folder / name)
    except OSError as problem:
        raise unreachable(problem, "clear", folder) from problem


def size_bytes(folder: Path) -> int:
    """What the cache in `folder` takes on the disk; 0 if there is none. Safe beside builds."""
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            try:
                found = Path(place, name).lstat()
            except FileNotFoundError:  # removed meanwhile
                continue
            total += found.st_blocks * 512
    return total


def _make_current(folder: Path) -> None:
    layout = _layout_in(folder)
    _refuse_newer(folder, layout)
    if layout is not None and layout < LAYOUT:
        _move_aside(folder)
    if layout != LAYOUT:
        # A version that cannot be read is damage, not a version: the content verifies itself.
        _write_version(folder)
    files = BlobFiles(folder)
    files.make_folders()
    files.remove_abandoned()


def _layout_in(folder: Path) -> int | None:
    """What STORE_VERSION says; None if it is missing or damaged."""
    try:
        text = (folder / "STORE_VERSION").read_bytes()
    except FileNotFoundError:
        return None
    claim, _, checksum = text.strip().rpartition(b" ")
    number = claim.rpartition(b" ")[2]
    intact = checksum == _checksum(claim) and claim.startswith(b"strata cache ")
    return int(number) if intact and number.isdigit() else None


def _write_version(folder: Path) -> None:
    claim = b"strata cache %d" % LAYOUT
    temporary = folder / "STORE_VERSION.new"
    temporary.write_bytes(claim + b" " + _checksum(claim) + b"\n")
    temporary.replace(folder / "STORE_VERSION")


def _checksum(claim: bytes) -> bytes:
    return blake3(claim).hexdigest()[:16].encode()


def _refuse_newer(folder: Path, layout: int | None) -> None:
    if layout is not None and layout > LAYOUT:
        raise StoreUnreachable(
            f"the cache was written by a newer Strata (layout {layout}, this one knows {LAYOUT})",
            path=str(folder),
            hint="upgrade Strata, or set STRATA_CACHE_DIR to another folder",
        )


def _move_aside(folder: Path) -> None:
    _remove(folder / "old")
    (folder / "old").mkdir()
    for name in _CONTENT:
        if (folder / name).exists():
            (folder / name).rename(folder / "old" / name)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        import shutil  # 4 ms, which no null build has

        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _in_the_way(folder: Path) -> StoreUnreachable:
    return StoreUnreachable(
        "the cache cannot be here: something that is not a folder is in the way",
        path=str(folder),
        hint=f"remove it, or {ELSEWHERE}",
    )
