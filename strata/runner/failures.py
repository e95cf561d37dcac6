"""What is said about a cell that failed: the user's frames, never ours.

An exception and those behind it (`__cause__`, `__context__`, the members of groups) have their
tracebacks mended first: our frames are left out, and of endless recursion only both ends are
kept. Then the standard library prints them. Whatever a class of the user's does in `__str__`, a
failure can be told; its size is bounded.
"""

from __future__ import annotations

import os
import sys
from types import TracebackType

from .definitions import MODULE_PREFIX, NotAtHand
from .inputs import InputFailed
from .outputs import printable
from .values import class_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

_OURS = os.path.dirname(__file__) + os.sep
_LONGEST_MESSAGE = 4_000
_LONGEST_TRACEBACK = 60_000
_MOST_FRAMES_AT_EACH_END = 1_000
_MOST_EXCEPTIONS = 50
_NOT_IN_MAIN = "on <module '__main__'"
"""What `pickle` says of a function or class that the cell which pickled it defines."""


def describe(problem: BaseException, files: Collection[str]) -> dict[str, object]:
    """The `failed` frame for what a cell raised. `files` are the names of the code of cells."""
    if isinstance(problem, InputFailed):
        behind = problem.__cause__
        if behind is None or _place(behind, files) == (None, None):
            return _frame("input", problem, str(problem), hint=problem.hint)
        problem = behind  # code of a cell failed while it was loaded: that is what to tell
    _mend_all(problem, files)
    file, line = _place(problem, files)
    kind, message, hint = _kind(problem)
    return _frame(kind, problem, message, file, line, _text(problem), hint)


def describe_internal(problem: BaseException) -> dict[str, object]:
    """The `failed` frame for what is no fault of a cell: the machine's, or ours."""
    import traceback

    text = "".join(traceback.format_exception(type(problem), problem, problem.__traceback__))
    return _frame("infrastructure", problem, _message(problem), traceback=text)


def _frame(
    kind: str,
    problem: BaseException,
    message: str,
    file: str | None = None,
    line: int | None = None,
    traceback: str = "",
    hint: str | None = None,
) -> dict[str, object]:
    return {
        "type": "failed",
        "kind": kind,
        "type_name": class_name(type(problem)),
        "message": printable(_cut(message, _LONGEST_MESSAGE)),
        "file": file,
        "line": line,
        "traceback": printable(_cut(traceback, _LONGEST_TRACEBACK)),
        "hint": hint,
    }


def _kind(problem: BaseException) -> tuple[str, str, str | None]:
    """The word for how the cell failed, the message, and advice."""
    if isinstance(problem, SystemExit):
        message = f"the cell called exit with code {_shown(problem.code)}"
        return "exit", message, "let the cell run to its end; raise an error to stop the build"
    if isinstance(problem, KeyboardInterrupt):
        return "interrupt", _message(problem) or "interrupted", None
    hint = problem.hint if isinstance(problem, NotAtHand) else None
    if isinstance(problem, EOFError) and "EOF when reading a line" in _message(problem):
        hint = "a cell has no keyboard; pass the value through a variable or a file"
    if isinstance(problem, AttributeError) and _NOT_IN_MAIN in _message(problem):
        hint = NotAtHand.hint
    return "exception", _message(problem), hint


def _message(problem: BaseException) -> str:
    if isinstance(problem, SyntaxError) and isinstance(problem.msg, str):
        return problem.msg  # `str` adds the place, which is told apart
    return _shown(problem, str)


def _shown(value: object, show: type[str] | None = None) -> str:
    try:
        return str(value) if show else repr(value)
    except BaseException:  # noqa: BLE001 - code of the user's
        return f"<a {type(value).__name__} that cannot be shown>"


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    left_out = len(text) - longest
    head, tail = text[: longest // 3], text[-longest * 2 // 3 :]
    return f"{head}\n... {left_out:,} characters left out ...\n{tail}"


def _mend_all(problem: BaseException, files: Collection[str]) -> None:
    """The tracebacks of `problem` and of those behind it show frames of the user's only."""
    waiting = [problem]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        seen.add(id(one))
        one.__traceback__ = _mended(one.__traceback__, files)
        if len(seen) >= _MOST_EXCEPTIONS:
            one.__cause__ = one.__context__ = None
            continue
        behind = [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
        waiting.extend(e for e in behind if isinstance(e, BaseException) and id(e) not in seen)


def _mended(traceback: TracebackType | None, files: Collection[str]) -> TracebackType | None:
    frames = _frames(traceback)
    first = next((i for i, t in enumerate(frames) if _file(t) in files), 0)
    kept = [t for t in frames[first:] if not _file(t).startswith(_OURS)]
    if len(kept) > 2 * _MOST_FRAMES_AT_EACH_END:
        kept = kept[:_MOST_FRAMES_AT_EACH_END] + kept[-_MOST_FRAMES_AT_EACH_END:]
    mended = None
    for one in reversed(kept):
        mended = TracebackType(mended, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return mended


def _frames(traceback: TracebackType | None) -> list[TracebackType]:
    frames = []
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    return frames


def _file(traceback: TracebackType) -> str:
    return traceback.tb_frame.f_code.co_filename


def _place(problem: BaseException, files: Collection[str]) -> tuple[str | None, int | None]:
    """Where in a cell `problem` came from: the innermost frame within one."""
    if isinstance(problem, SyntaxError) and problem.filename in files:
        return problem.filename, problem.lineno
    for one in reversed(_frames(problem.__traceback__)):
        if _file(one) in files and not _file(one).startswith("<"):
            return _file(one), one.tb_lineno
    return None, None


def _text(problem: BaseException) -> str:
    """The traceback as Python prints it, with the names that the user gave."""
    import traceback

    try:
        lines = traceback.format_exception(type(problem), problem, problem.__traceback__)
    except BaseException as also:  # noqa: BLE001 - code of the user's, run by `traceback`
        lines = [
            f"{class_name(type(problem))}: (its traceback cannot be shown: {type(also).__name__})\n"
        ]
    text = "".join(lines)
    for name in list(sys.modules):
        if name.startswith(MODULE_PREFIX):
            text = text.replace(f"{name}.", "")
    return text
