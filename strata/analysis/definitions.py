"""Definitions that cross cells: functions, classes and imports, as modules of source.

A value crosses as an artifact; a definition crosses as the source of what it reaches. Definitions
that can see each other (mutual recursion, also between cells) form one module; every other
definition is a module of its own, and uses other modules by name. A module's id is a digest of its
normalized source and of what it uses, so

- the same definition is the same module, and a class the same class, whichever way it came;
- a comment changes no id, a changed helper changes the id of everything that can reach it.

A module that reads *values* names the artifacts it reads; they are inputs of whoever uses it.
Knows nothing of how modules are executed (`strata/runner/definitions.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from blake3 import blake3

from strata.analysis.components import strongly_connected
from strata.core.action import Artifact
from strata.core.dataclass import dataclass, field
from strata.core.encoding import Encodable, encode
from strata.core.errors import GraphError
from strata.core.label import Label
from strata.loading.scope import Definition, DefinitionKind

MODULE_DOMAIN = "strata.definitions.v1"

STAR = "*"
"""The name of the definition that is all star imports of a cell."""


@dataclass(frozen=True, slots=True, order=True)
class DefinitionRef:
    """One definition of one cell. `STAR` stands for its star imports, `beginning(name)` for how
    one of its values begins."""

    label: Label
    name: str

    def __hash__(self) -> int:
        return hash((self.label.package, self.label.name, self.name))


def beginning(name: str) -> str:
    """The name, as a definition, of the statement that a value begins with."""
    return f"{name} ="


@dataclass(frozen=True, slots=True)
class Chunk:
    """The source of one definition: as written, with its place, and normalized."""

    source: str
    normalized: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class DefinitionModule:
    """Definitions that are executed together. `uses`: local name to (module id, name there);
    `values`: local name to the artifacts it may come from; `begun`: those values that the source
    begins itself, so that they are bound when it has been executed; `future`: `__future__`
    features."""

    id: str
    names: tuple[str, ...]
    chunks: tuple[Chunk, ...]
    uses: Mapping[str, tuple[str, str]]
    values: Mapping[str, tuple[Artifact, ...]]
    future: tuple[str, ...] = ()
    begun: tuple[str, ...] = ()

    def __hash__(self) -> int:
        return hash(self.id)

    def slot(self, local: str) -> str:
        """The input slot under which the value `local` of this module is handed in."""
        return f"{self.id[:16]}.{local}"


@dataclass(frozen=True, slots=True)
class Closure:
    """Everything that some definitions can reach: modules, dependencies first, and who is where."""

    modules: tuple[DefinitionModule, ...] = ()
    module_of: Mapping[DefinitionRef, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """A definition, the position of its cell, and what each global name in it means.

    `together` are others that have to be executed whenever it is.
    """

    definition: Definition
    path: str
    position: int
    definitions: Mapping[str, DefinitionRef]
    values: Mapping[str, tuple[Artifact, ...]]
    future: tuple[str, ...] = ()
    together: tuple[DefinitionRef, ...] = ()

    @property
    def needs(self) -> tuple[DefinitionRef, ...]:
        """All definitions without which it cannot be executed."""
        return (*self.definitions.values(), *self.together)


Lookup: TypeAlias = Callable[[DefinitionRef], Found]


class Definitions:
    """All definitions behind `lookup`. Each module is made once, whoever reaches it."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._found: dict[DefinitionRef, Found] = {}
        self._needs: dict[DefinitionRef, tuple[DefinitionRef, ...]] = {}
        self._same: dict[DefinitionRef, DefinitionRef] = {}
        """One object of each, so that equal ones are found without comparing them."""
        self._module_of: dict[DefinitionRef, str] = {}
        self._modules: dict[str, DefinitionModule] = {}
        self._age: dict[str, int] = {}

    def close(self, roots: Iterable[DefinitionRef]) -> Closure:
        """The modules that `roots` can reach, each after those it uses. Raises `GraphError`."""
        reached = self._reach(roots)
        self._make(reached)
        module_of = {ref: self._module_of[ref] for ref in reached}
        oldest_first = sorted(set(module_of.values()), key=self._age.__getitem__)
        return Closure(tuple(self._modules[id] for id in oldest_first), module_of)

    def _reach(self, roots: Iterable[DefinitionRef]) -> list[DefinitionRef]:
        reached: dict[DefinitionRef, None] = {}
        same = self._same
        stack = [same.setdefault(ref, ref) for ref in sorted(set(roots), key=_spelled)[::-1]]
        while stack:
            ref = stack.pop()
            if ref not in reached:
                reached[ref] = None
                needs = self._needs.get(ref)
                if needs is None:
                    found = self._found[ref] = self._lookup(ref)
                    needs = tuple(same.setdefault(need, need) for need in found.needs)
                    self._needs[ref] = needs
                stack.extend(needs)
        return list(reached)

    def _make(self, refs: Iterable[DefinitionRef]) -> None:
        """Each of `refs` has its module; they hold all that they reach."""
        edges = {ref: self._needs[ref] for ref in refs if ref not in self._module_of}
        for group in strongly_connected(edges):
            module = _module(sorted(group), self._found, self._module_of)
            self._modules.setdefault(module.id, module)
            self._age.setdefault(module.id, len(self._age))
            self._module_of.update(dict.fromkeys(group, module.id))


def _spelled(ref: DefinitionRef) -> tuple[str, str, str]:
    """What references are ordered by."""
    return ref.label.package, ref.label.name, ref.name


def _module(
    group: list[DefinitionRef],
    found: Mapping[DefinitionRef, Found],
    module_of: Mapping[DefinitionRef, str],
) -> DefinitionModule:
    uses: dict[str, tuple[str, str]] = {}
    values: dict[str, tuple[Artifact, ...]] = {}
    meanings: dict[str, _Meaning] = {}
    inside = set(group)
    for ref in group:
        for local, target in found[ref].definitions.items():
            if target not in inside:
                uses[local] = (module_of[target], target.name)
                _mean(meanings, local, uses[local], found[ref])
            elif local == target.name:
                _mean(meanings, local, target, found[ref])
            else:
                raise _clash(local, found[ref])
        for local, artifacts in found[ref].values.items():
            values[local] = artifacts
            _mean(meanings, local, artifacts, found[ref])
    members = sorted((found[ref] for ref in group), key=_place)
    normalized = [m.definition.normalized for m in members]
    future = tuple(sorted({f for m in members for f in m.future}))
    content: Encodable = {
        "source": normalized,
        "uses": {local: list(target) for local, target in uses.items()},
        "values": {local: [str(a) for a in artifacts] for local, artifacts in values.items()},
        "future": future,
    }
    return DefinitionModule(
        id=blake3(encode([MODULE_DOMAIN, content])).hexdigest(),
        names=tuple(ref.name for ref in group if not _is_beginning(found[ref])),
        chunks=tuple(_chunk(member) for member in members),
        uses=uses,
        values=values,
        future=future,
        begun=tuple(sorted(m.definition.name for m in members if _is_beginning(m))),
    )


_Meaning: TypeAlias = DefinitionRef | tuple[str, str] | tuple[Artifact, ...]
"""A member of the same module, a name of another module, or a value."""


def _mean(meanings: dict[str, _Meaning], local: str, meaning: _Meaning, found: Found) -> None:
    """Definitions of several cells that need each other share one namespace."""
    if meanings.setdefault(local, meaning) != meaning:
        raise _clash(local, found)


def _clash(local: str, found: Found) -> GraphError:
    return GraphError(
        f"'{found.definition.name}' and definitions of another cell call each other, "
        f"and '{local}' means different things to them",
        path=found.path,
        line=found.definition.line,
        hint=f"rename '{local}' in one of the cells",
    )


def _is_beginning(found: Found) -> bool:
    return found.definition.kind is DefinitionKind.BEGINNING


def _chunk(found: Found) -> Chunk:
    definition = found.definition
    return Chunk(definition.source, definition.normalized, found.path, definition.line)


def _place(found: Found) -> tuple[int, int, str]:
    """Members of a module run in the order of the cells, and of the lines in a cell."""
    return found.position, found.definition.line, found.definition.name
