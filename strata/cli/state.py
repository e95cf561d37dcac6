"""Where a workspace's state is that is not source: cache, journal, index, environments."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from strata.core.digest import digest_bytes
from strata.core.errors import StoreUnreachable

STATE_DIR = ".strata"

_IGNORE = "# Strata's own state: nothing here is source.\n*\n"


def state_folder(root: Path, environ: Mapping[str, str]) -> Path:
    """`.strata` below the root; in the user's cache folder where the workspace is read-only."""
    usual = root / STATE_DIR
    if os.access(usual if usual.is_dir() else root, os.W_OK):
        return usual
    home = environ.get("XDG_CACHE_HOME") or os.path.join(environ.get("HOME", "/tmp"), ".cache")
    name = digest_bytes(os.fsencode(root)).hex[:16]
    return Path(home) / "strata" / "workspaces" / name


def ensure_state(state: Path) -> None:
    """The state folder is there, and hides itself from git. Raises `StoreUnreachable`."""
    try:
        state.mkdir(parents=True, exist_ok=True)
        ignore = state / ".gitignore"
        if not ignore.exists():
            ignore.write_text(_IGNORE)
    except OSError as problem:
        raise StoreUnreachable(
            f"the folder {state} cannot be made: {problem.strerror}",
            hint="make the workspace writable, or set STRATA_CACHE_DIR to a folder that is",
        ) from problem
