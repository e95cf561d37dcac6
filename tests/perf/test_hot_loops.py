"""Instructions of the hot loops, by callgrind: what one more file, cell or value costs.

The unit is one call of a Python function, counted on the same Python: so a number holds on other
machines and for other builds of an interpreter. The bounds are a third to a half above what was
counted.
"""

from __future__ import annotations

import pytest

from tests.perf.counting import instructions, instructions_each, instructions_of_a_call

_STATS = """
import os
from strata.cli import stamp
here = stamp.__file__
known = stamp.signature(os.stat(here))
one = object.__new__(stamp.Stamp)
one.variables, one.checked, one.kinds = {}, size, bytes(size)
one.paths, one.signatures = (here,) * size, (known,) * size
assert stamp.changed(one, "/", {}) == []
"""

_BARE_STATS = """
import os
from strata.cli import stamp
here = stamp.__file__
stat = os.stat
for i in range(size):
    seen = stat(here)
    (seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino)
"""

_ENCODE = """
from strata.core.encoding import encode
for i in range(size):
    encode({"source": "x = 1", "inputs": {"x": "0" * 64}, "version": [1, i, True, None]})
"""

_SCHEDULE = """
from benchmarks.scheduler import measure
measure(size)
"""

ENCODE_CALLS = 80
"""Of a mapping like a small part of a key."""
SCHEDULE_CALLS = 1_000
"""Of making an action, its key twice, and scheduling it."""

pytestmark = pytest.mark.slow


def calls_each(program: str, few: int, many: int) -> float:
    """What one more costs, in calls of a Python function."""
    return instructions_each(program, few, many) / instructions_of_a_call()


def test_comparing_a_file_with_a_stamp_costs_little_more_than_a_stat() -> None:
    bare = instructions_each(_BARE_STATS, 500, 1_000)
    assert instructions_each(_STATS, 500, 1_000) <= 1.3 * bare


def test_encoding_costs_what_it_did() -> None:
    assert calls_each(_ENCODE, 500, 1_000) <= ENCODE_CALLS


def test_scheduling_an_action_costs_what_it_did() -> None:
    assert calls_each(_SCHEDULE, 200, 400) <= SCHEDULE_CALLS


@pytest.mark.parametrize(("program", "size"), [(_STATS, 500), (_ENCODE, 500), (_SCHEDULE, 200)])
def test_a_loop_of_twice_the_length_costs_twice_as_much(program: str, size: int) -> None:
    once, twice, four_times = (instructions(program, size * factor) for factor in (1, 2, 4))
    assert four_times - twice <= 2.3 * (twice - once)
