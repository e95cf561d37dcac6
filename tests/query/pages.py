"""The examples of the pages about questions, and the workspace that they are of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.workspaces import Workspace

DOCS = Path(__file__).parents[2] / "docs"


def shown(text: str) -> Iterator[tuple[str, str]]:
    """Each command that `text` shows, without `strata`, and what it prints."""
    for block in re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for one in re.split(r"^\$ strata ", block, flags=re.MULTILINE)[1:]:
            command, _, said = one.partition("\n")
            yield command, said


def sections() -> tuple[str, str]:
    """Of the reference: what is about expressions, and what comes behind."""
    page = (DOCS / "reference" / "query.md").read_text(encoding="utf-8")
    _, _, behind = page.partition("\n## Expressions")
    expressions, _, outputs = behind.partition("\n## ")
    return expressions, outputs


def hello_and_report(root: Path) -> Workspace:
    """The two notebooks that the reference speaks of."""
    space = Workspace(root)
    hello = {
        "numbers": "numbers = [1, 2, 3]\n",
        "squares": "squares = [n * n for n in numbers]\n",
        "total": "total = sum(squares)\n",
        "largest": "largest = max(squares)\n",
    }
    space.notebook("hello", hello)
    report = {"intro": "", "write": "# @after intro\n\ntext = str(total)\n"}
    space.notebook("report", report, top='[inputs]\ntotal = "//hello:total"\n')
    toml = (root / "report" / "notebook.toml").read_text().replace("intro.py", "intro.md")
    space.write("report/notebook.toml", toml)
    space.write("report/cells/intro.md", "# Report\n")
    return space
