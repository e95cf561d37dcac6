"""Small workspaces on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from strata.loading.workspace import Workspace, load_workspace

Files = Mapping[str, str | bytes]


def write_files(root: Path, files: Files) -> None:
    """Writes `files` (relative path to content) below `root`."""
    for path, content in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.fixture
def make_workspace(tmp_path: Path) -> Callable[[Files], Workspace]:
    """Writes files and opens the workspace that they are."""

    def make(files: Files) -> Workspace:
        write_files(tmp_path, {"strata.toml": "", **files})
        return load_workspace(tmp_path, {})

    return make
