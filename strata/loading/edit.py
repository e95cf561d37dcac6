"""Edits of what is on disk: new notebooks, and annotation lines. Everything else is the user's.

`notebook.toml` is written last, as it is what makes a folder a notebook; if anything fails, what
was made is removed again, and nothing that was there before is touched.
"""

from __future__ import annotations

import codecs
import os
import re
import shutil
import unicodedata
from datetime import datetime
from pathlib import Path

from strata.core.errors import NotebookError
from strata.loading.annotations import parse_annotations
from strata.loading.environment import PROJECT_FILE
from strata.loading.packages import CELLS_FOLDER, NOTEBOOK_FILE

STARTER_ID = "start"
_STARTER_FILE = f"{STARTER_ID}.py"
_STARTER = """\
# A name that a cell assigns can be read by every other cell.
greeting = "hello"
greeting
"""


def new_notebook(
    folder: Path, name: str, now: datetime, notebook_id: str, with_environment: bool
) -> None:
    """Makes a notebook with one cell in `folder`, which may be there already.

    `with_environment` adds a `pyproject.toml` unless the folder has one. Raises `NotebookError` if
    there is a notebook already, if the name cannot be used, or if writing fails.
    """
    _check(folder, name)
    made: list[Path] = []
    try:
        _make_folder(folder, made)
        _make_folder(folder / CELLS_FOLDER, made)
        starter = folder / CELLS_FOLDER / _STARTER_FILE
        if not os.path.lexists(starter):
            _write(starter, _STARTER, made)
        if with_environment and not os.path.lexists(folder / PROJECT_FILE):
            _write(folder / PROJECT_FILE, _project_file(name), made)
        _write(folder / NOTEBOOK_FILE, _notebook_file(name, now, notebook_id), made)
    except BaseException as problem:
        _remove(made)
        if not isinstance(problem, OSError):
            raise
        reason = (problem.strerror or str(problem)).lower()
        place = problem.filename or folder
        raise NotebookError(
            f"cannot make the notebook: {place}: {reason}",
            path=str(folder),
            hint="choose a folder that you can write to",
        ) from problem


_LINE_END = re.compile(rb"\r\n|\n|\r")
_ENCODING = re.compile(rb"#.*?coding[:=][ \t]*[-\w.]+")
"""A declaration of the encoding, which must stay on line 1 or 2: PEP 263."""


def add_annotation(path: Path, line: str, comments: tuple[str, ...]) -> None:
    """The cell in the file `path` has the annotation `line`, beside those it had.

    `comments` are what begins a comment in such a cell. The file is replaced as a whole, where it
    is: a link stays one. Raises `OSError`.
    """
    target = Path(os.path.realpath(path))
    changed = with_annotation(target.read_bytes(), line, comments)
    draft = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        draft.write_bytes(changed)
        shutil.copymode(target, draft)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def with_annotation(data: bytes, line: str, comments: tuple[str, ...]) -> bytes:
    """The text `data` of a cell with one more annotation; no other byte is changed.

    It comes after the last annotation; without any, at the top, below a byte order mark, a `#!`
    line and a declaration of the encoding. It ends as the lines around it do.
    """
    end = _LINE_END.search(data)
    line_end = end[0] if end is not None else b"\n"
    lines = re.findall(rb"[^\r\n]*(?:\r\n|\r|\n|$)", data)
    text = data.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    above = max((a.line for a in parse_annotations(text, comments)), default=0)
    above = above or _lines_that_stay_first(lines)
    start = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) and not above else 0
    at = start or sum(map(len, lines[:above]))
    before, after = data[:at], data[at:]
    if before[start:] and not before.endswith((b"\n", b"\r")):
        return before + line_end + line.encode() + after
    return before + line.encode() + line_end + after


def _lines_that_stay_first(lines: list[bytes]) -> int:
    """How many lines at the top must stay where they are."""
    first = [line.removeprefix(codecs.BOM_UTF8).rstrip() for line in lines[:2]]
    count = 1 if first and first[0].startswith(b"#!") else 0
    for number, line in enumerate(first, start=1):
        if line and not line.startswith(b"#"):
            break  # the block of annotations ends here
        if _ENCODING.match(line):
            count = number
    return count


def _check(folder: Path, name: str) -> None:
    if os.path.lexists(folder / NOTEBOOK_FILE):
        raise NotebookError(
            "there is a notebook already", path=str(folder), hint="choose another folder or name"
        )
    if not name.strip() or not name.isprintable():
        raise NotebookError(
            f"a notebook cannot be called {name!r}", hint="use letters, digits and spaces"
        )
    if ":" in folder.name or not folder.name.isprintable():
        raise NotebookError(
            f"a notebook folder cannot be called {folder.name!r}",
            hint="labels could not name it: leave out ':' and control characters",
        )


def _make_folder(folder: Path, made: list[Path]) -> None:
    missing = [f for f in (folder, *folder.parents) if not f.is_dir()]
    for parent in reversed(missing):
        parent.mkdir()
        made.append(parent)


def _write(path: Path, text: str, made: list[Path]) -> None:
    # "x": whoever made the file in the meantime keeps theirs.
    with path.open("x", encoding="utf-8", newline="\n") as file:
        made.append(path)
        file.write(text)


def _remove(made: list[Path]) -> None:
    for path in reversed(made):
        try:
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink(missing_ok=True)
        except OSError:
            return  # somebody put a file of theirs into it


def _notebook_file(name: str, now: datetime, notebook_id: str) -> str:
    import tomlkit  # 25 ms, and only new and edited notebooks need it

    document = tomlkit.document()
    document["notebook_id"] = notebook_id
    document["name"] = name
    document["created_at"] = now
    document["updated_at"] = now
    cell = tomlkit.table()
    cell["id"] = STARTER_ID
    cell["file"] = _STARTER_FILE
    cell["language"] = "python"
    cell["order"] = 10
    cells = tomlkit.aot()
    cells.append(cell)
    document["cells"] = cells
    return tomlkit.dumps(document)


def _project_file(name: str) -> str:
    return (
        "[project]\n"
        f'name = "{_project_name(name)}"\n'
        'version = "0.1.0"\n'
        'requires-python = ">=3.11"\n'
        "dependencies = []\n"
    )


def _project_name(name: str) -> str:
    """`name` as a project may be called: the specification "Names and normalization" of PyPA."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "notebook"
