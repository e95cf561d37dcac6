"""What the rule of each cell says about its names, before cells are joined."""

from __future__ import annotations

import re

from strata.analysis.rule import Rule, is_ours, rule_for
from strata.core.dataclass import dataclass
from strata.core.errors import ConfigError
from strata.loading.model import Cell
from strata.loading.scope import Scan


@dataclass(frozen=True, slots=True)
class ScannedCell:
    """One cell before it is joined."""

    cell: Cell
    scan: Scan
    rule: Rule | None
    problem: ConfigError | None


def scan_cell(cell: Cell, known: Scan | None = None) -> ScannedCell:
    """What the rule of `cell` says about its names; a mistake is kept as the cell's problem.

    `known`: what it said when it was asked before (`rememberable_scan`).
    A cell that cannot be used still defines what it seems to define: its readers need it, and are
    not built from an older value.
    """
    try:
        rule = rule_for(cell)
        scan = rule.scan(cell) if known is None else known
        return ScannedCell(cell, scan, rule, cell.problem)
    except ConfigError as problem:
        scan = Scan(binds=_likely_binds(cell.source))
        return ScannedCell(cell, scan, None, cell.problem or problem)


def rememberable_scan(cell: Cell) -> Scan | None:
    """What the rule of `cell` says about its names, if it is ours and says anything.

    What somebody else's rule looks at, and when it changes, we cannot know.
    """
    if not is_ours(cell.kind):
        return None
    try:
        return rule_for(cell).scan(cell)
    except ConfigError:
        return None


_NAMES = r"[^\W\d]\w*(?:[ \t]*,[ \t]*[^\W\d]\w*)*"
_DEFINING = re.compile(
    rf"\b(?:def|class|import|as|for)[ \t]+({_NAMES})"
    rf"|^[ \t]*({_NAMES})[ \t]*(?:=(?!=)|(?:\*\*|//|>>|<<|[-+*/%&|^@])=|:[^=\n]+=)"
    r"|([^\W\d]\w*)[ \t]*:=",
    re.MULTILINE,
)


def _likely_binds(source: str) -> tuple[str, ...]:
    """Names that a text which cannot be parsed seems to define."""
    found = (name for names in _DEFINING.findall(source) for name in names)
    return tuple(sorted({n for names in found for n in re.findall(r"\w+", names)}))
