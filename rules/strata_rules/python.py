"""Python cells: one action that runs the cell's code in the notebook's environment.

What the program `cell` of the runner is told stands in `_arguments`; what of it can change the
result stands in `_provenance`. The two are side by side so that neither forgets the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from strata.analysis.rule import (
    CellContext,
    DefinitionModule,
    ValueSource,
    definition_ref,
)
from strata.core.action import Action, Command, Files, Input, Node
from strata.core.encoding import Encodable
from strata.core.errors import CellError
from strata.loading.scope import Scan
from strata.loading.scope import scan as scan_source

if TYPE_CHECKING:
    from strata.loading.notebook import Cell

VERSION = 1


def scan(cell: Cell) -> Scan:
    """What the source binds, reads and mutates. Raises `CellError` for text that is no Python."""
    return scan_source(cell.source, cell.path)


def analyze(ctx: CellContext) -> Node | None:
    """The action of the cell. Raises `CellError` for an annotation that has no meaning yet."""
    _refuse_what_has_no_meaning_yet(ctx)
    directives = ctx.cell.directives
    foreign = _foreign_modules(ctx)
    return Action(
        label=ctx.cell.label,
        command=Command("cell", _arguments(ctx)),
        environment=ctx.environment,
        provenance=_provenance(ctx, foreign),
        inputs=_inputs(ctx, foreign),
        outputs=ctx.outputs,
        after=ctx.after,
        variables=ctx.variables,
        secrets=ctx.secrets,
        files=_files(ctx),
        imports=ctx.imports,
        folder=ctx.cell.label.package,
        worker=ctx.worker,
        timeout_s=directives.timeout_s,
        retries=directives.retries,
        cacheable=not directives.nocache,
        sandbox=directives.sandbox,
        resources=ctx.resources,
    )


def _inputs(ctx: CellContext, foreign: Sequence[DefinitionModule]) -> dict[str, Input]:
    """Values by name, and the values that reached definitions read, by the module's slot."""
    inputs = {
        name: Input(source.candidates, optional=name in ctx.optional)
        for name, source in ctx.sources.items()
        if isinstance(source, ValueSource)
    }
    for module in foreign:
        for local, artifacts in module.values.items():
            inputs[module.slot(local)] = Input(artifacts)
    return inputs


def _arguments(ctx: CellContext) -> Mapping[str, Encodable]:
    """What the runner is told: `strata/runner/programs/cell.py` reads it."""
    cell = ctx.cell
    return {
        "source": cell.source,
        "file": cell.path,
        "file_in_folder": f"cells/{cell.file}",
        "outputs": list(ctx.outputs),
        "shows_last": ctx.scan.shows_last,
        "bindings": _bindings(ctx),
        "modules": [_module(m) for m in ctx.closure.modules],
        "own": _own(ctx),
    }


def _provenance(ctx: CellContext, foreign: Sequence[DefinitionModule]) -> Mapping[str, Encodable]:
    return {
        "rule": [ctx.cell.kind, ctx.version],
        "source": ctx.scan.normalized,
        "definitions": _reached(ctx, foreign),
        "files": {path: str(digest) for path, digest in ctx.files.items()},
        "environment": ctx.environment.component(),
        "variables": _variables(ctx),
        "parameters": {
            "outputs": list(ctx.outputs),
            "shows_last": ctx.scan.shows_last,
            "folder": ctx.cell.label.package,
        },
        "platform": {},
    }


def _files(ctx: CellContext) -> Files:
    """What the cell says about files; the engine looks which of them are there."""
    directives = ctx.cell.directives
    return Files(
        globs=directives.inputs,
        named=ctx.scan.literals,
        places=ctx.scan.places,
        written=(*directives.writes, *filter(_is_place, ctx.scan.writes)),
    )


def _is_place(literal: str) -> bool:
    """Whether a literal where a file is written is where: `file.write("text")` has another."""
    name = literal.rpartition("/")[2]
    return ("/" in literal or "." in name.strip(".")) and not any(c.isspace() for c in literal)


def _variables(ctx: CellContext) -> dict[str, Encodable]:
    """Declared variables; a secret counts by its name, never by its value."""
    declared = ctx.cell.directives.variables
    return {
        name: {"secret": True} if name in ctx.secrets else ctx.variables.get(name)
        for name in declared
    }


def _bindings(ctx: CellContext) -> dict[str, Encodable]:
    """How the cell's namespace is filled before it runs."""
    bindings: dict[str, Encodable] = {}
    for name, source in ctx.sources.items():
        if isinstance(source, ValueSource):
            bindings[name] = {"slot": name}
        else:
            # Star imports may or may not bring the name: the runner looks.
            defined = definition_ref(source).name
            module = ctx.closure.module_of[definition_ref(source)]
            bindings[name] = {"module": module, "name": defined}
    return bindings


def _reached(ctx: CellContext, foreign: Sequence[DefinitionModule]) -> Encodable:
    """Which module each name means, and the normalized source of every module that is used.

    The cell's own definitions are part of its source; but the ids under which others get them are
    written into stored instances, and hold the labels of what the definitions read.
    """
    names = {n: b for n, b in _bindings(ctx).items() if isinstance(b, Mapping) and "module" in b}
    sources = {m.id: [c.normalized for c in m.chunks] for m in foreign}
    return {"names": names, "sources": sources, "own": _own(ctx)}


def _foreign_modules(ctx: CellContext) -> list[DefinitionModule]:
    """Modules that this cell's process executes: all but those of the cell's own definitions."""
    own = set(_own(ctx).values())
    roots = [
        ctx.closure.module_of[definition_ref(s)]
        for s in ctx.sources.values()
        if not isinstance(s, ValueSource)
    ]
    inherited = [id for ref, id in ctx.closure.module_of.items() if ref.label != ctx.cell.label]
    by_id = {m.id: m for m in ctx.closure.modules}
    wanted = {*roots, *(id for id in inherited if id not in own)}
    queue = list(wanted)
    while queue:
        for used, _ in by_id[queue.pop()].uses.values():
            if used not in wanted:
                wanted.add(used)
                queue.append(used)
    return [m for m in ctx.closure.modules if m.id in wanted]


def _own(ctx: CellContext) -> dict[str, str]:
    """The cell's own definitions, and the modules that other cells get for them."""
    module_of = ctx.closure.module_of
    return {ref.name: id for ref, id in module_of.items() if ref.label == ctx.cell.label}


@lru_cache(10_000)
def _module(module: DefinitionModule) -> Encodable:
    # Many cells reach the same modules: there is one description of each.
    return {
        "id": module.id,
        "names": list(module.names),
        "normalized": "\n".join(c.normalized for c in module.chunks),
        "chunks": [[c.line, c.source, c.path] for c in module.chunks],
        "future": list(module.future),
        "uses": {local: list(target) for local, target in module.uses.items()},
        "values": {local: module.slot(local) for local in module.values},
        "begun": list(module.begun),
    }


_ABOUT_PAGES = frozenset({"app", "live"})
"""Annotations that say how a page shows the cell: no build depends on them."""


def _refuse_what_has_no_meaning_yet(ctx: CellContext) -> None:
    """A promise that this version cannot keep is an error of the cell, never ignored."""
    cell = ctx.cell
    directives = cell.directives
    promises = {
        "@loop": directives.loop is not None,
        "@variant": directives.variant is not None,
        "@per_variant": directives.per_variant is not None,
        "@mount": bool(directives.mounts),
    }
    unmet = [text for text, made in promises.items() if made]
    unmet += [f"@{a.key}" for a in directives.others if a.key not in _ABOUT_PAGES]
    if unmet:
        line = next((a.line for a in cell.annotations if f"@{a.key}" == unmet[0]), None)
        raise CellError(
            f"'{unmet[0]}' has no meaning in this version of Strata",
            path=cell.path,
            line=line,
            hint="remove the line to build the cell without it",
        )
    if ctx.worker != "local":
        line = next((a.line for a in cell.annotations if a.key == "worker"), None)
        raise CellError(
            f"worker '{ctx.worker}' cannot be used: this version runs cells on this machine only",
            # Without its own word for it the cell is not where the mistake is.
            path=cell.path if ctx.worker == directives.worker else None,
            line=line if ctx.worker == directives.worker else None,
            hint="build with --worker local to run it here",
        )
