"""`python -m benchmarks`: measures Strata and its peers, and prints Markdown."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
import traceback
from pathlib import Path

from benchmarks.harness.bench import Bench
from benchmarks.harness.machine import head
from benchmarks.harness.measure import adopt_orphans, stop_servers
from benchmarks.peers.base import NotInstalled, Peer
from benchmarks.peers.bazel import Bazel
from benchmarks.peers.doit import Doit
from benchmarks.peers.dvc import Dvc
from benchmarks.peers.make import Make
from benchmarks.peers.ninja import Ninja
from benchmarks.peers.snakemake import Snakemake
from benchmarks.peers.strata import ROOT, Strata
from benchmarks.peers.strata_notebook import StrataNotebook

SUITES = (
    "null_build",
    "one_edit",
    "query",
    "saying_help",
    "memory",
    "cell_overhead",
    "cold_build",
    "scheduling",
    "artifacts",
)
PEERS: tuple[type[Peer], ...] = (
    Ninja, Make, Bazel, Doit, Snakemake, Dvc, StrataNotebook,
)  # fmt: skip

INTRODUCTION = """# Benchmarks

Processor time (user and system) of whole processes, best of several runs in turn, beside other
tools on the same files. `uv run python -m benchmarks --output docs/benchmarks.md` writes this page;
[how it measures](../benchmarks/README.md).
"""


def main() -> int:
    """Measures what was asked for; 1 when Strata failed at something."""
    options = _options()
    started = time.monotonic()
    adopt_orphans()
    bench = _bench(options.cache.expanduser().resolve(), options.strata.resolve(), options.quick)
    parts = [] if options.summary else [INTRODUCTION]
    parts.append(head(bench.versions, bench.missing, options.strata))
    try:
        for name in options.only or SUITES:
            bench.say(name)
            parts += _tables(bench, name, summary=options.summary)
            # After every suite, so that who interrupts loses one.
            _write(options.output, parts)
    finally:
        stop_servers()
    parts.append(f"Taken in {(time.monotonic() - started) / 60:.0f} minutes.\n")
    _write(options.output, parts)
    if options.output is None:
        print("\n".join(parts))
    for failure in bench.failures:
        print(f"strata failed: {failure}", file=sys.stderr)
    return 1 if bench.failures else 0


def _write(output: Path | None, parts: list[str]) -> None:
    if output is not None:
        output.write_text("\n".join(parts), encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, two runs each")
    parser.add_argument("--only", action="append", choices=SUITES, help="this suite; repeatable")
    parser.add_argument("--summary", action="store_true", help="only the tables of the README")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write there, not to stdout")
    parser.add_argument(
        "--cache", type=Path, metavar="DIR", default=Path("~/.cache/strata-benchmarks"),
        help="where tools and workspaces are kept (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--strata", type=Path, metavar="DIR", default=ROOT,
        help="measure the Strata whose source is there (default: this one)",
    )  # fmt: skip
    return parser.parse_args()


def _bench(cache: Path, source: Path, quick: bool) -> Bench:
    """Installs Strata from its source, and every peer that can be had."""
    cache.mkdir(parents=True, exist_ok=True)
    strata = Strata(source)
    bench = Bench(cache, quick, strata, versions={}, missing={}, peers={})
    bench.say("installing strata")
    bench.versions["strata"] = strata.install(cache)
    for kind in PEERS:
        peer = kind()
        bench.say(f"installing {peer.name}")
        try:
            bench.versions[peer.name] = peer.install(cache)
            bench.peers[peer.name] = peer
        except NotInstalled as problem:
            bench.missing[peer.name] = str(problem)
    return bench


def _tables(bench: Bench, name: str, *, summary: bool) -> list[str]:
    """The tables of one suite; none, and a failure, when it breaks."""
    try:
        tables = importlib.import_module(f"benchmarks.{name}").tables(bench)
    except Exception as problem:  # noqa: BLE001 - one suite that breaks must not lose the others
        traceback.print_exc()
        bench.failures.append(f"{name}: {problem}")
        return []
    finally:
        stop_servers()
    return [table.markdown() for table in tables if table.summary or not summary]


if __name__ == "__main__":
    sys.exit(main())
