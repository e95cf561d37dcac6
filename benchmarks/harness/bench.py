"""What a suite is handed: the tools that could be had, workspaces to measure in, the options."""

from __future__ import annotations

import hashlib
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.harness.graphs import Graph, Notebook, size, write_cells
from benchmarks.harness.measure import Measured, RunFailed, Trial, interleaved, run
from benchmarks.harness.tables import Result
from benchmarks.peers.base import TOUCH, NotInstalled, Peer
from benchmarks.peers.strata import Strata

TAKES_MINUTES = "not measured beyond {largest:,} cells, where it takes minutes"


@dataclass
class Bench:
    """`quick`: sizes and repetitions that show that everything works, not how fast it is."""

    cache: Path
    quick: bool
    strata: Strata
    versions: dict[str, str]
    """Of every tool that could be had."""
    missing: dict[str, str]
    """Why each of the others could not."""
    peers: dict[str, Peer]
    failures: list[str] = field(default_factory=list)
    """What Strata itself did not do; the command ends with 1."""

    @property
    def repeats(self) -> int:
        return 2 if self.quick else 7

    def tools(self, *names: str) -> Mapping[str, Peer]:
        """Strata, and those of `names` that could be had."""
        found = {name: self.peers[name] for name in names if name in self.peers}
        return {"strata": self.strata, **found}

    def absent(self, *names: str) -> dict[str, str]:
        """Those of `names` that could not be had, and why."""
        return {name: self.missing[name] for name in names if name in self.missing}

    def say(self, text: str) -> None:
        """Tells whoever waits."""
        print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)

    def measure(self, trials: Mapping[str, Trial], budget_s: float = 8.0) -> dict[str, Result]:
        """All of them, in turn; remembers what Strata failed at."""
        found = interleaved(trials, self.repeats, 2.0 if self.quick else budget_s)
        for name, result in found.items():
            if isinstance(result, RunFailed):
                self.say(f"{name}: {result}")
                if name.startswith("strata") and "notebook" not in name:
                    self.failures.append(str(result))
        return dict(found)

    def workspace(
        self,
        tool: Peer,
        kind: str,
        graph: Graph,
        recipe: str = TOUCH,
        *,
        built: bool = True,
        files: Mapping[str, str] | None = None,
    ) -> Path:
        """A folder with `graph` for `tool`, and with `files`; brought up to date twice if `built`.

        It is kept for the next time. Raises `RunFailed`, and `NotInstalled` where the tool has to
        make an environment and cannot.
        """
        folder = self.cache / "workspaces" / f"{kind}-{size(graph)}-{tool.name}"
        known = folder / ".benchmarked"
        content = (graph, recipe, files, self.versions.get(tool.name, ""))
        print_of_it = hashlib.sha256(repr(content).encode()).hexdigest()
        is_new = not known.exists() or known.read_text() != print_of_it
        if is_new:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            write_cells(graph, folder)
            for name, text in (files or {}).items():
                (folder / name).write_text(text)
            tool.write(graph, folder, recipe)
            known.write_text(print_of_it)
        if built:
            for _ in range(2 if is_new or tool is self.strata else 1):
                run(tool.build(folder))
        return folder

    def trials(
        self,
        names: tuple[str, ...],
        kind: str,
        graph: Graph,
        trial: Callable[[Peer, Path], Trial],
    ) -> tuple[dict[str, Trial], dict[str, Result]]:
        """A trial for each tool in a workspace of its own, and why there is none for others."""
        trials: dict[str, Trial] = {}
        instead: dict[str, Result] = dict(self.absent(*names))
        for name, tool in self.tools(*names).items():
            if size(graph) > tool.largest:
                instead[name] = TAKES_MINUTES.format(largest=tool.largest)
                continue
            self.say(f"  workspace of {size(graph):,} cells for {name}")
            try:
                trials[name] = trial(tool, self.workspace(tool, kind, graph))
            except (RunFailed, NotInstalled) as problem:
                instead[name] = RunFailed(str(problem))
                if tool is self.strata:
                    self.failures.append(str(problem))
        return trials, instead


def middle(graph: Graph) -> Notebook:
    """The notebook that suites about one of many look at."""
    return graph[len(graph) // 2]


def in_order(names: tuple[str, ...], results: Mapping[str, Result]) -> dict[str, Result]:
    """Strata first, then the others in the order of `names`."""
    return {name: results[name] for name in ("strata", *names) if name in results}


def measured(result: Result | None) -> Measured:
    """For suites that compute with it. Raises `RunFailed` when it failed."""
    if isinstance(result, Measured):
        return result
    raise result if isinstance(result, RunFailed) else RunFailed(str(result))
