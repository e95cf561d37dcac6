"""Lines of keys: every key of a TOML text has the line that it stands on."""

from __future__ import annotations

import tomllib

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from strata.loading.places import lines_by_path

TEXT = '''\
# a comment [[not.a.table]]
name = "a # [b] = c"     # 2
dotted.key."with space" = 1
[env]
A = "1"
'quoted.key' = """
B = 2
[not] = "a table"\\"""" # ends here
C = \'\'\'
'''
TEXT = (
    TEXT.rstrip("\n")
    + """
D = 3
''' # after
E = 1.5
[[cells]] # 13
id = "a"
[cells.env]
X = { y = [1, 2.5, { z = 2026-01-01T00:00:00Z }], "w" = -1.0e5 }
[[cells.mounts]]
name = "m"
[[cells.mounts]]
name = "n"
[[cells]]
id = "b" # 22
list = [
  "x", # 24
  # nothing
  { q = 1, r = [
    2] },
  [3,
   4],
]
[a.b.c]
"""
)

EXPECTED = {
    ("name",): 2,
    ("dotted",): 3,
    ("dotted", "key", "with space"): 3,
    ("env",): 4,
    ("env", "A"): 5,
    ("env", "quoted.key"): 6,
    ("env", "C"): 9,
    ("env", "E"): 12,
    ("cells",): 13,
    ("cells", 0, "id"): 14,
    ("cells", 0, "env"): 15,
    ("cells", 0, "env", "X", "y", 1): 16,
    ("cells", 0, "env", "X", "y", 2, "z"): 16,
    ("cells", 0, "env", "X", "w"): 16,
    ("cells", 0, "mounts", 0): 17,
    ("cells", 0, "mounts", 1, "name"): 20,
    ("cells", 1): 21,
    ("cells", 1, "id"): 22,
    ("cells", 1, "list", 0): 24,
    ("cells", 1, "list", 1): 26,
    ("cells", 1, "list", 1, "q"): 26,
    ("cells", 1, "list", 1, "r"): 26,
    ("cells", 1, "list", 1, "r", 0): 27,
    ("cells", 1, "list", 2): 28,
    ("cells", 1, "list", 2, 1): 29,
    ("a", "b", "c"): 31,
}


@pytest.mark.parametrize("where", EXPECTED)
def test_the_line_of_each_key(where):
    assert lines_by_path(TEXT)[where] == EXPECTED[where]


def paths_in(value: object, where: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    found = {where} if where else set()
    children = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        children = enumerate(value)
    for key, item in children:
        found |= paths_in(item, (*where, key))
    return found


def test_every_path_of_the_document_has_a_line_and_no_other_does():
    assert set(lines_by_path(TEXT)) == paths_in(tomllib.loads(TEXT))


keys = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=5)
scalars = st.booleans() | st.integers(-99, 99) | st.floats(allow_nan=False) | keys | st.dates()
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50)
@given(st.dictionaries(keys, values, max_size=4))
def test_every_path_of_any_document_has_a_line(document):
    text = tomlkit.dumps(document)
    parsed = tomllib.loads(text)
    lines = lines_by_path(text)
    assert set(lines) == paths_in(parsed)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())
