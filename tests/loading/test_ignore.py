"""Ignore rules mean what they mean to git: compared with `git check-ignore` itself."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strata.loading.ignore import parse_ignore_rules

FILES = ("a", "b.py", "foo/a", "foo/b.py", "foo/bar/a", "foo/bar/baz/b.py", "bar/foo/a", "x y/#a")
PATTERNS = (
    "a",
    "/a",
    "foo",
    "foo/",
    "/foo/",
    "foo/*",
    "foo/**",
    "**/foo",
    "**/a",
    "**",
    "*",
    "/*",
    "*.py",
    "b.p?",
    "foo/bar",
    "/foo/bar/",
    "foo/*/a",
    "foo/**/a",
    "foo/**/b.py",
    "b**",
    "f*o",
    "f**o/a",
    "[ab]",
    "[!a]",
    "[a-c].py",
    "[]a]",
    "[a",
    "[[:alpha:]]",
    "[z-a]",
    "\\a",
    "\\#a",
    "#a",
    "x\\ y",
    "x y/",
    "a ",
    "x y/#a  ",
    "a\\",
    "/",
    "",
    "!a",
    "!foo/",
    "!foo/bar",
    "!*.py",
    "!/foo/bar/baz/",
    "\\!a",
    "bar/",
    "foo/bar/**/",
    "*/a",
    "**/bar/**",
)


def ours(patterns: list[str], path: str) -> bool:
    """Whether `path`, a file, or a folder above it is ignored."""
    rules = parse_ignore_rules(patterns)
    parts = path.split("/")
    for depth, name in enumerate(parts, start=1):
        end = "/" if depth < len(parts) else ""
        if rules.decide("/".join(parts[:depth]) + end, name + end):
            return True
    return False


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("git") is None:
        pytest.skip("needs git")
    root = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    (root / ".git" / "info" / "exclude").write_text("")
    for path in FILES:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    return root


def git_ignores(repository: Path, patterns: list[str]) -> set[str]:
    (repository / ".gitignore").write_text("\n".join(patterns))
    done = subprocess.run(
        ["git", "-c", "core.excludesFile=/dev/null", "check-ignore", "--no-index", "-z", "--stdin"],
        cwd=repository,
        input="\0".join(FILES).encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return {path for path in done.stdout.decode().split("\0") if path}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_each_form_of_pattern_matches_what_git_matches(repository, pattern):
    for patterns in ([pattern], ["*", pattern], [pattern, "!foo/bar/"]):
        expected = git_ignores(repository, patterns)
        assert {path for path in FILES if ours(patterns, path)} == expected, patterns


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(patterns=st.lists(st.sampled_from(PATTERNS), min_size=2, max_size=5))
def test_of_several_patterns_the_last_decides_as_in_git(repository, patterns):
    assert {path for path in FILES if ours(patterns, path)} == git_ignores(repository, patterns)


@given(st.lists(st.text(alphabet="a*?[]!/\\^-: #.", max_size=12), max_size=5))
def test_no_text_breaks_the_parser(lines):
    rules = parse_ignore_rules(lines)
    assert rules.decide("a/b", "b") in (None, True, False)
