"""Held against programs that are run: what they look up outside was foreseen."""

from __future__ import annotations

import contextlib
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from strata.loading.scope import scan
from tests.loading.scope import programs


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 1000))
def test_every_run_is_foreseen(seed: int, chance: int) -> None:
    source = programs.program(seed)
    if source is None:
        return
    found = scan(source, "program.py")
    for attempt in range(4):
        with contextlib.redirect_stdout(io.StringIO()):
            observed = programs.run(source, chance + attempt)
        assert observed.read <= {*found.reads, *found.may_read}, source
        if observed.completed:
            assert observed.bound <= set(found.binds), source
            assert set(found.binds) - set(found.may_bind) <= observed.bound, source


def test_the_programs_say_something() -> None:
    """Most are Python, and many run to their end: else nothing would be tested."""
    sources = [source for seed in range(200) if (source := programs.program(seed)) is not None]
    completed = [programs.run(source, 1).completed for source in sources]
    assert len(sources) > 150
    assert sum(completed) > 50
