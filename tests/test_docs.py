"""The documentation says what the code says: names, not prose, are held against each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args
from urllib.parse import unquote

import click
import pytest

from strata.cli.main import COMMANDS, LazyGroup
from strata.console.jsonlines import event_fields
from strata.core import events
from strata.core.action import make_ready
from strata.core.errors import ExitCode
from strata.core.label import Label
from strata.core.result import CellFailure, FailureKind
from strata.loading.directives import ANNOTATIONS
from strata.runner.values import CODECS
from tests.factories import actions_of

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "changelog.d").glob("*.md"))]
PAGES += [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "examples" / "README.md"]
PAGE_OF_COMMAND = {"names": "names-command.md"}
"""Commands whose page cannot have their name, as another page has it."""

LABEL = Label("nb", "cell")
FAILURE = CellFailure(FailureKind.EXCEPTION, "ValueError", "no")
EXAMPLES: dict[type, events.Event] = {
    type(event): event
    for event in (
        events.BuildStarted(1, 1),
        events.CellStarted(LABEL, "local", "never built"),
        events.CellOutput(LABEL, "stdout", "text"),
        events.CellRetried(LABEL, 1, FAILURE),
        events.CellFinished(LABEL, events.Status.RAN),
        events.Notice("note", "text", LABEL),
        events.Unchanged(("cached    //nb:cell",)),
        events.BuildFinished(1, 0, 0, 0, 0.1),
        events.CellVerified(LABEL, events.Verdict.VERIFIED),
        events.VerificationFinished(1, 1, 0, 0, 7),
    )
}

_FENCE = re.compile(r"^(```+).*?^\1\s*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return _FENCE.sub("", text_of(page))


def links(page: Path) -> Iterator[str]:
    """The relative links of a page."""
    for target in _LINK.findall(prose(page)):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def table_keys(page: Path) -> set[str]:
    """What stands in code marks in the first column of the page's tables."""
    rows = re.findall(r"^\| *`([^`|]+)`", text_of(page), re.MULTILINE)
    return {row.strip() for row in rows}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        path, _, anchor = unquote(link).partition("#")
        target = page if not path else (page.parent / path)
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


def test_every_page_can_be_reached_from_the_table_of_contents() -> None:
    index = ROOT / "docs" / "index.md"
    listed = {(index.parent / link.partition("#")[0]).resolve() for link in links(index)}
    assert not {p for p in (ROOT / "docs").rglob("*.md") if p != index} - listed


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_of_a_command_names_all_its_options(name: str) -> None:
    command = LazyGroup().get_command(click.Context(click.Command("strata")), name)
    assert command is not None
    page = text_of(REFERENCE / PAGE_OF_COMMAND.get(name, f"{name}.md"))
    options = [p for p in command.params if isinstance(p, click.Option)]
    spellings = [s for p in options for s in (*p.opts, *p.secondary_opts)]
    assert not [s for s in spellings if f"`{s}" not in page]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_of_a_command_names_no_option_that_is_not_there(name: str) -> None:
    command = LazyGroup().get_command(click.Context(click.Command("strata")), name)
    assert command is not None
    options = [p for p in command.params if isinstance(p, click.Option)]
    known = {s for p in options for s in (*p.opts, *p.secondary_opts)}
    page = text_of(REFERENCE / PAGE_OF_COMMAND.get(name, f"{name}.md"))
    rows = re.findall(r"^\| *(`-.*?) \|", page, re.MULTILINE)
    named = {s for row in rows for s in re.findall(r"`(--?[a-zA-Z_:-]+)", row)}
    assert named <= known


def test_every_annotation_is_documented() -> None:
    page = prose(REFERENCE / "annotations.md")
    assert not [key for key in ANNOTATIONS if not re.search(rf"`@{key}\b", page)]


def test_no_annotation_is_documented_that_is_not_known() -> None:
    tables = re.findall(r"^\|.*$", prose(REFERENCE / "annotations.md"), re.MULTILINE)
    keys = {key for row in tables for key in re.findall(r"`@(\w+)", row)}
    assert keys <= set(ANNOTATIONS)


def test_every_component_of_the_key_of_a_python_cell_is_documented() -> None:
    action = actions_of(a="x = 1")["a"]
    components = set(make_ready(action, {}).provenance)
    assert components <= table_keys(REFERENCE / "action-key.md")


def test_every_event_is_documented_with_all_its_fields() -> None:
    page = text_of(REFERENCE / "events.md")
    rows = {
        row.split("|")[2].strip(" `"): row for row in page.splitlines() if row.startswith("| `")
    }
    for kind in get_args(events.Event):
        name, fields = event_fields(EXAMPLES[kind])
        assert f"`{name}`" in rows[kind.__name__]
        assert not [field for field in fields if f"`{field}`" not in rows[kind.__name__]]


def test_every_status_is_documented() -> None:
    page = text_of(REFERENCE / "build-json.md")
    assert not [status for status in events.Status if f"`{status}`" not in page]


def test_every_exit_code_is_documented() -> None:
    page = text_of(REFERENCE / "exit-codes.md")
    assert not [c for c in ExitCode if f"| {c.value} | `{c.name}` |" not in page]


def test_every_kind_of_failure_is_documented() -> None:
    documented = table_keys(REFERENCE / "running-cells.md")
    assert {kind.value for kind in FailureKind} <= documented


def test_every_codec_is_documented() -> None:
    assert set(CODECS) <= table_keys(REFERENCE / "values.md")


def test_the_example_of_a_rule_is_python() -> None:
    """And it has the three names that a rule has."""
    page = text_of(ROOT / "docs" / "writing-a-rule.md")
    code = re.search(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert code is not None
    names: dict[str, object] = {}
    exec(compile(code[1], "writing-a-rule.md", "exec"), names)
    assert {"VERSION", "scan", "analyze"} <= set(names)
