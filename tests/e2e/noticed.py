"""One notebook, `//nb`, that is edited and built many times: in this process, to be fast.

What a test says of a build is which cells ran, by id, and what they made. `plain` gives what a
Python program of the same cells makes, the reference for values.
"""

from __future__ import annotations

import ast
import contextlib
import io
import os
import subprocess
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uv import find_uv_bin

from strata.cli.main import run
from tests.e2e.workspaces import Ended, Workspace

NB = "nb"


@dataclass
class Watched(Workspace):
    """A workspace whose builds are told by what ran."""

    def run(self, *arguments: str, cwd: Path | None = None, timeout_s: float = 0) -> Ended:
        """The program as a user calls it, but without a process of its own."""
        out, err = io.StringIO(), io.StringIO()
        with (
            contextlib.chdir(cwd or self.root),
            _environ(self.environ()),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = run([*arguments])
        assert "strata/cli/" not in err.getvalue(), err.getvalue()  # no traceback of ours
        return Ended(code, out.getvalue(), err.getvalue())

    def build(self, *arguments: str, code: int = 0) -> Ended:
        ended = self.run("build", "--json", *arguments)
        assert ended.code == code, (ended.code, ended.err)
        return ended

    def cells(self, cells: Mapping[str, str], top: str = "") -> None:
        """Writes the notebook `//nb`: its cells, in that order."""
        self.notebook(NB, cells, top)

    def edit(self, cell: str, source: str) -> None:
        self.cell(NB, cell).write_text(source)

    def ran(self, *arguments: str) -> list[str]:
        """Builds, which must succeed; the ids of the cells that ran, sorted."""
        return ids(self.build(*arguments).ran)

    def fails(self, *arguments: str) -> dict[str, dict[str, Any]]:
        """Builds, which must fail; the errors of the cells that failed, by id."""
        ended = self.build(*arguments, code=1)
        found = {c["label"]: c["error"] for c in ended.report["cells"] if c["error"]}
        return {label.rpartition(":")[2]: error for label, error in found.items()}

    def hint(self, cell: str) -> str:
        """Builds, where `cell` alone must fail; the message and the advice."""
        failed = self.fails()
        assert list(failed) == [cell], failed
        assert failed[cell]["hint"], failed
        return f"{failed[cell]['message']}\n{failed[cell]['hint']}"

    def text(self, name: str) -> str:
        """What `strata show` says of a variable of the notebook, without a head line."""
        ended = self.run("show", f"//{NB}:%{name}" if ":" in name else f"//{NB}:{name}", "--json")
        assert ended.code == 0, ended.err
        summary: str = ended.report["summaries"][name]
        return summary.rpartition("\n")[2]

    def value(self, name: str) -> Any:
        """A variable that is a plain literal, as it was last built."""
        return ast.literal_eval(self.text(name))

    def values(self, *names: str) -> dict[str, Any]:
        return {name: self.value(name) for name in names}

    def stdout(self, cell: str) -> str:
        """What the cell last printed, or would have if its result had not been there."""
        ended = self.run("log", f"//{NB}:{cell}", "--json")
        assert ended.code == 0, ended.err
        chunks = ended.report["console"]
        return "".join(chunk["text"] for chunk in chunks if chunk["stream"] == "stdout")

    def warnings(self, *arguments: str) -> list[str]:
        """Builds, which must succeed; the warnings."""
        said = self.build(*arguments).err.splitlines()
        return [line.partition(" ")[2] for line in said if line.startswith("warning: ")]


def ids(labels: list[str]) -> list[str]:
    """Labels without their notebooks."""
    return [label.rpartition(":")[2] for label in labels]


def plain(cells: Mapping[str, str], *names: str) -> dict[str, Any]:
    """What a Python program of the cells, from top to bottom, makes of `names`."""
    program: dict[str, Any] = {"__name__": "__main__"}
    exec("\n".join(cells.values()), program)
    return {name: program[name] for name in names}


@contextlib.contextmanager
def _environ(variables: Mapping[str, str]) -> Iterator[None]:
    """`variables` are the caller's environment, and nothing else is."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def wheel(folder: Path, name: str, version: str, text: str, needs: Sequence[str] = ()) -> None:
    """A distribution of one module, by hand."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    required = "".join(f"Requires-Dist: {need}\n" for need in needs)
    files = {
        f"{name}.py": text,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{required}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as packed:
        for path, content in {**files, f"{info}/RECORD": record}.items():
            packed.writestr(path, content)


def lock(project: Path, wheels: Path, *needs: str) -> None:
    """A project that needs `name==version`s of wheels in a folder, and nothing of a network."""
    listed = ", ".join(f'"{need}"' for need in needs)
    (project / "pyproject.toml").write_text(
        f'[project]\nname = "watched"\nversion = "0"\nrequires-python = ">=3.11"\n'
        f'dependencies = [{listed}]\n[tool.uv]\nno-index = true\nfind-links = ["{wheels}"]\n'
    )
    subprocess.run(
        [find_uv_bin(), "lock", "--quiet", "--directory", str(project)], check=True, timeout=60
    )
