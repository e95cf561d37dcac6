"""What a cell's annotations, its table and the notebook's defaults say together.

`_KNOWN` is the table of all annotations: the kinds of cells that each applies to, and how its value
is read. Those without a field in `Directives` are kept as written, for the cell's rule. A mistake
is a problem of its one cell; an annotation that means nothing there is a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from strata.core.dataclass import dataclass, field, replace
from strata.core.errors import CellError
from strata.loading import annotation_values as values
from strata.loading.annotation_values import Malformed
from strata.loading.annotations import Annotation
from strata.loading.model import Directives, LoopSpec, MountSpec
from strata.loading.suggest import did_you_mean

LONGEST_TIMEOUT_S = 86400.0
DEFAULT_TIMEOUT_S = 300.0
MOST_RETRIES = 100


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a table says for cells: a `[[cells]]` table for one, the top level for all."""

    worker: str | None = None
    timeout_s: float | None = None
    variables: Mapping[str, str | None] = field(default_factory=dict)
    mounts: tuple[MountSpec, ...] = ()


NO_DEFAULTS = Defaults()


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read. Beside a `problem`, `directives` hold what could be understood."""

    directives: Directives
    problem: CellError | None = None
    warnings: tuple[str, ...] = ()
    """Complete messages with their place."""


def read_directives(
    annotations: Sequence[Annotation],
    kind: str,
    path: str,
    cell: Defaults = NO_DEFAULTS,
    notebook: Defaults = NO_DEFAULTS,
) -> Reading:
    """The directives of a cell of this kind; `path` is the file that `annotations` are in.

    Annotation wins over the cell's table, the table over the notebook. Lines of one annotation
    add up where it may be repeated; where not, the last one counts, and a warning says so.
    """
    draft = _Draft(kind)
    mistakes: list[CellError] = []
    warnings: list[str] = []
    seen: set[str] = set()
    for annotation in annotations:
        place = f"{path}:{annotation.line}"
        warning = _warning(annotation.key, kind, seen)
        if warning is not None:
            warnings.append(f"{place}: {warning}")
        seen.add(annotation.key)
        if applies(annotation.key, kind):
            try:
                _take(annotation, draft)
            except Malformed as mistake:
                what = f"@{annotation.key} {mistake.what}"
                mistakes.append(CellError(what, path=path, line=annotation.line, hint=mistake.hint))
    if draft.until is not None and draft.loop is None and not mistakes:
        line = next(a.line for a in annotations if a.key == "loop_until")
        mistakes.append(
            CellError(
                "@loop_until needs a @loop",
                path=path,
                line=line,
                hint="add a line such as: @loop max_iter=10 carry=state",
            )
        )
    directives = _merged(draft, cell, notebook)
    return Reading(directives, mistakes[0] if mistakes else None, tuple(warnings))


def applies(key: str, kind: str) -> bool:
    """Whether the annotation `key` is known and means something in a cell of this kind.

    A kind that is not known here (somebody else's rule) may use any of them.
    """
    known = _KNOWN.get(key)
    return known is not None and (known.kinds is None or kind in known.kinds or kind not in _KINDS)


def _warning(key: str, kind: str, seen: set[str]) -> str | None:
    known = _KNOWN.get(key)
    if known is None:
        return f"unknown annotation '@{key}'; {did_you_mean(key, _KNOWN) or 'it has no effect'}"
    if not applies(key, kind):
        return f"'@{key}' has no effect in a {kind} cell"
    if key in seen and not known.repeatable:
        return f"'@{key}' is written more than once; this line counts"
    return None


@dataclass(slots=True)
class _Draft:
    """The annotations of a cell so far; None and empty mean: not said."""

    kind: str
    display_name: str | None = None
    worker: str | None = None
    timeout_s: float | None = None
    variables: dict[str, str | None] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    nocache: bool = False
    inputs: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    mutates: tuple[str, ...] = ()
    retries: int = 0
    tags: tuple[str, ...] = ()
    resources: Mapping[str, float] = field(default_factory=dict)
    sandbox: str | None = None
    mounts: tuple[MountSpec, ...] = ()
    loop: LoopSpec | None = None
    until: str | None = None
    variant: tuple[str, str] | None = None
    per_variant: str | None = None
    others: tuple[Annotation, ...] = ()


def _take(annotation: Annotation, draft: _Draft) -> None:
    read = _KNOWN[annotation.key].read
    if read is None:
        draft.others = (*draft.others, annotation)
    else:
        read(annotation.value, draft)


def _merged(draft: _Draft, cell: Defaults, notebook: Defaults) -> Directives:
    """The draft, with what it leaves open from the cell's table, then from the notebook's."""
    timeouts_s = (draft.timeout_s, cell.timeout_s, notebook.timeout_s)
    mounts: dict[str, MountSpec] = {}
    if applies("mount", draft.kind):
        mounts = {m.name: m for m in (*notebook.mounts, *cell.mounts, *draft.mounts)}
    loop = draft.loop
    if loop is not None and draft.until is not None:
        loop = replace(loop, until=draft.until)
    return Directives(
        display_name=draft.display_name,
        worker=draft.worker or cell.worker or notebook.worker or None,
        timeout_s=next((t for t in timeouts_s if t is not None), DEFAULT_TIMEOUT_S),
        variables={**notebook.variables, **cell.variables, **draft.variables},
        after=draft.after,
        nocache=draft.nocache or any(m.mode == "rw" for m in mounts.values()),
        inputs=draft.inputs,
        writes=draft.writes,
        mutates=draft.mutates,
        retries=draft.retries,
        tags=draft.tags,
        resources=draft.resources,
        sandbox=draft.sandbox,
        mounts=tuple(mounts.values()),
        loop=loop,
        variant=draft.variant,
        per_variant=draft.per_variant,
        others=draft.others,
    )


def _name(value: str, draft: _Draft) -> None:
    hint = "write the name after it"
    if draft.kind in ("prompt", "sql"):
        hint = f"in a {draft.kind} cell it is the output variable: letters, digits and _"
        values.identifiers([values.some_text(value, hint)], hint)
    draft.display_name = values.some_text(value, hint)


def _worker(value: str, draft: _Draft) -> None:
    draft.worker = values.some_text(value, "write the name of a worker, such as: gpu-fly")


def _timeout(value: str, draft: _Draft) -> None:
    hint = "write seconds, more than 0 and at most 86400 (one day)"
    draft.timeout_s = values.number(value, 0, LONGEST_TIMEOUT_S, hint)


def _env(value: str, draft: _Draft) -> None:
    name, text = values.environment_variable(value)
    draft.variables[name] = text


def _after(value: str, draft: _Draft) -> None:
    hint = "write the ids of the cells that must run before this one"
    draft.after += values.one_or_more_words(value, hint)


def _nocache(value: str, draft: _Draft) -> None:
    draft.nocache = values.switched_on(value)


def _mount(value: str, draft: _Draft) -> None:
    draft.mounts += (values.mount(value),)


def _loop(value: str, draft: _Draft) -> None:
    draft.loop = values.loop(value)


def _loop_until(value: str, draft: _Draft) -> None:
    draft.until = values.expression(value)


def _variant(value: str, draft: _Draft) -> None:
    hint = "write the group and the name of this variant, such as: model rf"
    parts = values.words(value)
    if len(parts) != 2:
        raise Malformed("needs a group and a name", hint)
    group, name = values.identifiers(parts, hint)
    draft.variant = (group, name)


def _per_variant(value: str, draft: _Draft) -> None:
    hint = "write the name of one group, or nothing for the only one"
    parts = values.words(value)
    if len(parts) > 1:
        raise Malformed("takes one group", hint)
    draft.per_variant = values.identifiers(parts, hint)[0] if parts else ""


def _input(value: str, draft: _Draft) -> None:
    hint = "write the files that the cell reads, such as: data/*.csv"
    draft.inputs += values.one_or_more_words(value, hint)


def _writes(value: str, draft: _Draft) -> None:
    hint = "write the files that the cell writes, such as: out/*.csv"
    draft.writes += values.files_in_workspace(value, hint)


def _mutates(value: str, draft: _Draft) -> None:
    draft.mutates += values.variables(value, "write the variables that the cell changes")


def _resources(value: str, draft: _Draft) -> None:
    draft.resources = {**draft.resources, **values.resources(value)}


def _retries(value: str, draft: _Draft) -> None:
    hint = f"write how many extra attempts a failed cell gets, 0 to {MOST_RETRIES}"
    draft.retries = values.whole_number(value, 0, MOST_RETRIES, hint)


def _tags(value: str, draft: _Draft) -> None:
    draft.tags += values.one_or_more_words(value, "write one or more words")


def _sandbox(value: str, draft: _Draft) -> None:
    draft.sandbox = values.one_of(value, ("off", "strict"))


@dataclass(frozen=True, slots=True)
class _Known:
    """One annotation: where it applies (None: everywhere), how it is read (None: kept)."""

    kinds: frozenset[str] | None
    read: Callable[[str, _Draft], None] | None = None
    repeatable: bool = False


_KINDS = frozenset({"python", "prompt", "sql", "markdown", "widget", "r", "shell"})
_PYTHON = frozenset({"python"})
_PROMPT = frozenset({"prompt"})
_SQL = frozenset({"sql"})

_KNOWN: Mapping[str, _Known] = {
    "name": _Known(None, _name),
    "worker": _Known(None, _worker),
    "timeout": _Known(None, _timeout),
    "env": _Known(None, _env, repeatable=True),
    "after": _Known(None, _after, repeatable=True),
    "nocache": _Known(None, _nocache),
    "mount": _Known(_PYTHON, _mount, repeatable=True),
    "table": _Known(_PYTHON, repeatable=True),
    "loop": _Known(_PYTHON, _loop),
    "loop_until": _Known(_PYTHON, _loop_until),
    "variant": _Known(None, _variant),
    "per_variant": _Known(_PYTHON, _per_variant),
    "model": _Known(_PROMPT),
    "temperature": _Known(_PROMPT),
    "max_tokens": _Known(_PROMPT),
    "system": _Known(_PROMPT, repeatable=True),
    "output": _Known(_PROMPT),
    "output_schema": _Known(_PROMPT),
    "validate_retries": _Known(_PROMPT),
    "samples": _Known(_PROMPT),
    "sql": _Known(_SQL),
    "cache": _Known(_SQL),
    "live": _Known(frozenset({"widget"})),
    "app": _Known(None),
    "fetch": _Known(_PYTHON, repeatable=True),
    "dataset": _Known(_PYTHON, repeatable=True),
    "write_table": _Known(_PYTHON, repeatable=True),
    "output_dir": _Known(_PYTHON, repeatable=True),
    "input": _Known(None, _input, repeatable=True),
    "writes": _Known(_PYTHON, _writes, repeatable=True),
    "mutates": _Known(_PYTHON, _mutates, repeatable=True),
    "resources": _Known(None, _resources, repeatable=True),
    "retries": _Known(None, _retries),
    "map": _Known(frozenset({"python", "prompt"})),
    "tags": _Known(None, _tags, repeatable=True),
    "sandbox": _Known(None, _sandbox),
}

ANNOTATIONS = tuple(_KNOWN)
"""The keys of all annotations that mean something."""
