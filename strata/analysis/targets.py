"""What labels and patterns mean among the cells that there are.

After the colon stands a cell's id, else its file's stem, else a variable that exactly one cell of
the notebook defines. If later cells change that variable in place, the last of them is meant: it
has the value that the notebook ends with. Ambiguity is an error that lists the candidates; a name
that means nothing is an error that offers the nearest ones.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from strata.analysis.definers import Definers, bound_by, is_private, with_changes
from strata.core.dataclass import dataclass
from strata.core.errors import LabelError
from strata.core.label import Label, Scope, TargetPattern, parse_pattern, stem_of

if TYPE_CHECKING:
    from strata.loading.model import Notebook, NotebookInput
    from strata.loading.scope import Scan


class Named(Protocol):
    """What of a cell gives it its names."""

    @property
    def label(self) -> Label: ...

    @property
    def file(self) -> str: ...

    @property
    def path(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Target:
    """One cell that a pattern means; `variable` where the pattern named one."""

    label: Label
    variable: str | None = None


@dataclass(frozen=True, slots=True)
class CellNames:
    """The cells of each loaded package, and who defines its variables."""

    cells: Mapping[str, Sequence[Named]]
    definers: Mapping[str, Definers]

    @classmethod
    def of(cls, notebooks: Sequence[Notebook], scans: Mapping[Label, Scan]) -> CellNames:
        """The names of `notebooks`; `scans` has every cell of them."""
        bound = {nb.package: bound_by(nb.cells, scans) for nb in notebooks}
        names = cls({nb.package: nb.cells for nb in notebooks}, bound)
        definers = {
            nb.package: with_changes(
                bound[nb.package], nb.cells, scans, names._values_given(nb, scans)
            )
            for nb in notebooks
        }
        return cls(names.cells, definers)

    def _values_given(self, notebook: Notebook, scans: Mapping[Label, Scan]) -> set[str]:
        """Names that `[inputs]` gives as values; a line that is wrong is reported when joined."""
        found = set()
        for line in notebook.inputs:
            with contextlib.suppress(LabelError):
                label, variable = self.input_of(line, notebook.package)
                if variable not in scans[label].definitions:
                    found.add(line.name)
        return found

    def input_of(self, line: NotebookInput, package: str) -> tuple[Label, str]:
        """The cell and the variable that a line of `[inputs]` names. Raises `LabelError`."""
        pattern = parse_pattern(line.pattern, package)
        if pattern.scope is not Scope.CELL or pattern.negative:
            raise LabelError(
                f"'{line.pattern}' is not one variable of another notebook",
                hint=f'write {line.name} = "//notebook:{line.name}"',
            )
        label, variable = self.resolve(pattern)
        return label, variable or line.name

    def position(self, label: Label) -> int:
        """Where the cell stands in its notebook, from 0."""
        return next(i for i, c in enumerate(self.cells[label.package]) if c.label == label)

    def expand(self, patterns: Iterable[TargetPattern]) -> list[Target]:
        """The targets that `patterns` mean, in the order of the patterns; negative ones remove.

        Raises `LabelError` for a pattern that means nothing. Only negative patterns start from
        everything that is loaded.
        """
        patterns = list(patterns)
        chosen: dict[Target, None] = {}
        if patterns and all(p.negative for p in patterns):
            for package in self.cells:
                chosen.update(dict.fromkeys(self._all(package)))
        for pattern in patterns:
            found = self._targets(pattern)
            if pattern.negative:
                gone = {t.label for t in found}
                chosen = {t: None for t in chosen if t.label not in gone}
            else:
                chosen.update(dict.fromkeys(found))
        return list(chosen)

    def resolve(self, pattern: TargetPattern) -> tuple[Label, str | None]:
        """The one cell that `pattern` names, and the variable if it named one."""
        assert pattern.scope is Scope.CELL
        assert pattern.name is not None
        if pattern.qualifier is not None:
            raise LabelError(
                f"'{pattern.text}': there are no iterations and variants in this version of Strata"
            )
        cells = self._package(pattern)
        name = pattern.name
        with_id = [c for c in cells if c.label.name == name]
        for candidates in (with_id, with_id or [c for c in cells if stem_of(c.file) == name]):
            if len(candidates) == 1:
                return candidates[0].label, pattern.variable
            if candidates:
                raise _ambiguous(pattern, candidates)
        variable = self._variable(pattern, cells)
        if variable is None:
            raise self._unknown(pattern, cells)
        return variable, name

    def _variable(self, pattern: TargetPattern, cells: Sequence[Named]) -> Label | None:
        """The cell that has the variable `pattern.name` last; None if it is no variable."""
        name = str(pattern.name)
        if pattern.variable is not None or is_private(name):
            return None
        definers = self.definers[pattern.package]
        binders = definers.binders(name)
        if len(binders) > 1:
            raise _ambiguous(pattern, [cells[p] for p in binders])
        places = definers.positions.get(name, ())
        return cells[places[-1]].label if places else None

    def _targets(self, pattern: TargetPattern) -> list[Target]:
        match pattern.scope:
            case Scope.CELL:
                return [Target(*self.resolve(pattern))]
            case Scope.PACKAGE:
                self._package(pattern)
                return self._all(pattern.package)
            case Scope.SUBTREE:
                prefix = f"{pattern.package}/" if pattern.package else ""
                below = [
                    package
                    for package in self.cells
                    if package == pattern.package or package.startswith(prefix)
                ]
                if not below and not pattern.negative:
                    raise self._no_package(pattern)
                return [t for package in below for t in self._all(package)]

    def _all(self, package: str) -> list[Target]:
        return [Target(c.label) for c in self.cells[package]]

    def _package(self, pattern: TargetPattern) -> Sequence[Named]:
        if pattern.package not in self.cells:
            raise self._no_package(pattern)
        return self.cells[pattern.package]

    def _no_package(self, pattern: TargetPattern) -> LabelError:
        return no_such_notebook(pattern, self.cells)

    def _unknown(self, pattern: TargetPattern, cells: Sequence[Named]) -> LabelError:
        stems = [stem_of(c.file) for c in cells]
        variables = self.definers[pattern.package].public()
        known = list(dict.fromkeys([*(c.label.name for c in cells), *stems, *variables]))
        from difflib import get_close_matches  # only on the way to an error

        near = get_close_matches(str(pattern.name), known, n=3, cutoff=0.5)
        if near:
            hint = "did you mean " + " or ".join(f"//{pattern.package}:{n}" for n in near) + "?"
        else:
            some = ", ".join(c.label.name for c in cells[:8])
            hint = f"its cells: {some}" if some else "the notebook has no cells yet"
        return LabelError(f"no cell or variable '{pattern.name}' in //{pattern.package}", hint=hint)


def no_such_notebook(pattern: TargetPattern, packages: Iterable[str]) -> LabelError:
    """The error for a package that is not there, with the nearest ones."""
    known = list(packages)
    from difflib import get_close_matches  # only on the way to an error

    near = get_close_matches(pattern.package, known, n=3, cutoff=0.4)
    what = f"no notebook at or below //{pattern.package}"
    if pattern.scope is not Scope.SUBTREE:
        what = f"no notebook //{pattern.package}"
    if near:
        hint = "did you mean " + " or ".join(f"//{n}" for n in near) + "?"
    elif known:
        hint = "notebooks here: " + ", ".join(f"//{n}" for n in known[:8])
    else:
        hint = "no folder here has a notebook.toml; `strata new NAME` makes one"
    return LabelError(what, hint=hint)


def _ambiguous(pattern: TargetPattern, cells: Sequence[Named]) -> LabelError:
    listed = ", ".join(f"{c.label} ({c.path})" for c in cells)
    return LabelError(
        f"'{pattern.text}' could be any of: {listed}",
        hint="name one of them by its cell id",
    )
