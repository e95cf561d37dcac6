"""What starting a tool costs: its help, beside an interpreter that does nothing."""

from __future__ import annotations

from pathlib import Path

from benchmarks.harness.bench import Bench, in_order
from benchmarks.harness.measure import Command, Trial
from benchmarks.harness.tables import Table, compared

PEERS = ("ninja", "make", "doit", "snakemake", "dvc", "strata-notebook")


def tables(bench: Bench) -> list[Table]:
    here = Path("/")
    trials = {}
    for name, tool in bench.tools(*PEERS).items():
        # Ninja and its kind end with 1 after they have said their help.
        flag = "--version" if name == "ninja" else "--help"
        program = tool.build(bench.cache, "x").argv[0]
        trials[name] = Trial(Command((program, "help" if name == "doit" else flag), here))
    python = str(bench.strata.bin / "python")
    trials["python -c pass"] = Trial(Command((python, "-c", "pass"), here))
    trials["python -IS -c pass"] = Trial(Command((python, "-IS", "-c", "pass"), here))
    results = {**bench.absent(*PEERS), **bench.measure(trials, budget_s=8.0)}
    names = (*PEERS, "python -c pass", "python -IS -c pass")
    rows = {("--help", name): result for name, result in in_order(names, results).items()}
    note = "`ninja --version` and `doit help`; the others `--help`."
    return [compared("Saying what there is", "what", rows, notes=(note,))]
