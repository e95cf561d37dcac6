"""What an action turned out to depend on when it ran, beside what its key holds.

An observation is a name and the value that it had, both text. Names have a kind before the first
colon:

    file:PATH     the content of a file: 64 hex digits, or "absent"
    folder:PATH   the names in a folder: a digest of the sorted list, or "absent"
    dist:NAME     a locked distribution, as `strata.loading.lock` identifies it, or "absent"
    module:NAME   a module that was looked for and not found: what would provide it, or "absent"

Paths are relative to the workspace root, absolute where they are outside of it. A set of
observations is recorded with a result; the result holds as long as each name has its value. A
file that the action wrote is in the set too, as it was afterwards: if it is gone or changed, the
action must run again to make it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Observed: TypeAlias = Mapping[str, str]
"""Observation name to the value it had."""

ABSENT = "absent"
"""The value of what is not there; no digest is spelled so."""

FILE, FOLDER, DIST, MODULE = "file:", "folder:", "dist:", "module:"
