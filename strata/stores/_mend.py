"""Runs `_salvage` in a child, and tells what came of it.

A module of its own because `subprocess` takes longer to import than a null build has, and is needed
only after a crash.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from strata.stores._salvage import Verdict

_LEAST_TIME_S = 30.0
_SLOWEST_BYTES_PER_S = 20e6

# With -I and -S nothing of the user's reaches the child but this path.
_PROGRAM = (
    "import sys; sys.path[:] = sys.argv[3:];"
    "from strata.stores._salvage import main; sys.exit(main(sys.argv[1], sys.argv[2]))"
)


def salvage(folder: Path, copy: Path | None) -> Verdict:
    """Reads all of the environment in `folder`, into a new one in the folder `copy` if given.

    The caller MUST hold the environment alone. `copy` MUST be empty; it has no environment
    afterwards if not even the first record could be read.
    """
    command = [sys.executable, "-I", "-S", "-c", _PROGRAM, str(folder), str(copy or "")]
    size_bytes = (folder / "data.mdb").stat().st_size
    timeout_s = _LEAST_TIME_S + size_bytes / _SLOWEST_BYTES_PER_S
    try:
        done = subprocess.run(
            [*command, *sys.path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Verdict.DAMAGED
    known = done.returncode in (Verdict.WHOLE, Verdict.NO_ROOM)
    return Verdict(done.returncode) if known else Verdict.DAMAGED
