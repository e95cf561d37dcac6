"""Scope analysis of Python cells: what a cell binds, reads and mutates."""

from __future__ import annotations

from strata.loading.scope.model import Beginning, Definition, DefinitionKind, Scan

__all__ = ["Beginning", "Definition", "DefinitionKind", "Scan", "scan"]


def scan(source: str, path: str) -> Scan:
    """What the Python cell `source` says about names: see `strata.loading.scope.scanner.scan`."""
    # Nothing of it is needed where no cell changed.
    from strata.loading.scope import scanner

    return scanner.scan(source, path)
