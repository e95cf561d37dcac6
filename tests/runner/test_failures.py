"""What a cell's failure says: the user's own frames, the place, advice; nothing of ours."""

from __future__ import annotations

import pytest

HEADER = "Traceback (most recent call last):\n"


def failure(outcome):
    assert not outcome.done
    assert outcome.failure is not None
    assert "_strata_runner" not in str(outcome.failure)
    assert "strata/runner" not in str(outcome.failure)
    return outcome.failure


def place(outcome):
    found = failure(outcome)
    return found["file"], found["line"]


def test_the_frames_of_the_user_and_of_libraries_are_shown(run_cell):
    found = failure(run_cell("import json\n\ndef f(text):\n    return json.loads(text)\n\nf('{')"))
    lines = [line for line in found["traceback"].splitlines() if "^" not in line]
    assert lines[:5] == [
        HEADER.strip(),
        '  File "train/cells/fit.py", line 6, in <module>',
        "    f('{')",
        '  File "train/cells/fit.py", line 4, in f',
        "    return json.loads(text)",
    ]
    assert 'json/decoder.py", line' in found["traceback"]
    assert (found["file"], found["line"]) == ("train/cells/fit.py", 4)
    assert found["type_name"] == "json.decoder.JSONDecodeError"
    assert found["kind"] == "exception"
    assert found["hint"] is None


def test_the_traceback_exactly(run_cell):
    found = failure(run_cell("def f(n):\n    return 1 / n\n\nf(0)", shows_last=True))
    assert found["traceback"] == (
        HEADER + '  File "train/cells/fit.py", line 4, in <module>\n    f(0)\n'
        '  File "train/cells/fit.py", line 2, in f\n    return 1 / n\n           ~~^~~\n'
        "ZeroDivisionError: division by zero\n"
    )


def test_a_syntax_error_has_its_place(run_cell):
    found = failure(run_cell("x = 1\ny = = 2\n"))
    assert (found["file"], found["line"]) == ("train/cells/fit.py", 2)
    assert found["type_name"] == "SyntaxError"
    assert found["traceback"].startswith('  File "train/cells/fit.py", line 2\n')


def test_errors_in_text_that_the_cell_executes_are_placed_in_the_cell(run_cell):
    assert place(run_cell("x = 1\nexec('1 +')")) == ("train/cells/fit.py", 2)
    assert place(run_cell("x = 1\n\neval('1/0')")) == ("train/cells/fit.py", 3)


def test_the_line_offset_moves_lines(run_cell):
    assert place(run_cell("1/0", line_offset=7)) == ("train/cells/fit.py", 8)
    assert place(run_cell("x = 1\n1/0", line_offset=7, shows_last=True)) == (
        "train/cells/fit.py",
        9,
    )


def test_asyncio_is_not_in_the_traceback(run_cell):
    found = failure(run_cell("import asyncio\nawait asyncio.sleep(0)\nraise ValueError('a')"))
    assert found["traceback"] == (
        HEADER + '  File "train/cells/fit.py", line 3, in <module>\n'
        "    raise ValueError('a')\nValueError: a\n"
    )


def test_what_was_raised_before_is_kept(run_cell):
    found = failure(
        run_cell(
            "class Mine(Exception): pass\ntry:\n    {}['k']\nexcept KeyError as e:\n"
            "    raise Mine('m') from e"
        )
    )
    assert found["traceback"].count(HEADER) == 2
    assert "KeyError: 'k'\n\nThe above exception was the direct cause" in found["traceback"]
    assert found["traceback"].endswith("\nMine: m\n")
    assert (found["type_name"], found["message"]) == ("Mine", "m")


def test_the_members_of_a_group_are_kept(run_cell):
    found = failure(
        run_cell(
            "def f():\n    raise KeyError('k')\nfound = []\ntry:\n    f()\n"
            "except KeyError as e:\n    found.append(e)\nraise ExceptionGroup('two', found)"
        )
    )
    assert found["message"] == "two (1 sub-exception)"
    assert "KeyError: 'k'" in found["traceback"]
    assert found["line"] == 8


@pytest.mark.parametrize("call", ["sys.exit(0)", "sys.exit()", "exit()", "raise SystemExit(3)"])
def test_exit_is_a_failure_whatever_the_code(run_cell, call: str):
    found = failure(run_cell(f"import sys\nx = 1\n{call}", ["x"]))
    code = {"sys.exit(0)": "0", "raise SystemExit(3)": "3"}.get(call, "None")
    assert found["kind"] == "exit"
    assert found["message"] == f"the cell called exit with code {code}"
    assert found["hint"] == "let the cell run to its end; raise an error to stop the build"
    assert (found["file"], found["line"]) == ("train/cells/fit.py", 3)


def test_an_interrupt_is_one(run_cell):
    assert failure(run_cell("raise KeyboardInterrupt"))["kind"] == "interrupt"
    sent = run_cell("import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(9)")
    assert failure(sent)["kind"] == "interrupt"


def test_a_cell_has_no_keyboard(run_cell):
    found = failure(run_cell("input('name? ')"))
    assert found["type_name"] == "EOFError"
    assert found["hint"] == ("a cell has no keyboard; pass the value through a variable or a file")


AWKWARD = {
    "str_raises": (
        "class E(Exception):\n    def __str__(self): raise ValueError\nraise E",
        "<a E that cannot be shown>",
    ),
    "str_exits": (
        "class E(Exception):\n    def __str__(self): raise SystemExit\nraise E",
        "<a E that cannot be shown>",
    ),
    "base": ("class E(BaseException): pass\nraise E('x')", "x"),
    "surrogate": ("raise ValueError('\\ud800')", "\\ud800"),
    "cause_cycle": (
        "a, b = ValueError('a'), KeyError('b')\na.__cause__ = b\nb.__cause__ = a\nraise a",
        "a",
    ),
    "generator_exit": ("raise GeneratorExit('g')", "g"),
    "no_memory": ("raise MemoryError", ""),
    "not_an_exception": ("raise 5", "exceptions must derive from BaseException"),
}


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_exceptions_are_told(run_cell, name: str):
    source, message = AWKWARD[name]
    found = failure(run_cell(source))
    assert found["kind"] == "exception"
    assert found["message"] == message
    assert found["file"] == "train/cells/fit.py"


def test_large_failures_are_cut(run_cell):
    sources = [
        "raise ValueError('x' * 10**7)",
        "def f():\n    g()\ndef g():\n    f()\nf()",
        "import sys\nsys.setrecursionlimit(20_000)\ndef f(n):\n    g(n - 1) if n else 1/0\n"
        "def g(n):\n    f(n)\nf(4_000)",
        "e = None\nfor i in range(3_000):\n    try:\n        raise ValueError(i) from e\n"
        "    except ValueError as n:\n        e = n\nraise e",
    ]
    for source in sources:
        found = failure(run_cell(source))
        assert len(found["message"]) < 5_000
        assert len(found["traceback"]) < 70_000
        assert found["traceback"].startswith(HEADER)
        assert found["file"] == "train/cells/fit.py"


def test_what_a_value_cannot_be_loaded_for_is_an_error_of_the_input(run_cell):
    import pickle

    gone = pickle.dumps(ModuleNotFoundError).replace(b"ModuleNotFoundError", b"ModuleNotFoundErro_")
    stored = run_cell("x = (1, 2)", ["x"]).outputs["x"]
    start = stored.data.index(b"\x80\x05")
    size = len(gone)
    header = b'{"pickle":%d,"buffers":[],"modules":[]}' % size
    data = b"STRATAP1" + len(header).to_bytes(8, "little") + header
    data += bytes(-len(data) % 64) + gone
    assert start % 64 == 0
    outcome = run_cell("x", [], {"x": type(stored)("pickle", data)}, bindings={"x": {"slot": "x"}})
    assert outcome.failure["kind"] == "input"
    assert outcome.failure["message"].startswith("the value 'x' cannot be loaded: AttributeError")


def test_code_of_a_cell_that_fails_while_a_value_is_loaded_is_told_by_its_place(run_cell):
    from tests.runner.harness import module

    source = "class P:\n    def __setstate__(self, state):\n        raise ValueError('old')\n"
    spec = module("ab" * 16, source, ["P"], line=5)
    made = run_cell(
        source + "p = P()\np.a = 1", ["p"], own={"P": "ab" * 16}, modules=[spec]
    ).outputs
    found = failure(run_cell("p", [], made, modules=[spec], bindings={"p": {"slot": "p"}}))
    assert (found["kind"], found["message"]) == ("exception", "old")
    assert (found["file"], found["line"]) == ("prep/cells/defs.py", 7)


def test_a_file_that_is_gone_is_no_fault_of_the_cell(tmp_path, run_cell):
    from tests.runner import harness

    stored = {"a": harness.Stored("json", b"1")}
    outcome = run_cell("a", [], stored, bindings={"a": {"slot": "a"}}, by_path=True)
    assert outcome.done
    original = harness.Path.write_bytes
    try:
        harness.Path.write_bytes = lambda self, data: None
        outcome = run_cell("a", [], stored, bindings={"a": {"slot": "a"}}, by_path=True)
    finally:
        harness.Path.write_bytes = original
    assert outcome.failure["kind"] == "infrastructure"
