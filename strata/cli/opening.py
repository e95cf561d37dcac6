"""Showing a file in the program that the user has for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path


def open_file(path: Path) -> bool:
    """Whether a program was found that shows the file."""
    program = os.environ.get("BROWSER") or ("open" if sys.platform == "darwin" else "xdg-open")
    found = shutil.which(program)
    if found is None:
        return False
    ended = subprocess.run([found, str(path)], check=False, stdin=subprocess.DEVNULL)
    return ended.returncode == 0
