"""Labels and target patterns: how cells are named on the command line and in every message.

Grammar (formats.md, "Labels and patterns"):

    label    //dir/of/notebook:cell        one cell; `//:cell` in a notebook at the root
             …%var                         one variable of it
             …@iter=12  …@rf               one iteration of a loop, one variant
    pattern  label · //dir (all its cells) · //dir/... · //... · :cell · plain/path · -pattern

Parsing is pure: it knows the current folder only as an argument, and never whether a cell exists.
Which cells a pattern means is the index of cells' business (`strata.analysis.targets`).
"""

from __future__ import annotations

import posixpath
from enum import Enum
from typing import NamedTuple

from strata.core.dataclass import dataclass
from strata.core.errors import LabelError


class Label(NamedTuple):
    """The name of one cell: its package (a folder relative to the root, "" for the root) and id.

    A tuple, because no value is hashed and compared more often, and tuples do both in C.
    """

    package: str
    name: str

    def __str__(self) -> str:
        return f"//{self.package}:{self.name}"


class Scope(Enum):
    """How much of the workspace a pattern covers."""

    CELL = "one cell of a package"
    PACKAGE = "all cells of one package"
    SUBTREE = "all cells of a package and of the packages below it"


@dataclass(frozen=True, slots=True)
class TargetPattern:
    """One pattern, made absolute. `text` is what the user wrote, for messages."""

    text: str
    scope: Scope
    package: str
    name: str | None = None
    variable: str | None = None
    qualifier: str | None = None
    negative: bool = False


def stem_of(file: str) -> str:
    """The name of a file without its folder and its last suffix, which may stand for its cell."""
    name = file.rpartition("/")[2]
    front, _, suffix = name.rpartition(".")
    return front if front and suffix else name


def parse_label(text: str) -> Label:
    """The label written `//package:name`; `LabelError` for any other form."""
    pattern = parse_pattern(text, current_package="")
    plain = pattern.variable is None and pattern.qualifier is None and not pattern.negative
    if not text.startswith("//") or pattern.name is None or not plain:
        raise LabelError(f"'{text}' is not a label", hint="a label looks like //notebook:cell")
    return Label(pattern.package, pattern.name)


def parse_pattern(text: str, current_package: str | None) -> TargetPattern:
    """The pattern that `text` means to someone standing in `current_package`.

    `current_package` is the current folder relative to the workspace root ("" for the root
    itself), or None outside the workspace. Raises `LabelError`.
    """
    negative = text.startswith("-")
    body = text[1:] if negative else text
    if not body:
        raise LabelError(f"'{text}' is not a target pattern", hint=_FORMS)
    folder, colon, rest = _split(body)
    if colon and not rest:
        raise LabelError(f"'{text}' names no cell after the colon", hint=_FORMS)
    subtree = False
    if (not colon or rest in _ALL) and (folder == "..." or folder.endswith("/...")):
        subtree = True
        folder = folder[:-3].rstrip("/") if folder != "//..." else "//"
    package = _package(folder, current_package, text)
    if subtree:
        return TargetPattern(text, Scope.SUBTREE, package, negative=negative)
    if not colon or rest in _ALL:
        return TargetPattern(text, Scope.PACKAGE, package, negative=negative)
    name, variable, qualifier = _split_cell(rest, text)
    return TargetPattern(text, Scope.CELL, package, name, variable, qualifier, negative)


_ALL = ("all", "*", "all-targets")
"""What stands for all cells after the colon, as in Bazel."""

_FORMS = "write //notebook:cell, //notebook, //folder/..., //..., :cell, or a path to a notebook"


def _split(body: str) -> tuple[str, str, str]:
    """Folder, colon and cell; a name that holds a colon keeps all but the first."""
    return body.partition(":")


def _split_cell(rest: str, text: str) -> tuple[str, str | None, str | None]:
    name, at, qualifier = rest.partition("@")
    if not at:
        name, percent, variable = rest.partition("%")
    else:
        qualifier, percent, variable = qualifier.partition("%")
    if not name or (at and not qualifier) or (percent and not variable):
        raise LabelError(f"'{text}' is not a target pattern", hint=_FORMS)
    return name, variable or None, qualifier or None


def _package(folder: str, current_package: str | None, text: str) -> str:
    """`folder` as a package: relative to the root, without trailing or doubled slashes."""
    if folder.startswith("//"):
        path = folder[2:]
        if path.startswith("/"):
            raise LabelError(f"'{text}' is not a target pattern", hint=_FORMS)
    elif current_package is None:
        raise LabelError(
            f"'{text}' is relative, and the current folder is outside the workspace",
            hint="write it from the root: //notebook:cell",
        )
    else:
        path = posixpath.join(current_package, folder)
    normal = posixpath.normpath(path) if path else ""
    if normal == ".":
        return ""
    if normal == ".." or normal.startswith(("../", "/")):
        raise LabelError(f"'{text}' lies outside the workspace")
    return normal
