"""What a forked process does to be as one that was started for its cell.

Where a module that was imported ahead keeps something that each process has of its own, it gets it
here. What cannot be mended is not imported ahead: `preload`.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


generators: list[Any] = []
"""Those of NumPy that were seeded by the system; each process asks it anew."""


def begin(header: Mapping[str, Any]) -> None:
    """The process is in its folder, and has its variables. Raises `OSError`."""
    os.chdir(header["folder"])
    os.environ["TMPDIR"] = header["scratch"]
    for name, renew in _RENEWED.items():
        module = sys.modules.get(name)
        if module is not None:
            renew(module)
    for generator in generators:
        generator.state = type(generator)().state


def _renew_tempfile(module: Any) -> None:
    module.tempdir = None  # the name that `gettempdir` has found
    module._name_sequence = None


def _renew_multiprocessing(module: Any) -> None:
    key = module.AuthenticationString(os.urandom(32))
    module.current_process()._config["authkey"] = key
    module.ORIGINAL_DIR = os.getcwd()


def _renew_logging(module: Any) -> None:
    import time

    nanoseconds = isinstance(module._startTime, int)  # since Python 3.13
    module._startTime = time.time_ns() if nanoseconds else time.time()


MENDED = frozenset({"tempfile.tempdir", "multiprocessing.process.ORIGINAL_DIR"})
"""Names that may say where the process was: they get what they are to be."""

_RENEWED = {
    "tempfile": _renew_tempfile,
    "multiprocessing.process": _renew_multiprocessing,
    "logging": _renew_logging,
}
"""`random` seeds itself in a forked process."""
