"""Annotation lines that are added to cells: the cell has them, and nothing else has changed."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strata.loading.annotations import parse_annotations
from strata.loading.edit import add_annotation, with_annotation
from strata.loading.files import decode

HASH = ("#",)
LINE = "# @input b.csv"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b"# @input b.csv\n"),
        (b"x = 1", b"# @input b.csv\nx = 1"),
        (b"x = 1\n", b"# @input b.csv\nx = 1\n"),
        (b"# why\nx = 1\n", b"# @input b.csv\n# why\nx = 1\n"),
        (b"# @name a\n# why\nx = 1\n", b"# @name a\n# @input b.csv\n# why\nx = 1\n"),
        (b"# @name a", b"# @name a\n# @input b.csv"),
        (b"# @name a\n", b"# @name a\n# @input b.csv\n"),
        (b"# @name a\n\n# @tags t\n\nx\n", b"# @name a\n\n# @tags t\n# @input b.csv\n\nx\n"),
        (b"x\r\ny\r\n", b"# @input b.csv\r\nx\r\ny\r\n"),
        (b"# @name a\r\nx", b"# @name a\r\n# @input b.csv\r\nx"),
        (b"x\ry\r", b"# @input b.csv\rx\ry\r"),
        (b"#!/usr/bin/python\nx", b"#!/usr/bin/python\n# @input b.csv\nx"),
        (b"#!/usr/bin/python", b"#!/usr/bin/python\n# @input b.csv"),
        (b"# coding: utf-8\nx\n", b"# coding: utf-8\n# @input b.csv\nx\n"),
        (b"# t\n# -*- coding: utf-8 -*-\nx", b"# t\n# -*- coding: utf-8 -*-\n# @input b.csv\nx"),
        (b"x\n# coding: utf-8\n", b"# @input b.csv\nx\n# coding: utf-8\n"),
        (b'"""Text."""\nx\n', b'# @input b.csv\n"""Text."""\nx\n'),
    ],
)
def test_a_line_is_added_where_it_counts(before: bytes, after: bytes) -> None:
    assert with_annotation(before, LINE, HASH) == after
    mark = codecs.BOM_UTF8
    assert with_annotation(mark + before, LINE, HASH) == mark + after


cells = st.lists(
    st.sampled_from(
        ["# @name a", "# words", "", "x = 1", "#!x", "# coding: utf-8", "  # @tags t", "é = '\0'"]
    ),
    max_size=6,
)
ends = st.sampled_from(["\n", "\r\n", "\r"])


@given(cells, ends, st.booleans(), st.booleans())
def test_a_cell_has_one_annotation_more_and_no_other_byte(
    lines: list[str], end: str, marked: bool, closed: bool
) -> None:
    text = end.join(lines) + (end if closed else "")
    data = (codecs.BOM_UTF8 if marked else b"") + text.encode()
    changed = with_annotation(data, LINE, HASH)
    had = [(a.key, a.value) for a in parse_annotations(decode(data))]
    has = [(a.key, a.value) for a in parse_annotations(decode(changed))]
    assert has == [*had, ("input", "b.csv")]
    added = LINE.encode()
    assert changed.count(added) == 1
    around = [changed.replace(added + e, b"") for e in (b"\n", b"\r\n", b"\r")]
    around += [changed.replace(e + added, b"") for e in (b"\n", b"\r\n", b"\r")]
    assert data in around


def test_a_link_stays_a_link_and_a_file_keeps_its_mode(tmp_path: Path) -> None:
    real = tmp_path / "real.py"
    real.write_bytes(b"x = 1\r\n")
    real.chmod(0o640)
    link = tmp_path / "link.py"
    link.symlink_to(real)
    add_annotation(link, LINE, HASH)
    assert link.is_symlink()
    assert real.read_bytes() == b"# @input b.csv\r\nx = 1\r\n"
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.py", "real.py"]
