"""The text of a cell, and its syntax tree; every way in which a text can be no Python at all.

Nothing is executed, and no warning about the cell's code is printed.
"""

from __future__ import annotations

import ast
import re
import sys
import threading
import warnings
from typing import NoReturn

from strata.core.errors import CellError
from strata.loading.scope import ipython

_WARNINGS = threading.Lock()
"""`warnings.catch_warnings` changes the whole process: one parser at a time."""

_TOO_DEEP = "syntax error: the code is nested too deeply for Python"
_TOO_DEEP_HINT = "split the expression into several statements"


def clean(source: str, path: str) -> str:
    """`source` as the parser sees it: no byte order mark, lines end in a line feed."""
    if "\0" in source:
        line = 1 + source[: source.index("\0")].count("\n")
        raise CellError(
            "syntax error: the file contains a NUL byte",
            path=path,
            line=line,
            hint="save the cell as UTF-8 text",
        )
    return source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def parse(text: str, path: str) -> ast.Module:
    """The tree of a text that Python accepts as a cell (`await` may stand outside a function).

    Raises CellError with the line for all others, and for what only IPython understands.
    """
    try:
        return _compile(text)
    except SyntaxError as error:
        _refuse(error, text, path)
    except (RecursionError, MemoryError):
        raise CellError(_TOO_DEEP, path=path, hint=_TOO_DEEP_HINT) from None
    except UnicodeError:
        what = "syntax error: the text contains half a surrogate pair"
        raise CellError(what, path=path, hint="save the cell as UTF-8 text") from None
    except ValueError as error:
        raise CellError(f"syntax error: {error}", path=path) from None


def _compile(text: str) -> ast.Module:
    """`break` outside a loop, `return` outside a function and such are found by the compiler
    only, not by the parser.
    """
    await_anywhere = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = compile(
            text, "<cell>", "exec", flags=await_anywhere | ast.PyCF_ONLY_AST, dont_inherit=True
        )
        assert isinstance(tree, ast.Module)
        try:
            compile(tree, "<cell>", "exec", flags=await_anywhere, dont_inherit=True)
        except RecursionError:  # the text is compiled without turning objects into a tree
            compile(text, "<cell>", "exec", flags=await_anywhere, dont_inherit=True)
    return tree


def parses(text: str) -> bool:
    """Python's parser accepts `text`."""
    try:
        with _WARNINGS, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "<cell>", "exec", flags=ast.PyCF_ONLY_AST, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def expression(text: str) -> ast.expr | None:
    """The tree of an expression; None for what is none."""
    try:
        with _WARNINGS, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _refuse(error: SyntaxError, text: str, path: str) -> NoReturn:
    found = ipython.find(text.split("\n"), parses)
    if found is not None:
        raise CellError(found.what, path=path, line=found.line, hint=found.hint) from None
    lines = text.split("\n")
    line = min(error.lineno or 1, len(lines))
    at = lines[line - 1] if line >= 1 else ""
    raise CellError(
        f"syntax error: {error.msg}", path=path, line=error.lineno, hint=_hint(error, at)
    ) from None


def _hint(error: SyntaxError, line: str) -> str | None:
    if isinstance(error, TabError):
        return "indent with spaces only"
    if isinstance(error, IndentationError):
        return "lines of one block begin in the same column; cells begin in the first"
    needed = _needs(error.msg, line)
    if needed is not None and sys.version_info < needed:
        ours = f"{sys.version_info.major}.{sys.version_info.minor}"
        return (
            f"this looks like syntax of Python {needed[0]}.{needed[1]}, and Strata itself runs"
            f" on {ours}: install Strata with a newer Python"
        )
    if "outside function" in error.msg:
        return "a cell is the code of a module, not of a function"
    return None


_NEWER_SYNTAX = (
    (re.compile(r"\s*type\s+\w+\s*(\[.*\])?\s*="), (3, 12)),
    (re.compile(r"\s*(async\s+)?(def|class)\s+\w+\s*\["), (3, 12)),
    (re.compile(r".*\b(?:t|tr|rt)['\"]", re.IGNORECASE), (3, 14)),
)


def _needs(message: str, line: str) -> tuple[int, int] | None:
    """The Python that first understood `line`, as far as one can tell."""
    if message.startswith("f-string:"):
        return (3, 12)
    if message.startswith("multiple exception types must be parenthesized"):
        return (3, 14)
    return next((version for pattern, version in _NEWER_SYNTAX if pattern.match(line)), None)
