"""A cell's code that asks for a variable which the caller has and the cell has not is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runner.harness import cell, module
from tests.runner.test_observe import seen_by


def asked(root: Path, source: str, **header: object) -> tuple[str, ...]:
    return seen_by(root, source, hidden_variables=["MODE", "DATA"], **header).variables


@pytest.mark.parametrize(
    "asking",
    [
        "os.environ.get('MODE')",
        "os.getenv('MODE', 'fast')",
        "'MODE' in os.environ",
        "os.environ.pop('MODE', None)",
        "os.environ.setdefault('MODE', 'fast')",
        "os.environb.get(b'MODE')",
        "os.getenvb(b'MODE')",
        "os.path.expandvars('$MODE/x')",
        "environ.get('MODE')",
        "[os.getenv(n) for n in ['MODE']]",
    ],
)
def test_every_way_to_ask_is_heard(tmp_path: Path, asking: str):
    assert asked(tmp_path, f"import os\nfrom os import environ\n{asking}") == ("MODE",)


def test_a_name_is_told_once_and_in_the_order_asked(tmp_path: Path):
    source = "import os\nfor n in ('DATA', 'MODE', 'DATA'):\n    os.getenv(n)"
    assert asked(tmp_path, source) == ("DATA", "MODE")


def test_what_the_caller_has_not_or_the_cell_has_is_nothing(tmp_path: Path):
    assert asked(tmp_path, "import os\nos.getenv('NOBODYS')\nos.environ['HOME']") == ()
    assert asked(tmp_path, "import os\nos.environ['MODE'] = '1'\nos.getenv('MODE')") == ()


def test_looking_at_all_variables_asks_for_none(tmp_path: Path):
    source = "import os, subprocess\ndict(os.environ)\nos.environ.copy()\nsubprocess.run(['true'])"
    assert asked(tmp_path, source) == ()


def test_a_module_of_the_workspace_is_the_users_and_a_library_is_not(tmp_path: Path):
    library = tmp_path.parent / f"{tmp_path.name}-library"
    library.mkdir()
    (library / "lib.py").write_text("import os\nos.getenv('MODE')\n")
    (tmp_path / "helpers.py").write_text("import os\nos.getenv('DATA')\n")
    source = f"import sys\nsys.path.append({str(library)!r})\nimport lib, helpers"
    assert asked(tmp_path, source) == ("DATA",)
    assert asked(tmp_path, "import shutil\nshutil.get_terminal_size()") == ()


def test_a_function_of_another_cell_is_the_users(tmp_path: Path):
    spec = module("ab" * 16, "import os\ndef f():\n    return os.getenv('MODE')\n", ["f"])
    bindings = {"f": {"module": "ab" * 16, "name": "f"}}
    arguments = cell("f()", bindings=bindings, modules=[spec])
    assert asked(tmp_path, "", arguments=arguments) == ("MODE",)


def test_the_environment_is_what_it_was_in_all_else(tmp_path: Path):
    source = """
import os, subprocess, copy
assert isinstance(os.environ, os._Environ) and type(os.environ.copy()) is dict
try: os.environ['MODE']
except KeyError as e: assert e.args == ('MODE',) and e.__cause__ is None and e.__suppress_context__
os.environ['NEW'] = 'é'
assert os.environb[b'NEW'] == 'é'.encode() and os.environ.get('NEW') == 'é'
assert subprocess.check_output(['printenv', 'NEW'], text=True) == 'é\\n'
del os.environ['NEW']
assert subprocess.run(['printenv', 'NEW']).returncode == 1
os.environ |= {'A': '1'}
assert os.environ.pop('A') == '1' and 'A' not in os.environ
assert repr(os.environ).startswith('environ({') and len(os.environ) == len(list(os.environ))
os.putenv('B', '2')
try: os.environ[1]
except TypeError: pass
"""
    assert asked(tmp_path, source) == ("MODE",)
