"""Which cells would see state that another cell has changed: of definitions, of local modules.

A definition crosses as source and a module is imported in each process, so each of these cells
makes it anew. Asked only when something was changed: to know it of all cells takes a while.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from strata.analysis.definitions import Closure, DefinitionModule
from strata.analysis.imported import ReachedModules
from strata.analysis.join import JoinedCell
from strata.analysis.reached import ReachedDefinitions
from strata.core.action_graph import Users
from strata.core.errors import GraphError
from strata.core.label import Label
from strata.core.observation import FILE


class StateUsers:
    """Answers for the cells of one analysis."""

    def __init__(
        self,
        joined: Sequence[JoinedCell],
        definitions: ReachedDefinitions,
        modules: ReachedModules,
    ) -> None:
        self._labels = [cell.label for cell in joined]
        self._definitions = definitions
        self._modules = modules

    def of(self, owner: str, changer: Label) -> Users:
        """Who can reach `owner` (`ActionResult.restated`) and does not get the change with it.

        A class of `changer` that adds itself to a list of its base does so wherever it goes.
        """
        own = self._closure(changer)
        makes_it = self._own_modules(own, changer, owner)
        defined_in: dict[str, Label] = {}
        users: list[Label] = []
        for label in self._labels:
            module_of = self._closure(label).module_of
            defined = {ref.name: ref.label for ref, id in module_of.items() if id == owner}
            defined_in |= defined
            if label in defined.values() or makes_it.intersection(module_of.values()):
                continue
            if defined or self._imports(owner, label):
                users.append(label)
        return Users(defined_in, tuple(users))

    def _closure(self, label: Label) -> Closure:
        try:
            return self._definitions.closure(label)
        except GraphError:
            return Closure()

    def _imports(self, owner: str, label: Label) -> bool:
        return owner.startswith(FILE) and owner.removeprefix(FILE) in self._modules.files(label)

    def _own_modules(self, closure: Closure, label: Label, owner: str) -> set[str]:
        """The cell's own definitions that can reach `owner`."""
        by_id = {module.id: module for module in closure.modules}
        own = {id for ref, id in closure.module_of.items() if ref.label == label}
        return {id for id in own if self._reaches(_reached(id, by_id), label, owner)}

    def _reaches(self, modules: Iterable[DefinitionModule], label: Label, owner: str) -> bool:
        if not owner.startswith(FILE):
            return any(module.id == owner for module in modules)
        texts = (chunk.normalized for module in modules for chunk in module.chunks)
        return owner.removeprefix(FILE) in self._modules.files_of(label.package, texts)


def _reached(start: str, by_id: Mapping[str, DefinitionModule]) -> list[DefinitionModule]:
    """The module `start` and those that it uses, over any number of steps."""
    found = {start}
    stack = [start]
    while stack:
        used = {id for id, _ in by_id[stack.pop()].uses.values()} - found
        found |= used
        stack.extend(used)
    return [by_id[id] for id in found]
