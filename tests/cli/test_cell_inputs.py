"""What recorded runs say of a cell, and what a lock and a pattern say of names."""

from __future__ import annotations

import pytest

from strata.cli.traces import Traces, traces
from strata.core.encoding import Encodable
from strata.core.observation import ABSENT, Observed
from strata.core.result import ActionResult
from strata.loading.inputs import is_meant
from strata.loading.lock import parse_lock
from strata.stores.base import Run


def run(source: str, observed: Observed, files: dict[str, str] | None = None) -> Run:
    provenance: dict[str, Encodable] = {"source": source, "files": files or {}}
    return Run(None, "ran", "", ActionResult(provenance=provenance, observed=observed))


class TestTraces:
    def test_all_runs_of_the_source_of_today_count(self) -> None:
        """What it read when another file said so it may read again."""
        found = traces([run("s", {"file:a": "1"}), run("s", {"file:b": "2"})], "s")
        assert found.read == {"a", "b"}

    def test_runs_of_another_source_do_not(self) -> None:
        found = traces([run("old", {"file:a": "1"}, {"x": "1"}), run("s", {"file:b": "2"})], "s")
        assert found.read == {"b"}

    def test_where_there_is_no_other_the_newest_is_the_best_guess(self) -> None:
        """But not what the text of that time named: of that the text of today speaks."""
        found = traces(
            [run("old", {"file:a": "1"}, {"x": "1"}), run("older", {"file:b": "2"})], "s"
        )
        assert found == Traces(read=frozenset({"a"}))

    def test_files_in_the_key_were_read(self) -> None:
        assert traces([run("s", {}, {"x": "1"})], "s").read == {"x"}

    def test_each_kind(self) -> None:
        observed = {
            "file:a": "1",
            "file:b": ABSENT,
            "file:c": "folder",
            "made:d": "1",
            "log:e": "log",
            "folder:.": "1",
            "folder:f": "1",
            "dist:six": "1.16.0",
            "module:g": ABSENT,
        }
        assert traces([run("s", observed)], "s") == Traces(
            read=frozenset("a"),
            sought=frozenset("bc"),
            made=frozenset("de"),
            folders=frozenset({"", "f"}),
            distributions=frozenset({"six"}),
            installed=frozenset({"dist:six", "module:g"}),
        )


@pytest.mark.parametrize(
    ("glob", "path", "is_so"),
    [
        ("data/*.csv", "nb/data/x.csv", True),
        ("data/*.csv", "nb/data/deep/x.csv", False),
        ("data/*.csv", "data/x.csv", False),
        ("//data/*.csv", "data/x.csv", True),
        ("data", "nb/data/deep/x.csv", True),
        ("data", "nb/database", False),
        ("d*", "nb/data/x.csv", True),
        ("**/x.csv", "nb/x.csv", True),
        ("**/x.csv", "nb/a/b/x.csv", True),
        ("**/x.csv", "nb/a/b/y.csv", False),
        ("a/**", "nb/a/b/c", True),
        ("a/**/c/*", "nb/a/c/d", True),
        ("../x.[ct]sv", "x.tsv", True),
        ("x?.csv", "nb/x/.csv", False),
    ],
)
def test_what_a_pattern_means_where_nothing_is_there(glob: str, path: str, is_so: bool) -> None:
    assert is_meant("nb", glob, path) is is_so


LOCK = b"""version = 1
[[package]]
name = "ws"
source = { virtual = "." }
dependencies = [{ name = "Two_Versions" }, { name = "here" }]
[[package]]
name = "two-versions"
version = "2.0"
source = { registry = "https://pypi.org/simple" }
[[package]]
name = "two-versions"
version = "1.0"
source = { git = "https://example.com/two" }
[[package]]
name = "here"
source = { editable = "../here" }
"""


def test_the_versions_of_a_distribution() -> None:
    lock = parse_lock(LOCK, "uv.lock")
    assert lock.versions("two.versions") == ("1.0", "2.0")
    assert lock.versions("here") == ("dynamic",)
    assert lock.versions("ws") == ()
    assert lock.versions("other") == ()
