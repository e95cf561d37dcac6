"""Asks Strata and Bazel the same, and holds result against result.

`uv run python -m benchmarks.bazel_answers [--expressions 150] [--seed N]` generates small
workspaces that both can read and expressions of the query language, asks `strata query` and
`bazel query`, and prints how many agreed, by what is in them, and every difference. It ends with 1
if there was one, and with 2 where there is no Bazel or something else broke.

The language is Bazel's, so most expressions are the same text. What is translated, because it is
another on purpose:

- `//p`, all cells of the notebook, is `//p:all`; in Bazel it is the target `//p:p`. `//p:*` is
  `//p:all`, too: in Bazel it has the files of the package in it.
- `siblings(x)` is `kind(rule, siblings(x))`, because in Bazel the BUILD file is one.
- `kind(python, x)` and `kind(markdown, x)` name the rules that stand for such cells.
- `labels(needs, x)` is `labels(srcs, x)`: what a `filegroup` holds stands for what a cell reads.
- A test is a `sh_test` for Bazel; `test_suite`, which `tests` expands there, Strata has not.
- `allrdeps` is asked with `--universe_scope=//... --order_output=no`, without which Bazel does not
  have it; Bazel's own tools are left out by `--noimplicit_deps --notool_deps`.

`some(x)` may be another one, if it is of x; `somepath` another way, if it is one, and Strata's is
not the longer. Nested in others, `some` is asked of one cell, and `somepath` where there is one way
at most. `some(x, n)` is newer than the Bazel that Debian has. What one refuses the other refuses.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.answers.expressions import OUTER, Agreement, Case, Expressions
from benchmarks.answers.worlds import World, world, write, write_repositories
from benchmarks.harness.measure import Command, environment
from benchmarks.harness.tables import Table
from benchmarks.peers.base import NotInstalled
from benchmarks.peers.bazel import Bazel

STRATA = Path(sys.executable).with_name("strata")
PER_WORLD = 30
ALL_RDEPS = ("--universe_scope=//...", "--order_output=no")
_REFUSED = {"strata": {2}, "bazel": {2, 7}}
"""Exit codes of a question that is wrong; others are of a tool that is."""


@dataclass(frozen=True)
class Answer:
    """What a tool said: cells, or None with why it refuses."""

    cells: frozenset[str] | None
    complaint: str = ""

    def __str__(self) -> str:
        return f"refused: {self.complaint}" if self.cells is None else " ".join(sorted(self.cells))


class Broken(Exception):
    """A tool ended as it should not."""


class Asking:
    """Both tools, in one workspace that is written anew for every world: what Strata remembers of
    the one before has to be noticed to be old."""

    def __init__(self, cache: Path) -> None:
        """Raises `NotInstalled` where there is no Bazel."""
        self.bazel = Bazel()
        self.bazel.install(cache)
        self.folder = cache / "workspaces" / "answers"
        self.options = write_repositories(cache / "repositories")

    def strata(self, text: str) -> Answer:
        return _said("strata", Command((str(STRATA), "query", text), self.folder))

    def theirs(self, text: str) -> Answer:
        options = (*self.options, *(ALL_RDEPS if "allrdeps" in text else ()))
        return _said("bazel", self.bazel.query(self.folder, text, *options))

    def stop(self) -> None:
        _ended(self.bazel.stop(self.folder))


def _said(tool: str, command: Command) -> Answer:
    ended = _ended(command)
    if ended.returncode == 0:
        return Answer(frozenset(ended.stdout.split()))
    complaints = [line for line in ended.stderr.splitlines() if "error" in line.lower()]
    complaint = (complaints or ended.stderr.splitlines() or [""])[-1]
    if ended.returncode not in _REFUSED[tool]:
        raise Broken(f"{' '.join(command.argv)} ended with {ended.returncode}: {complaint}")
    return Answer(None, complaint)


def _ended(command: Command) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command.argv,
        cwd=command.folder,
        env=environment(command.variables),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=300,
    )


def agree(case: Case, about: World, ours: Answer, theirs: Answer, of: Answer | None = None) -> bool:
    """Whether both answers may be; `of` is what Bazel answers to the argument of `some`."""
    if ours.cells is None or theirs.cells is None:
        return ours.cells is theirs.cells
    match case.agreement:
        case Agreement.SAME:
            return ours.cells == theirs.cells
        case Agreement.ONE_OF:
            assert of is not None
            return len(ours.cells) == 1 and of.cells is not None and ours.cells <= of.cells
        case Agreement.A_WAY:
            if not ours.cells or not theirs.cells:
                return ours.cells == theirs.cells
            ways = (about.ends_of_way(ours.cells), about.ends_of_way(theirs.cells))
            begins, ends = case.ends
            are_ways = all(w is not None and w[0] in begins and w[1] in ends for w in ways)
            return are_ways and len(ours.cells) <= len(theirs.cells)


@dataclass(frozen=True)
class Compared:
    """One case, asked of both."""

    case: Case
    ours: Answer
    theirs: Answer
    agreed: bool


def compared(asking: Asking, expressions: int, seed: int) -> Iterator[Compared]:
    """So many cases, a world for every thirty."""
    for number in range(expressions):
        if number % PER_WORLD == 0:
            rng = random.Random(f"{seed}, {number}")
            about = world(rng)
            generated = Expressions(rng, about)
            write(about, asking.folder)
        case = generated.case(OUTER[number % len(OUTER)])
        ours, theirs = asking.strata(case.asked.ours), asking.theirs(case.asked.theirs)
        of = None if case.argument is None else asking.theirs(case.argument.theirs)
        yield Compared(case, ours, theirs, agree(case, about, ours, theirs, of))


def table(results: Sequence[Compared]) -> Table:
    """How many agreed, by what of the language is in them."""
    counted: dict[str, Counter[str]] = {}
    for result in results:
        for use in ("all", *result.case.asked.uses):
            counts = counted.setdefault(use, Counter())
            counts["asked"] += 1
            counts["agreed"] += result.agreed
            counts["cells"] += bool(result.ours.cells)
            counts["refused"] += result.ours.cells is None
    names = ("asked", "agreed", "cells", "refused")
    order = sorted(counted, key=lambda use: (use != "all", use))
    rows = tuple((use, *(str(counted[use][name]) for name in names)) for use in order)
    columns = ("expressions with", "asked", "agreed", "not empty", "refused by both")
    return Table("strata query beside bazel query", columns, rows)


def main() -> int:
    """Asks, prints, and says by the exit code whether all agreed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bazel_answers", description=__doc__)
    parser.add_argument("--expressions", type=int, default=150, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/strata-benchmarks"))
    options = parser.parse_args()
    started = time.monotonic()
    try:
        asking = Asking(options.cache.expanduser().resolve())
    except NotInstalled as problem:
        print(f"bazel is {problem}", file=sys.stderr)
        return 2
    try:
        results = list(compared(asking, options.expressions, options.seed))
    except Broken as problem:
        print(problem, file=sys.stderr)
        return 2
    finally:
        asking.stop()
    print(table(results).markdown())
    differences = [result for result in results if not result.agreed]
    for one in differences:
        print(f"strata query {one.case.asked.ours!r}\n  {one.ours}")
        print(f"bazel query {one.case.asked.theirs!r}\n  {one.theirs}\n")
    took_s = time.monotonic() - started
    print(f"{len(results)} expressions, {len(differences)} differences, {took_s:.0f} s.")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
