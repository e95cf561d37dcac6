"""Scheduling: what deciding costs when there is nothing else to do (`benchmarks.scheduler`)."""

from __future__ import annotations

from benchmarks import scheduler
from benchmarks.harness.bench import Bench
from benchmarks.harness.tables import Table


def tables(bench: Bench) -> list[Table]:
    rows = []
    for count in (1_000,) if bench.quick else (1_000, 10_000, 100_000):
        for ran, who in ((False, "the cache"), (True, "a thread")):
            bench.say(f"  {count:,} actions, answered by {who}")
            times = 1 if bench.quick or count > 10_000 else 3
            costs = [scheduler.measure(count, ran=ran) for _ in range(times)]
            best = min(costs, key=lambda cost: cost.total_us)
            numbers = (best.total_us, best.key_us, best.scheduling_us)
            rows.append((f"{count:,}", who, *(f"{number:.1f}" for number in numbers)))
    columns = ("actions", "answered by", "all, CPU µs each", "its key", "scheduling")
    note = "In one process; notebooks of ten cells in a row. Nothing runs, nothing is printed."
    return [Table("Scheduling", columns, tuple(rows), (note,), summary=True, texts=2)]
