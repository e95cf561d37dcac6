"""What cells may take of this machine together: as strata.toml says, else what there is.

Asked only for builds in which a cell says what it needs (`@resources`): for the others the number
of jobs is all that counts.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from strata.core.action import USUAL, Action
from strata.core.action_graph import ActionGraph
from strata.execution.room import Capacity
from strata.loading.workspace import BuildSettings

_NO_LIMIT_BYTES = 1 << 60
"""Above this, a limit means that there is none."""


def capacity_of(settings: BuildSettings, jobs: int, cores: int, graph: ActionGraph) -> Capacity:
    """What the actions of `graph` may take; `cores` are those that this process may use."""
    said = settings.resources
    # `-j8` on two cores is a wish for eight at once.
    cpu = said.get("cpu", float(max(cores, jobs)))
    if not any(_says(node) for node in graph.nodes.values()):
        return Capacity(jobs, cpu)
    memory = int(said["mem"]) if "mem" in said else memory_bytes()
    gpus = int(said["gpu"]) if "gpu" in said else gpu_count()
    return Capacity(jobs, cpu, memory, gpus)


def _says(node: object) -> bool:
    # Only the first action of a chain could be asked, and it must not be made for this alone.
    return not isinstance(node, Action) or (node.resources is not USUAL and node.resources != USUAL)


def memory_bytes(root: Path = Path("/")) -> int | None:
    """The memory of the machine, or of the container that this is; None where nobody knows."""
    found = [_limit(root / "sys/fs/cgroup/memory.max")]
    found += [_limit(root / "sys/fs/cgroup/memory/memory.limit_in_bytes")]
    try:
        total = re.search(r"MemTotal:\s*(\d+) kB", (root / "proc/meminfo").read_text())
        found.append(None if total is None else int(total[1]) * 1024)
    except OSError:
        found.append(_by_sysconf())
    return min((one for one in found if one is not None), default=None)


def gpu_count(devices: Path = Path("/dev")) -> int:
    """How many GPUs of the kinds that can be seen as files there are."""
    try:
        names = os.listdir(devices)
    except OSError:
        return 0
    return sum(re.fullmatch(r"nvidia[0-9]+", name) is not None for name in names)


def _limit(path: Path) -> int | None:
    try:
        limit = int(path.read_text())
    except (OSError, ValueError):
        return None  # there is no such file, or it says "max"
    return limit if limit < _NO_LIMIT_BYTES else None


def _by_sysconf() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return None
