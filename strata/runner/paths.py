"""Names of files, as they are asked for and as they are told."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    Signature = tuple[int, int, int, int]
    """Size in bytes, mtime_ns, ctime_ns, inode."""

CACHE = "/__pycache__"


def tidied(path: str) -> str:
    """Without `.`, `..` and empty parts; what `..` leads to depends on the link before it.

    Other links stay: where they point to is part of what the path means.
    """
    path = "/" + path.lstrip("/")
    if f"{path}/".find("/../") < 0:
        return os.path.normpath(path)
    found = ""
    for part in path.split("/"):
        if part == "..":
            found = os.path.realpath(found) if os.path.islink(found) else found
            found = found.rpartition("/")[0]
        elif part not in ("", "."):
            found = f"{found}/{part}"
    return found or "/"


def source_of(path: str) -> str:
    """The file that a `.pyc` in a `__pycache__` was compiled from; "" for any other file there."""
    folder, _, name = path.rpartition("/")
    if not folder.endswith(CACHE) or not name.endswith(".pyc"):
        return ""
    return f"{folder[: -len(CACHE)]}/{name.partition('.')[0]}.py"


def database(path: Any) -> str:
    """The file that SQLite is asked to open; empty for one in memory."""
    text = os.fsdecode(path)
    if text.startswith("file:"):
        text, _, options = text[len("file:") :].partition("?")
        if "mode=memory" in options:
            return ""
        if text.startswith("//"):
            text = "/" + text[2:].partition("/")[2]
        if "%" in text:
            from urllib.parse import unquote

            text = unquote(text)
    return "" if text == ":memory:" else text


def is_text(name: str) -> bool:
    """Whether `name` can be told: one that is not UTF-8 on disk has no text that means it."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def prefixes(root: str, folders: Iterable[str]) -> tuple[str, ...]:
    """What paths below `folders` begin with. One that holds the workspace holds more than Python:
    a workspace may lie in `/usr/src`, and `/usr` be the prefix."""
    found = {os.path.join(folder, "") for folder in folders if folder}
    return tuple(prefix for prefix in found if not root.startswith(prefix))


_stat = os.stat


def signature_of(path: str) -> Signature | tuple[()] | None:
    """How a regular file looks; empty for what is none, None where nothing can be seen."""
    try:
        status = _stat(path)
    except OSError:
        return None
    if status.st_mode & 0o170000 != 0o100000:
        return ()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
