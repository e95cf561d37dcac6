"""Notebooks and cells as frozen values: what loading gives to analysis.

Knows no file and no syntax: `strata.loading.notebook` fills these in.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from strata.core.dataclass import dataclass, field
from strata.core.errors import ConfigError
from strata.core.label import Label
from strata.loading.annotations import Annotation


@dataclass(frozen=True, slots=True)
class LoopSpec:
    """`@loop`: the names carried, the most iterations, and where the seed comes from."""

    max_iter: int
    carry: tuple[str, ...]
    start_from: str | None = None
    until: str | None = None
    """The expression of `@loop_until` (or of `until=`), as written."""


@dataclass(frozen=True, slots=True)
class MountSpec:
    """A named place of files: `@mount`, `[[mounts]]` or `[[cells.mounts]]`."""

    name: str
    uri: str
    mode: str = "ro"
    pin: str | None = None
    credential: str | None = None
    """The name of a credential, never the credential."""


@dataclass(frozen=True, slots=True)
class Directives:
    """What a cell's annotations, its table and the notebook's defaults say together.

    Annotation wins over the cell's table, the table over the notebook. `variables` are the
    environment variables declared for the cell; a value of None means: from the caller's
    environment (a secret written blank, or declared without a value).
    """

    display_name: str | None = None
    worker: str | None = None
    timeout_s: float = 300.0
    variables: Mapping[str, str | None] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    nocache: bool = False
    inputs: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    """Globs of workspace files that the cell writes; one that ends in `/` means a whole folder."""
    mutates: tuple[str, ...] = ()
    retries: int = 0
    tags: tuple[str, ...] = ()
    resources: Mapping[str, float] = field(default_factory=dict)
    """cpu: cores; mem: bytes; gpu: devices."""
    sandbox: str | None = None
    mounts: tuple[MountSpec, ...] = ()
    loop: LoopSpec | None = None
    variant: tuple[str, str] | None = None
    """(group, name)."""
    per_variant: str | None = None
    """The group, or "" for the only one upstream; None where the annotation is absent."""
    others: tuple[Annotation, ...] = ()
    """Known annotations without a field of their own (@model, @sql, @map, …), as written."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell. `path` is relative to the workspace root, `source` the text of the file.

    `problem` is set where the cell itself cannot be used (file missing, not UTF-8, an annotation
    that cannot be understood); the rest of the notebook still builds.
    """

    label: Label
    file: str
    path: str
    kind: str
    order: float
    source: str
    directives: Directives
    annotations: tuple[Annotation, ...] = ()
    problem: ConfigError | None = None
    warnings: tuple[str, ...] = ()
    """Complete messages with their place: unknown annotations and the like."""

    @property
    def id(self) -> str:
        return self.label.name


@dataclass(frozen=True, slots=True)
class VariantGroup:
    """Alternatives of one slot of the graph; `active` is None for the first in order."""

    group: str
    active: str | None
    mode: str = "switch"


@dataclass(frozen=True, slots=True)
class NotebookInput:
    """One line of `[inputs]`: the variable `name` comes from `pattern` (a label, with line)."""

    name: str
    pattern: str
    line: int | None


@dataclass(frozen=True, slots=True)
class Notebook:
    """One package: its cells in definition order, and what its file says for all of them."""

    package: str
    folder: Path
    path: str
    """Of `notebook.toml`, relative to the workspace root."""
    name: str
    cells: tuple[Cell, ...]
    inputs: tuple[NotebookInput, ...] = ()
    variant_groups: tuple[VariantGroup, ...] = ()
    connections: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """`[connections]` as written; a driver checks its own keys when a cell uses it."""
    warnings: tuple[str, ...] = ()
    """Complete messages with their place; those of single cells are in `Cell.warnings`."""
    notebook_id: str | None = None
    worker: str | None = None
    mounts: tuple[MountSpec, ...] = ()
    workers: tuple[Mapping[str, object], ...] = ()
    """`[[workers]]` as written."""
    ai: Mapping[str, object] = field(default_factory=dict)
    """`[ai]` as written."""
