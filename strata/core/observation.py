"""What an action turned out to depend on when it ran, beside what its key holds.

An observation is a name and the value that it had, both text. Names have a kind before the first
colon:

    file:PATH     the content of a file that it read: a digest, or "absent"
    made:PATH     the content of a file that it wrote, as it was afterwards
    log:PATH      a file that it only appended to: it depends on nothing of it
    folder:PATH   the names in a folder: a digest of the sorted list, or "absent"
    dist:NAME     a locked distribution, as `strata.loading.lock` identifies it, or "absent"
    module:NAME   a module that was looked for and not found: what would provide it, or "absent"

Paths are relative to the workspace root, absolute where they are outside of it. A set of
observations is recorded with a result; the result holds as long as each name has its value. So if
a file that the action wrote is gone or changed, it must run again to make it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Observed: TypeAlias = Mapping[str, str]
"""Observation name to the value it had."""

ABSENT = "absent"
"""The value of what is not there; no digest is spelled so."""

FILE, MADE, LOG = "file:", "made:", "log:"
FOLDER, DIST, MODULE = "folder:", "dist:", "module:"
