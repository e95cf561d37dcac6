"""Cells that read a file before an earlier cell wrote it in the same build. Pure.

Where no variable, `@after` or text joins the two, nothing orders them; in a script the earlier one
has run first. What a cell wrote and read is known when it has ended: then the reader runs again.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from strata.core.action import Action, ReadyAction
from strata.core.action_graph import ActionGraph
from strata.core.label import Label
from strata.core.observation import FILE, FOLDER, MADE
from strata.core.result import ActionResult


@dataclass(frozen=True, slots=True)
class Done:
    """A cell that ended well: its action as it was looked up, and what came of it."""

    ready: ReadyAction
    result: ActionResult


@dataclass(frozen=True, slots=True)
class Suspect:
    """`action` read the file `path` when it was worth `value`; `name` is the observation of it."""

    action: Action
    path: str
    name: str
    value: str


def suspects(
    writer: Label, result: ActionResult, graph: ActionGraph, done: Iterable[Done]
) -> Iterator[Suspect]:
    """Later cells of the writer's notebook, among those `done`, that read what it wrote.

    `done` is looked through only if it wrote anything.
    """
    written = [n.removeprefix(MADE) for n in result.observed if n.startswith(MADE)]
    if not written:
        return
    place = graph.order.get(writer, -1)
    for other in done:
        label = other.ready.label
        if label.package == writer.package and graph.order.get(label, -1) > place:
            yield from _read_by(other, written)


def _read_by(done: Done, written: Sequence[str]) -> Iterator[Suspect]:
    action = done.ready.action
    files = done.ready.provenance.get("files")
    declared = files if isinstance(files, Mapping) else {}
    for path in written:
        folder = FOLDER + (posixpath.dirname(path) or ".")
        for name in (FILE + path, folder):
            if name in done.result.observed:
                yield Suspect(action, path, name, done.result.observed[name])
        if path in declared and MADE + path not in done.result.observed:
            yield Suspect(action, path, FILE + path, str(declared[path]))
