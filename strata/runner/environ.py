"""`os.environ`, with an ear for variables that the cell's code asks for and does not get.

A cell has few of the caller's variables. One that it asks for, and that the caller has, was
probably meant to be declared. It counts when code of the user's asks: libraries look at many
variables (`COLUMNS`, `CI`) of which nobody wants to hear.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType
    from typing import Any

_BETWEEN = {__name__, "os", "_collections_abc", "collections.abc", "posixpath"}
"""Where `os.getenv`, `environ.get`, `in` and `expandvars` are."""
_OF_CELLS = "strata_cell_"

_hidden: dict[object, str] = {}
"""Names as `os.environ` and as `os.environb` has them, to the name."""
_asked: dict[str, None] = {}
_is_users: list[Callable[[str], bool]] = []


def install(names: Iterable[str], is_users: Callable[[str], bool]) -> None:
    """From now on, code that asks for one of `names` in vain is noticed if it is the user's.

    `is_users` tells it of a file; code of cells always is.
    """
    for name in names:
        _hidden[name] = _hidden[os.fsencode(name)] = name
    _is_users[:] = [is_users]
    # Not another object in its place: `from os import environ` may have happened.
    os.environ.__class__ = _Heard
    if os.supports_bytes_environ:
        os.environb.__class__ = _Heard


def asked() -> list[str]:
    """The names that were asked for, in that order."""
    return list(_asked)


class _Heard(os._Environ):  # type: ignore[type-arg]
    """All ways of asking lead through `__getitem__`: `get`, `in`, `pop`, `setdefault`, `getenv`."""

    def __getitem__(self, key: Any) -> Any:
        try:
            return super().__getitem__(key)
        except KeyError:
            _missed(key)
            raise


def _missed(key: object) -> None:
    name = _hidden.get(key)
    if name is not None and name not in _asked and _is_of_user(sys._getframe(2)):
        _asked[name] = None


def _is_of_user(frame: FrameType | None) -> bool:
    while frame is not None and frame.f_globals.get("__name__") in _BETWEEN:
        frame = frame.f_back
    if frame is None:
        return False
    module = str(frame.f_globals.get("__name__"))
    if module == "__main__" or module.startswith(_OF_CELLS):
        return True
    return any(is_users(frame.f_code.co_filename) for is_users in _is_users)
