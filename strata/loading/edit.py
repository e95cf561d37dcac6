"""Edits of what is on disk: new notebooks. Everything else a user wrote is theirs.

`notebook.toml` is written last, as it is what makes a folder a notebook; if anything fails, what
was made is removed again, and nothing that was there before is touched.
"""

from __future__ import annotations

import os
import re
import unicodedata
from datetime import datetime
from pathlib import Path

from strata.core.errors import NotebookError
from strata.loading.environment import PROJECT_FILE
from strata.loading.notebook import CELLS_FOLDER
from strata.loading.packages import NOTEBOOK_FILE

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
