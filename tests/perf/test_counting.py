"""The counts themselves: what they hold, and what they do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.perf.counting import instructions, instructions_each, instructions_of_a_call

pytestmark = pytest.mark.slow


def importing(folder: Path) -> str:
    """A program that imports a module which was never compiled, and does nothing with `size`."""
    functions = (f"def f{i}(x):\n    return [x + {i}, 'text {i}']\n" for i in range(300))
    (folder / "never_compiled.py").write_text("".join(functions))
    return f"sys.path.append({str(folder)!r})\nimport never_compiled\n"


def test_a_count_holds_nothing_of_compiling_what_is_imported(tmp_path: Path) -> None:
    program = importing(tmp_path)
    assert abs(instructions_each(program, 1, 2)) < 100 * instructions_of_a_call()


def test_a_program_is_counted_alike_each_time() -> None:
    program = "names = {str(i) for i in range(1000)}\n[hash(name) for name in names]\n"
    first = instructions(program, 1)
    instructions.cache_clear()
    assert abs(instructions(program, 1) - first) < instructions_of_a_call()
