"""One invocation: the workspace it is in, the cells it means, and the parts put together.

Nothing below this module reads the command line, the environment, the clock or the current folder.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from strata.analysis.cell_graph import cell_graph
from strata.analysis.graph import CellGraph
from strata.analysis.join import JoinedCell, join
from strata.analysis.scanned import ScannedCell, scan_cell
from strata.analysis.targets import CellNames, Target, no_such_notebook
from strata.cli.remembering import load_many, notebook_index
from strata.cli.state import STATE_DIR, state_folder
from strata.core.dataclass import dataclass, field, replace
from strata.core.errors import (
    CellError,
    LabelError,
    UsageError,
)
from strata.core.events import Emit, Notice
from strata.core.label import Label, Scope, TargetPattern, parse_pattern
from strata.executors.base import Cancellation
from strata.loading.model import Cell, Notebook
from strata.loading.packages import list_packages
from strata.loading.scope import Scan
from strata.loading.workspace import Workspace, find_root, load_workspace

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from strata.cli.environments import Chosen, Surroundings
    from strata.cli.profiling import Recorder
    from strata.cli.proving import Proof
    from strata.core.action_graph import ActionGraph
    from strata.loading.disk import Disk
    from strata.loading.index import FileIndex

T = TypeVar("T")

WALK = "//..."
"""For whom folders are listed when notebooks are searched: of those, only some names count."""

PASSED_ON = (
    *("PATH", "HOME", "USER", "LOGNAME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"),
    *("http_proxy", "https_proxy", "no_proxy", "all_proxy"),
)
"""The fixed base: what every cell gets of the caller's environment, and nothing else of it."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The workspace, where its state is, and the folder that relative patterns start from."""

    workspace: Workspace
    state: Path
    environ: Mapping[str, str] = field(repr=False)
    current: Path
    emit: Emit
    cancellation: Cancellation
    recorder: Recorder | None = None
    """Takes the time for `--profile`."""
    proof: Proof | None = None
    """Watches what is looked at, for a stamp."""

    def reading_for(self, package: str) -> AbstractContextManager[None]:
        """What is looked at within is looked at for this notebook alone."""
        return contextlib.nullcontext() if self.proof is None else self.proof.reading_for(package)

    @property
    def consulted(self) -> Mapping[str, str]:
        """`environ`, for what an answer can depend on."""
        return self.environ if self.proof is None else self.proof.environ

    def leave_no_stamp(self) -> None:
        """What is said depends on more than files of the workspace: records, time, a repository."""
        if self.proof is not None:
            self.proof.in_doubt.add(None)

    def phase(self, name: str) -> None:
        """The command is in this phase from now on: for `--profile`."""
        if self.recorder is not None:
            self.recorder.phase(name)

    @property
    def current_package(self) -> str | None:
        """The current folder relative to the root; None outside the workspace."""
        with contextlib.suppress(ValueError):
            return _package_of(self.current.relative_to(self.workspace.root))
        return None

    @property
    def base_variables(self) -> dict[str, str]:
        """What every cell gets of the caller's environment."""
        found = {n: self.environ[n] for n in PASSED_ON if n in self.environ}
        if "PATH" in found and sys.prefix != sys.base_prefix:
            # Where `python` in a cell's own child process would see Strata's packages.
            ours = os.path.join(sys.prefix, "bin")
            kept = [p for p in found["PATH"].split(os.pathsep) if os.path.normpath(p) != ours]
            found["PATH"] = os.pathsep.join(kept)
        return found

    @property
    def surroundings(self) -> Surroundings:
        """What choosing environments needs to know."""
        from strata.cli.environments import Surroundings

        narrow = self.workspace.build.environment == "narrow"
        root, state = self.workspace.root, self.state
        return Surroundings(root, state, self.environ, self.emit, self.cancellation, narrow)

    @property
    def cache(self) -> Path:
        return self.workspace.cache.dir


def starting_point(current: Path, texts: Sequence[str]) -> tuple[Path, tuple[str, ...]]:
    """Where to stand, and what to say there, so that plain paths may lead into another workspace.

    `strata build examples/iris` builds that notebook in the workspace it belongs to, also when
    this folder belongs to another one, or to none; so does `strata show examples/iris:plot`.
    """
    split = [text.partition(":") for text in texts]
    folders = [current / path for path, _, _ in split]
    plain = [p and not p.startswith(("//", "-")) and "..." not in p for p, _, _ in split]
    if not texts or not all(plain) or not all(folder.is_dir() for folder in folders):
        return current, tuple(texts)
    there = [os.path.realpath(folder) for folder in folders]
    return folders[0], tuple(
        f"{path}{colon}{cell}" for path, (_, colon, cell) in zip(there, split, strict=True)
    )


def open_workspace(
    start: Path, emit: Emit, environ: Mapping[str, str] | None = None, proof: Proof | None = None
) -> Opened:
    """The workspace around `start`, its warnings said. Raises `WorkspaceError`."""
    environ = os.environ if environ is None else environ
    root = find_root(start)
    workspace = load_workspace(root, environ if proof is None else proof.environ)
    for warning in workspace.warnings:
        emit(Notice("warning", warning))
    current = Path(os.path.realpath(start))
    state = state_folder(root, environ)
    if state.parent != root:
        emit(Notice("note", f"{root} is read-only: results are kept in {state}"))
        if workspace.cache.dir == root / STATE_DIR / "cache":
            workspace = replace(workspace, cache=replace(workspace.cache, dir=state / "cache"))
    return Opened(workspace, state, environ, current, emit, Cancellation(), proof=proof)


def patterns_of(opened: Opened, texts: Sequence[str]) -> list[TargetPattern]:
    """The patterns on the command line; none means everything at or below the current folder."""
    if not texts:
        here = opened.current_package
        if here is None:
            raise UsageError("the current folder is outside the workspace; say what to build")
        return [TargetPattern("...", Scope.SUBTREE, here)]
    return [pattern_of(opened, text) for text in texts]


def pattern_of(opened: Opened, text: str) -> TargetPattern:
    """A pattern, or an absolute path to a notebook folder (or to one that holds some)."""
    if not text.startswith("/") or text.startswith("//"):
        return parse_pattern(text, opened.current_package)
    path, colon, cell = text.partition(":")
    root = opened.workspace.root
    try:
        package = _package_of(Path(os.path.realpath(path)).relative_to(root))
    except ValueError:
        raise LabelError(f"'{text}' is not in the workspace {root}") from None
    if colon:
        return parse_pattern(f"//{package}:{cell}", None)
    is_notebook = os.path.lexists(os.path.join(path, "notebook.toml"))
    return TargetPattern(text, Scope.PACKAGE if is_notebook else Scope.SUBTREE, package)


@dataclass(frozen=True, slots=True)
class Cells:
    """The loaded notebooks and everything known about their cells without running one."""

    notebooks: tuple[Notebook, ...]
    scanned: Mapping[Label, ScannedCell]
    joined: tuple[JoinedCell, ...]
    names: CellNames
    imports: frozenset[tuple[str, str]] = frozenset()
    """Notebooks, and others that they name."""

    @property
    def graph(self) -> CellGraph:
        return cell_graph(self.joined)


PassOver: TypeAlias = Callable[[TargetPattern, LabelError], None]
"""What becomes of a pattern that means nothing; it raises what it is given, or goes on."""


def refuse(pattern: TargetPattern, problem: LabelError) -> None:
    """A pattern that means nothing is an error."""
    raise problem


def load_cells(
    opened: Opened,
    patterns: Iterable[TargetPattern],
    among: Collection[str] | None = None,
    pass_over: PassOver = refuse,
) -> Cells:
    """The notebooks that `patterns` need, those they read from, and their cells, joined.

    With `among`, only these notebooks are meant by the patterns, and the tree is not searched.
    A package that is not there is given to `pass_over`. Raises `NotebookError` for one that is
    wrong.
    """
    opened.phase("load")
    index = notebook_index(opened.state)
    notebooks: dict[str, Notebook] = {}
    scans: dict[Label, Scan] = {}
    imports: set[tuple[str, str]] = set()
    queue = deque(_packages(opened, patterns, among, pass_over))
    load_many(index, opened.workspace, list(queue))
    while queue:
        package = queue.popleft()
        if package in notebooks:
            continue
        with opened.reading_for(package):
            loaded = index.load(opened.workspace, package)
            notebook = notebooks[package] = loaded.notebook
            scans.update((Label(package, name), scan) for name, scan in loaded.scans.items())
            for warning in (*notebook.warnings, *(w for c in notebook.cells for w in c.warnings)):
                opened.emit(Notice("warning", warning))
            imported = _imported(opened, notebook)
        imports.update((package, other) for other in imported)
        queue.extend(imported)
    ordered = tuple(notebooks[p] for p in sorted(notebooks))
    cells = [cell for nb in ordered for cell in nb.cells]
    opened.phase("scan")
    scanned = {cell.label: scan_cell(cell, scans.get(cell.label)) for cell in cells}
    opened.phase("join")
    names = CellNames.of(ordered, {label: s.scan for label, s in scanned.items()})
    joined = tuple(join(ordered, scanned))
    index.save()
    return Cells(ordered, scanned, joined, names, frozenset(imports))


def _packages(
    opened: Opened,
    patterns: Iterable[TargetPattern],
    among: Collection[str] | None,
    pass_over: PassOver,
) -> list[str]:
    """The packages that the patterns speak of; the tree is walked only if one needs it."""
    found: dict[str, None] = {}
    everything = None if among is None else tuple(sorted(among))
    for pattern in patterns:
        folder = opened.workspace.root / pattern.package
        if pattern.scope is not Scope.SUBTREE and os.path.lexists(folder / "notebook.toml"):
            found[pattern.package] = None
            continue
        if everything is None:
            everything = _all_packages(opened)
        if pattern.scope is not Scope.SUBTREE:
            pass_over(pattern, no_such_notebook(pattern, everything))
            continue
        prefix = f"{pattern.package}/" if pattern.package else ""
        below = [p for p in everything if p == pattern.package or p.startswith(prefix)]
        if not below and not pattern.negative:
            pass_over(pattern, no_such_notebook(pattern, everything))
        found.update(dict.fromkeys(below))
    return list(found)


def _all_packages(opened: Opened) -> tuple[str, ...]:
    with opened.reading_for(WALK):
        listing = list_packages(opened.workspace.root, opened.workspace.exclude)
    for warning in listing.warnings:
        opened.emit(Notice("warning", warning))
    return listing.packages


def _imported(opened: Opened, notebook: Notebook) -> list[str]:
    """Other packages that `[inputs]` and `@after` name; what names none is reported when joined."""
    named = [line.pattern for line in notebook.inputs]
    named += [a for cell in notebook.cells for a in cell.directives.after if a.startswith("//")]
    found = []
    for text in named:
        with contextlib.suppress(LabelError):
            package = parse_pattern(text, notebook.package).package
            if os.path.lexists(opened.workspace.root / package / "notebook.toml"):
                found.append(package)
    return found


def wanted_labels(targets: Iterable[Target]) -> list[Label]:
    """The cells of some targets, without duplicates."""
    return list(dict.fromkeys(t.label for t in targets))


@dataclass(frozen=True, slots=True)
class Planned:
    """What can be built, who says what the disk holds when an action is ready, and the names."""

    graph: ActionGraph
    disk: Disk
    names: CellNames


Choose: TypeAlias = "Callable[[Surroundings, Iterable[str], FileIndex], Chosen]"
"""What gives packages their environments: `strata.cli.environments`."""


def actions(
    opened: Opened,
    cells: Cells,
    wanted: Sequence[Label],
    worker: str | None = None,
    choose: Choose | None = None,
) -> Planned:
    """The action graph of `wanted`, with environments chosen: by `choose`, if given."""
    # Questions need none of it.
    from strata.analysis.analyze import Facts, action_graph
    from strata.cli.environments import environments_of
    from strata.loading.disk import Disk
    from strata.loading.index import FileIndex
    from strata.loading.inputs import check_globs
    from strata.loading.modules import LocalModules

    opened.phase("environments")
    needed = cells.graph
    reach = _reach(needed, wanted)
    packages = {label.package for label in reach}
    index = FileIndex(opened.state)
    joined: list[JoinedCell] = []
    for cell in cells.joined:
        if cell.label in reach and cell.problem is None:
            try:
                check_globs(cell.label.package, cell.cell.directives.inputs)
            except ValueError as mistake:
                line = _line(cell.cell, "input")
                problem = CellError(f"@input: {mistake}", path=cell.cell.path, line=line)
                cell = replace(cell, problem=problem)
        joined.append(cell)
    modules = LocalModules(opened.workspace.root, index)
    chosen = (choose or environments_of)(opened.surroundings, packages, index)
    opened.phase("analyze")
    facts = Facts(
        environments=chosen.environments,
        environ=opened.consulted,
        imported_by=_for_package(opened, modules.files),
        names_imported_by=_for_package(opened, modules.names),
        worker=worker,
    )
    graph = action_graph(joined, wanted, facts)
    disk = Disk(opened.workspace.root, index, modules, chosen.locks.get, opened.reading_for)
    return Planned(graph, disk, cells.names)


def _for_package(opened: Opened, ask: Callable[[str, str], T]) -> Callable[[str, str], T]:
    def asked(package: str, source: str) -> T:
        with opened.reading_for(package):
            return ask(package, source)

    return ask if opened.proof is None else asked


def _reach(graph: CellGraph, wanted: Iterable[Label]) -> set[Label]:
    """`wanted` and every cell they can read from, definitions included."""
    found: set[Label] = set()
    stack = list(wanted)
    while stack:
        label = stack.pop()
        if label not in found:
            found.add(label)
            stack.extend(n for n in graph.needs(label) if n in graph.cells)
    return found


def _line(cell: Cell, key: str) -> int | None:
    return next((a.line for a in cell.annotations if a.key == key), None)


def _package_of(path: Path) -> str:
    text = path.as_posix()
    return "" if text == "." else text
