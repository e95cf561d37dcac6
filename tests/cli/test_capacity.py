"""What cells may take of the machine together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from strata.cli.capacity import capacity_of, gpu_count, memory_bytes
from strata.core.action import Action, Resources
from strata.core.action_graph import ActionGraph
from strata.execution.room import Capacity
from strata.loading.workspace import BuildSettings
from tests.execution.graphs import graph_of


def graph(needs: Resources | None = None) -> ActionGraph:
    found = graph_of({"a": []})
    nodes = {}
    for at, node in found.nodes.items():
        assert isinstance(node, Action)
        nodes[at] = node if needs is None else replace(node, resources=needs)
    return ActionGraph(nodes, found.needs)


def test_where_no_cell_says_what_it_needs_only_jobs_and_cores_count() -> None:
    assert capacity_of(BuildSettings(), 2, 8, graph()) == Capacity(2, 8.0)


def test_more_jobs_than_cores_are_a_wish_for_as_many_at_once() -> None:
    assert capacity_of(BuildSettings(), 8, 2, graph()).cpu == 8.0


def test_strata_toml_says_what_there_is() -> None:
    settings = BuildSettings(resources={"cpu": 1.5, "mem": 2**30, "gpu": 0})
    found = capacity_of(settings, 8, 2, graph(Resources(gpus=1)))
    assert found == Capacity(8, 1.5, 2**30, 0)


def test_what_it_does_not_say_is_what_the_machine_has() -> None:
    found = capacity_of(BuildSettings(), 2, 4, graph(Resources(cpu=2)))
    assert found == Capacity(2, 4.0, memory_bytes(), gpu_count())


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"proc/meminfo": "MemTotal:       1000 kB\nMemFree: 1 kB\n"}, 1_024_000),
        ({"proc/meminfo": "MemTotal: 1000 kB\n", "sys/fs/cgroup/memory.max": "4096\n"}, 4096),
        ({"proc/meminfo": "MemTotal: 1000 kB\n", "sys/fs/cgroup/memory.max": "max\n"}, 1_024_000),
        ({"proc/meminfo": "nothing"}, None),
    ],
)
def test_memory_is_that_of_the_machine_or_of_the_container(
    tmp_path: Path, files: dict[str, str], expected: int | None
) -> None:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert memory_bytes(tmp_path) == expected


def test_gpus_are_counted_by_their_devices(tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    assert gpu_count(tmp_path) == 2
    assert gpu_count(tmp_path / "none") == 0
