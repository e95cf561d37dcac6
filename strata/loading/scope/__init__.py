"""Scope analysis of Python cells: what a cell binds, reads and mutates."""

from __future__ import annotations

from strata.loading.scope.ipython import NAMES as IPYTHON_NAMES
from strata.loading.scope.model import Beginning, Definition, DefinitionKind, Scan
from strata.loading.scope.scanner import scan

__all__ = ["IPYTHON_NAMES", "Beginning", "Definition", "DefinitionKind", "Scan", "scan"]
