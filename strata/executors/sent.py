"""Whether an output is what the runner said it is: it becomes part of the store.

The runner's end is reached by the user's code, so files and claims are checked, not believed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from strata.core.result import Output
from strata.executors.frames import OutputSent


def wrong_output(sent: OutputSent, inputs: Mapping[str, Output], scratch: Path) -> str | None:
    """What is wrong with how an output was sent, or None."""
    if sent.same_as is None:
        return None if sent.path is None else wrong_file(sent, scratch)
    given = inputs.get(sent.same_as)
    told = (sent.codec, sent.size_bytes, None)
    if given is None or (given.codec, given.digest.size_bytes, given.part) != told:
        return f"an output that is said to be the input {sent.same_as!r}"
    return None


def wrong_file(sent: OutputSent, scratch: Path) -> str | None:
    """What is wrong with the file of an output, or None: it becomes part of the store.

    Only a plain file of the scratch folder, with no second name outside by which it could still
    be changed, and as long as was said.
    """
    assert sent.path is not None
    if not os.path.realpath(sent.path).startswith(f"{scratch}{os.sep}"):
        return f"an output file outside the scratch folder: {sent.path}"
    try:
        status = os.lstat(sent.path)
    except OSError as problem:
        return f"an output file that is not there: {problem}"
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        return f"an output file that is not a plain file: {sent.path}"
    if status.st_size != sent.size_bytes:
        return f"an output file of {status.st_size} bytes instead of {sent.size_bytes}"
    return None
