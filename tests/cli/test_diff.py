"""`strata diff` as a user calls it: which results, what it prints, its exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from strata.cli.difference_page import describe_image
from tests.e2e.workspaces import Workspace


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "w")


def built(space: Workspace, **cells: str) -> None:
    """The notebook `nb` with these cells, built."""
    space.notebook("nb", cells)
    space.build("//nb")


def picture(svg: str) -> str:
    """A cell that shows an image."""
    return f"class Picture:\n    def _repr_svg_(self):\n        return {svg!r}\nPicture()"


def variable(space: Workspace, name: str, *arguments: str) -> dict[str, object]:
    """What `--json` says of one variable of `//nb:a`."""
    report = space.run("diff", "--json", "//nb:a", *arguments).report
    found: dict[str, object] = next(v for v in report["variables"] if v["name"] == name)
    return found


class TestWhichResults:
    def test_the_newest_run_is_compared_with_the_last_that_gave_something_else(
        self, space: Workspace
    ) -> None:
        built(space, a="x = 3")
        built(space, a="x = 5")
        built(space, a="y = 5\nx = y")
        out = space.run("diff", "//nb:a%x").out.splitlines()
        assert out[0] == "//nb:a%x"
        assert out[3:] == ["x: int", "  3 → 5 (+2, +66.7%)"]

    def test_runs_are_named_by_how_far_back_they_are(self, space: Workspace) -> None:
        for number in (1, 2, 3):
            built(space, a=f"x = {number}")
        for back, text in (("~1", "2 → 3"), ("~2", "1 → 3")):
            assert text in space.run("diff", "//nb:a", "--against", back).out
        assert space.run("diff", "//nb:a", "--against", "~0").out.endswith("unchanged\n")
        ended = space.run("diff", "//nb:a", "--against", "~3")
        assert ended.code == 2
        assert "3 runs that ended well are known" in ended.err

    def test_runs_that_failed_are_passed_over(self, space: Workspace) -> None:
        built(space, a="x = 1")
        space.notebook("nb", {"a": "1 / 0"})
        space.build("//nb", code=1)
        built(space, a="x = 2")
        space.notebook("nb", {"a": "1 / 0"})
        space.build("//nb", code=1)
        assert "1 → 2" in space.run("diff", "//nb:a", "--against", "~1").out

    def test_runs_are_named_by_when_they_ended(self, space: Workspace) -> None:
        built(space, a="x = 1")
        built(space, a="x = 2")
        shown = space.run("diff", "//nb:a").out.splitlines()[2]
        when = shown.removeprefix("  new: ran ").removesuffix(" UTC")
        for text in (when, when[:10], when.replace(" ", "T")):
            ended = space.run("diff", "//nb:a", "--against", text)
            assert (ended.code, "  new: " in ended.out) == (0, True)

    def test_with_one_result_there_is_nothing_to_compare(self, space: Workspace) -> None:
        built(space, a="x = 1")
        ended = space.run("diff", "//nb:a")
        assert ended.code == 2
        assert "no earlier result of //nb:a is known" in ended.err

    def test_a_cell_that_was_never_built_says_so(self, space: Workspace) -> None:
        space.notebook("nb", {"a": "x = 1"})
        ended = space.run("diff", "//nb:a")
        assert (ended.code, "never built" in ended.err) == (2, True)

    def test_a_cell_whose_results_are_all_the_same_is_unchanged(self, space: Workspace) -> None:
        built(space, a="x = 2")
        built(space, a="x = 1 + 1")
        assert "unchanged: every earlier run" in space.run("diff", "//nb:a").out

    def test_a_variable_that_never_was_is_an_error(self, space: Workspace) -> None:
        built(space, a="x = 1")
        ended = space.run("diff", "//nb:a%z")
        assert (ended.code, "it has: x" in ended.err) == (2, True)

    def test_a_folder_without_git_says_so(self, space: Workspace) -> None:
        built(space, a="x = 1")
        ended = space.run("diff", "//nb:a", "--against", "HEAD")
        assert ended.code == 2
        assert "not in a git repository" in ended.err


class TestWhatItSays:
    def test_variables_that_came_and_went(self, space: Workspace) -> None:
        built(space, a="old = 1\nsame = 2")
        built(space, a="new = [1]\nsame = 2")
        out = space.run("diff", "//nb:a").out
        assert "- old: int (1 B): 1\n" in out
        assert "+ new: list (3 B): 1 element\n" in out
        assert "same: unchanged\n" in out

    def test_what_cannot_be_stored_is_compared_by_what_is_known(self, space: Workspace) -> None:
        built(space, a="x = 1")
        built(space, a="x = (n for n in [1])")
        assert "+ generator, not stored" in space.run("diff", "//nb:a").out

    def test_instances_of_classes_of_cells_are_looked_into(self, space: Workspace) -> None:
        source = "class Model:\n    def __init__(self, w):\n        self.w = w\nm = Model({})"
        built(space, a=source.format("[1, 2]"))
        built(space, a=source.format("[1, 3]") + "\nother = 1")
        assert "m: Model\n  .w[1]: 2 → 3" in space.run("diff", "//nb:a").out

    def test_a_class_that_is_gone_is_said_and_the_rest_is_compared(self, space: Workspace) -> None:
        space.write("nb/helper.py", "class Thing:\n    x = 1")
        built(space, a="import helper\nt = helper.Thing()\nn = 1")
        space.write("nb/helper.py", "class Other:\n    x = 1")
        built(space, a="import helper\nt = helper.Other()\nn = 2")
        found = variable(space, "t")
        assert "the old value cannot be loaded: AttributeError" in str(found["not_compared"])
        assert "type helper.Thing → helper.Other" in str(found["lines"])
        assert variable(space, "n")["lines"] == ["1 → 2 (+1, +100%)"]

    def test_a_value_that_ends_the_process_spoils_no_other(self, space: Workspace) -> None:
        crash = "import os\nclass Bomb:\n    def __setstate__(self, state):\n        os._exit(3)\n"
        crash += "    def __init__(self, x):\n        self.x = x\n"
        built(space, a=crash + "b = Bomb(1)\nn = 1")
        built(space, a=crash + "b = Bomb(2)\nn = 2")
        assert variable(space, "b")["not_compared"]
        assert variable(space, "n")["lines"] == ["1 → 2 (+1, +100%)"]

    def test_old_bytes_that_are_gone_are_said(self, space: Workspace) -> None:
        built(space, a="x = 'a' * 3_000_000")
        old = space.build("//nb").digests["//nb:a%x"]
        built(space, a="x = 'b' * 3_000_000")
        lose(space, old)
        found = variable(space, "x")
        assert "not in the cache any more" in str(found["not_compared"])

    def test_new_bytes_that_are_gone_are_an_error_with_advice(self, space: Workspace) -> None:
        built(space, a="x = 'a' * 3_000_000")
        built(space, a="x = 'b' * 3_000_000")
        lose(space, space.build("//nb").digests["//nb:a%x"])
        ended = space.run("diff", "//nb:a")
        assert ended.code == 4
        assert "`strata build //nb:a` makes it again" in ended.err

    def test_a_cell_that_cannot_be_understood_now_has_values_all_the_same(
        self, space: Workspace
    ) -> None:
        built(space, a="x = 1", b="y = 1")
        built(space, a="x = 2", b="y = 1")
        space.cell("nb", "a").write_text("x = (")
        assert "1 → 2" in space.run("diff", "//nb:a").out

    def test_displays_and_console_are_compared_as_text(self, space: Workspace) -> None:
        built(space, a="print('one')\n[1]")
        built(space, a="print('two')\n[2]")
        out = space.run("diff", "//nb:a").out
        assert "display 1 differs" in out
        assert "    -[1]\n    +[2]\n" in out
        assert "what it printed differs\n  @@ -1 +1 @@\n  -one\n  +two\n" in out

    def test_images_are_put_side_by_side(self, space: Workspace) -> None:
        built(space, a=picture('<svg width="3" height="2"/>'))
        built(space, a=picture('<svg width="4" height="2"/>'))
        out = space.run("diff", "//nb:a").out
        page = Path(out.splitlines()[-1].removeprefix("images side by side: ")).read_text()
        assert page.count('<img src="data:image/svg+xml;base64,') == 2
        assert "3 × 2" in page
        assert "4 × 2" in page

    def test_open_shows_the_page(self, space: Workspace) -> None:
        browser = space.write("browser", '#!/bin/sh\ncp "$1" opened.html\n')
        browser.chmod(0o755)
        space.variables["BROWSER"] = str(browser)
        built(space, a=picture("<svg id='1'/>"))
        built(space, a=picture("<svg id='2'/>"))
        assert space.run("diff", "//nb:a", "--open").code == 0
        assert (space.root / "opened.html").read_text().startswith("<!doctype html>")

    def test_without_an_image_there_is_nothing_to_open(self, space: Workspace) -> None:
        built(space, a="x = 1")
        built(space, a="x = 2")
        ended = space.run("diff", "//nb:a", "--open")
        assert (ended.code, "no image differs" in ended.err) == (2, True)

    def test_nothing_is_run_and_nothing_is_kept(self, space: Workspace) -> None:
        built(space, a="x = 1")
        built(space, a="x = 2")
        before = space.run("log", "--json", "//nb:a").out
        space.run("diff", "//nb:a")
        assert space.run("log", "--json", "//nb:a").out == before
        assert space.build("//nb").ran == []


class TestExitCode:
    def test_a_difference_is_no_failure_unless_asked_for(self, space: Workspace) -> None:
        built(space, a="x = 1")
        built(space, a="x = 2")
        assert space.run("diff", "//nb:a").code == 0
        assert space.run("diff", "//nb:a", "--exit-code").code == 3
        assert space.run("diff", "//nb:a", "--exit-code", "--against", "~0").code == 0

    def test_json_is_one_object_of_its_schema(self, space: Workspace) -> None:
        built(space, a="x = 1")
        built(space, a="x = 2")
        report = space.run("diff", "--json", "//nb:a").report
        assert report["schema"] == "strata.diff.v1"
        assert (report["different"], report["page"]) == (True, None)
        assert report["variables"][0]["difference"]["changes"][0]["difference"] == 1.0


def lose(space: Workspace, digest: str) -> None:
    """Takes a blob out of the cache, as a disk might."""
    (found,) = (space.root / ".strata" / "cache" / "cas").rglob(digest)
    found.chmod(0o644)
    found.unlink()


@pytest.mark.parametrize(
    ("mime", "data", "text"),
    [
        ("image/png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\2\x80\0\0\1\xe0", "640 × 480, 24 B"),
        ("image/svg+xml", b'<svg height="2in" width="3in"/>', "3in × 2in, 31 B"),
        ("image/svg+xml", b"<svg/>", "6 B"),
        ("image/jpeg", b"123", "3 B"),
    ],
)
def test_an_image_is_described_by_what_its_format_tells(mime: str, data: bytes, text: str) -> None:
    assert describe_image(mime, data) == text
