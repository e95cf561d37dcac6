"""What a rule is, and everything it may see.

A rule gives a cell kind its meaning. It is a module of `rules/strata_rules/` named after the kind
(third parties: entry point group `strata.rules`) with

    VERSION: int                                  bumped when the meaning of the kind changes
    def scan(cell: Cell) -> Scan                  names bound, read and mutated; CellError if wrong
    def analyze(ctx: CellContext) -> Node | None  the action or chain; None if it builds nothing

Both MUST be pure. Joining readers to producers is done between the two, by the engine, the same way
for every kind. `docs/writing-a-rule.md` has a worked example; `tests/conformance/test_rules.py`
runs over every rule there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeAlias, cast

from strata.analysis.definitions import STAR, Closure, DefinitionModule, DefinitionRef
from strata.core import extension
from strata.core.action import USUAL, Artifact, Environment, Node, Resources
from strata.core.dataclass import dataclass, field
from strata.core.digest import Digest
from strata.core.errors import CellError
from strata.core.label import Label
from strata.loading.model import Cell
from strata.loading.scope import Scan

__all__ = [
    "CellContext",
    "Closure",
    "DefinitionModule",
    "DefinitionRef",
    "DefinitionSource",
    "Rule",
    "Source",
    "StarSource",
    "ValueSource",
    "definition_ref",
    "is_ours",
    "rule_for",
]

RULES_PACKAGE = "strata_rules"
RULES_GROUP = "strata.rules"


@dataclass(frozen=True, slots=True)
class ValueSource:
    """A name that comes from values of other cells: the first candidate that was defined."""

    candidates: tuple[Artifact, ...]


@dataclass(frozen=True, slots=True)
class DefinitionSource:
    """A name that comes from a definition of another cell, as source."""

    label: Label
    name: str


@dataclass(frozen=True, slots=True)
class StarSource:
    """A name that no cell defines, and that an earlier `from m import *` may."""

    label: Label


Source: TypeAlias = ValueSource | DefinitionSource | StarSource


def definition_ref(source: DefinitionSource | StarSource) -> DefinitionRef:
    """The definition that a source stands for."""
    return DefinitionRef(
        source.label, source.name if isinstance(source, DefinitionSource) else STAR
    )


@dataclass(frozen=True, slots=True)
class CellContext:
    """All that a rule may see of one cell when it writes the action."""

    cell: Cell
    scan: Scan
    version: int
    sources: Mapping[str, Source]
    """Where each name the cell reads comes from; builtins are not in it."""
    optional: frozenset[str]
    """Those of `sources` that the cell may not read at all."""
    outputs: tuple[str, ...]
    """The value names that this cell defines for others, sorted."""
    closure: Closure
    """The definitions that the cell can reach, as modules."""
    environment: Environment
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Declared variables with their values; those the caller's environment lacks are left out."""
    secrets: tuple[str, ...] = ()
    files: Mapping[str, Digest] = field(default_factory=dict)
    """Local modules that the cell can reach: path relative to the workspace root, to digest."""
    imports: tuple[str, ...] = ()
    """What else it can import, sorted: top-level names, dotted ones where several distributions
    share the folder above (`strata.loading.distributions.significant`)."""
    after: tuple[Label, ...] = ()
    worker: str = "local"
    resources: Resources = USUAL


class Rule(Protocol):
    """The shape of a rule module."""

    VERSION: int

    def scan(self, cell: Cell) -> Scan: ...

    def analyze(self, ctx: CellContext) -> Node | None: ...


def is_ours(kind: str) -> bool:
    """Whether the rule of this kind is part of Strata."""
    return kind in extension.names(RULES_PACKAGE)


def rule_for(cell: Cell) -> Rule:
    """The rule of the cell's kind. Raises `CellError` where there is none."""
    module = extension.load(RULES_PACKAGE, cell.kind, RULES_GROUP)
    if module is None:
        known = ", ".join(extension.names(RULES_PACKAGE))
        raise CellError(
            f"cells of language '{cell.kind}' cannot be built by this version of Strata",
            path=cell.path,
            hint=f"known languages: {known}",
        )
    return cast(Rule, module)
