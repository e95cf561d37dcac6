"""Names of files, as they are asked for and as they are told."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CACHE = "/__pycache__"


def tidied(path: str) -> str:
    """Without `.`, `..` and empty parts; what `..` leads to depends on links."""
    path = "/" + path.lstrip("/")
    if f"{path}/".find("/../") < 0:
        return os.path.normpath(path)
    folder, _, name = path.rpartition("/")
    if name in ("", ".", ".."):
        return os.path.realpath(path)
    return os.path.join(os.path.realpath(folder), name)


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
