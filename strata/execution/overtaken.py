"""Cells that read a file before an earlier cell wrote it in the same build. Pure.

Where no variable, `@after` or text joins the two, nothing orders them; in a script the earlier one
has run first. What a cell wrote and read is known when it has ended: then the reader runs again.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping

from strata.core.action import Action, ReadyAction
from strata.core.action_graph import ActionGraph
from strata.core.dataclass import dataclass
from strata.core.label import Label
from strata.core.observation import FILE, FOLDER, MADE
from strata.core.result import ActionResult


@dataclass(frozen=True, slots=True)
class Suspect:
    """`action` read the file `path` when it was worth `value`; `name` is the observation of it."""

    action: Action
    path: str
    name: str
    value: str


class Readings:
    """What the cells of one build have read so far, by the names of what was read.

    Nothing is looked through before a cell writes, and nothing twice: the cost is that of the
    readings, however many cells there are and write.
    """

    def __init__(self, graph: ActionGraph) -> None:
        self._order = graph.order
        self._new: list[tuple[ReadyAction, ActionResult]] = []
        self._readers: dict[str, dict[Label, tuple[Action, str]]] = {}

    def note(self, ready: ReadyAction, result: ActionResult) -> None:
        """The cell ended well: its action as it was looked up, and what came of it."""
        self._new.append((ready, result))

    def suspects(self, writer: Label, result: ActionResult) -> Iterator[Suspect]:
        """Later cells of the writer's notebook that have read what it wrote now. A cell that ended
        more than once is suspected of what it read when it ended last, and perhaps of more."""
        written = [n.removeprefix(MADE) for n in result.observed if n.startswith(MADE)]
        if not written:
            return
        for noted in self._new:
            self._index(*noted)
        self._new.clear()
        place = self._order.get(writer, -1)
        for path in written:
            for name in (FILE + path, FOLDER + (posixpath.dirname(path) or ".")):
                for label, (action, value) in self._readers.get(name, {}).items():
                    if label.package == writer.package and self._order.get(label, -1) > place:
                        yield Suspect(action, path, name, value)

    def _index(self, ready: ReadyAction, result: ActionResult) -> None:
        action, label = ready.action, ready.action.label
        files = ready.provenance.get("files")
        for path, digest in (files if isinstance(files, Mapping) else {}).items():
            if MADE + path not in result.observed:
                self._readers.setdefault(FILE + path, {})[label] = action, str(digest)
        for name, value in result.observed.items():
            if name.startswith((FILE, FOLDER)):
                self._readers.setdefault(name, {})[label] = action, value
