"""What a lock says: which distributions an import can reach, and what identifies each."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strata.core.digest import digest_bytes
from strata.core.errors import ConfigError
from strata.core.observation import ABSENT
from strata.loading import lock as locks
from strata.loading.lock import Lock, Locked, read_lock

IRIS = Path(__file__).parents[2] / "examples" / "iris" / "uv.lock"

PROJECT = """
[[package]]
name = "project"
version = "0.1.0"
source = { virtual = "." }
dependencies = [NEEDS]
"""


def need(name: str, *extras: str) -> str:
    return f'{{ name = "{name}", extra = {list(extras)} }}'.replace("'", '"')


def package(name: str, *needs: str, version: str = "1.0", source: str | None = None) -> str:
    source = source or 'registry = "https://pypi.org/simple"'
    text = f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = {{ {source} }}\n'
    return f"{text}dependencies = [{', '.join(map(need, needs))}]\n"


def lock_of(tmp_path: Path, *packages: str, project: str | None = None, **others: object) -> Lock:
    """The lock of a project that needs `project`, or of no project."""
    head = [] if project is None else [PROJECT.replace("NEEDS", project)]
    path = tmp_path / "uv.lock"
    path.write_text("\n".join(["version = 1", *head, *packages]))
    return read_lock(path, digest_bytes(path.read_bytes()), None, **others)  # type: ignore[arg-type]


def test_a_real_lock_scikit_learn_without_matplotlib() -> None:
    lock = read_lock(IRIS, digest_bytes(IRIS.read_bytes()), None)
    reached = lock.closure(["sklearn"])
    assert {"scikit-learn", "numpy", "scipy", "joblib", "threadpoolctl"} <= reached.keys()
    assert reached.keys().isdisjoint({"matplotlib", "pandas", "pillow", "strata-examples"})
    assert "pillow" in lock.closure(["matplotlib"])
    assert lock.closure(["json", "helpers"]) == {}
    assert lock.identity("strata-examples") is None


def test_an_import_reaches_what_it_needs_and_nothing_else(tmp_path: Path) -> None:
    packages = [package("a", "b"), package("b", "c"), package("c", "a"), package("d", "c")]
    lock = lock_of(tmp_path, *packages, project=", ".join(map(need, "abcd")))
    assert lock.closure(["a.x"]) == {"a": "1.0", "b": "1.0", "c": "1.0"}
    assert list(lock.closure(["d", "a"])) == ["a", "b", "c", "d"]
    assert lock.closure(["e"]) == {}


def test_names_are_one_however_they_are_written(tmp_path: Path) -> None:
    lock = lock_of(tmp_path, package("My.Big_Package", "other-Thing"), package("other_thing"))
    assert lock.closure(["my_big_package"]) == {"my-big-package": "1.0", "other-thing": "1.0"}
    assert lock.identity("MY--big.package") == "1.0"
    assert lock.providers("My_Big_Package") == ("my-big-package",)


EXTRAS = """
[package.optional-dependencies]
Fast_Mode = [{ name = "speed" }]
slow = [{ name = "patience" }]
"""


def test_an_extra_counts_where_somebody_asks_for_it(tmp_path: Path) -> None:
    packages = [package("a") + EXTRAS, package("speed", "deep"), package("deep")]
    packages.append(package("patience"))
    lock = lock_of(tmp_path, *packages, project=need("a", "fast-mode"))
    assert list(lock.closure(["a"])) == ["a", "deep", "speed"]
    # What nothing asks for is locked, and never installed.
    assert lock.identity("patience") is None
    assert lock.observe("module:patience") == ABSENT


def test_what_only_a_development_group_needs_is_not_there(tmp_path: Path) -> None:
    project = f"{need('a')}]\n[package.dev-dependencies]\ndev = [{need('linter')}"
    lock = lock_of(tmp_path, package("a"), package("linter", "a"), project=project)
    assert lock.closure(["a", "linter"]) == {"a": "1.0"}
    assert lock.identity("linter") is None


def test_of_several_versions_each_counts(tmp_path: Path) -> None:
    packages = [package("a", "b", version="2.0"), package("a", "c", version="1.5")]
    lock = lock_of(tmp_path, *packages, package("b"), package("c"))
    assert lock.closure(["a"]) == {"a": "1.5, 2.0", "b": "1.0", "c": "1.0"}


@pytest.mark.parametrize(
    ("source", "identity"),
    [
        ('registry = "https://pypi.org/simple"', "1.0"),
        ('registry = "https://pypi.org/simple/"', "1.0"),
        ('registry = "https://torch.example/cpu"', "1.0 from https://torch.example/cpu"),
        ('git = "https://x.example/y?rev=main#0a1b"', "1.0 from https://x.example/y?rev=main#0a1b"),
        ('url = "https://x.example/y.whl"', "1.0 from https://x.example/y.whl sha256:ab sha256:cd"),
        ('path = "w/y.whl"', "1.0 from w/y.whl sha256:ab sha256:cd"),
        ('directory = "../lib"', "1.0 from ../lib 77"),
        ('editable = "../lib"', "1.0 from ../lib 77"),
        ('virtual = "../lib"', None),
        ('editable = "."', None),
    ],
)
def test_the_source_counts_where_the_version_does_not_say_all(
    tmp_path: Path, source: str, identity: str | None
) -> None:
    files = 'sdist = { hash = "sha256:cd" }\nwheels = [{ filename = "y", hash = "sha256:ab" }]\n'
    sources = {"A": "77"} if "lib" in source else {}
    lock = lock_of(tmp_path, package("a", source=source) + files, sources=sources)
    assert lock.identity("a") == identity
    assert lock.closure(["a"]) == ({} if identity is None else {"a": identity})


def test_what_a_member_of_the_workspace_without_code_needs_is_reached_through_it(
    tmp_path: Path,
) -> None:
    member = package("member", "b", source='virtual = "member"')
    lock = lock_of(tmp_path, package("a", "member"), member, package("b"), project=need("a"))
    assert lock.closure(["a"]) == {"a": "1.0", "b": "1.0"}


def test_an_observation_has_the_value_that_the_lock_gives(tmp_path: Path) -> None:
    lock = lock_of(tmp_path, package("pyarrow", version="9"), package("opencv-python"))
    assert lock.observe("dist:pyarrow") == "9"
    assert lock.observe("dist:polars") == ABSENT
    assert lock.observe("module:pyarrow.lib") == "pyarrow 9"
    assert lock.observe("module:cv2") == "opencv-python 1.0"
    assert lock.observe("module:polars") == ABSENT


NAMES = st.sampled_from("abcdefgh")


@given(
    st.dictionaries(NAMES, st.lists(NAMES, max_size=3)), st.lists(NAMES, max_size=4), st.randoms()
)
def test_a_closure_is_closed_and_holds_nothing_that_is_not_needed(
    needs: dict[str, list[str]], imports: list[str], random: object
) -> None:
    lock = Lock({n: Locked("1", tuple(m for m in ms if m in needs)) for n, ms in needs.items()})
    reached = lock.closure(imports)
    assert reached.keys() >= {name for name in imports if name in needs}
    for name in reached:
        assert set(lock.distributions[name].needs) <= reached.keys()
        asked = name in imports or any(
            name in lock.distributions[other].needs for other in reached if other != name
        )
        assert asked
    both = {**lock.closure(imports[:1]), **lock.closure(imports[1:])}
    assert both == reached
    assert list(reached) == sorted(reached)


# The file, and what may be wrong with it.


def test_a_lock_is_parsed_once_and_damaged_memory_is_no_matter(tmp_path: Path) -> None:
    path, state = tmp_path / "uv.lock", tmp_path / "state"
    path.write_text("version = 1\n" + package("a", "b") + package("b"))
    digest = digest_bytes(path.read_bytes())
    first = read_lock(path, digest, state)
    path.unlink()
    assert read_lock(path, digest, state) == first
    (kept,) = (state / locks.FOLDER).iterdir()
    for damage in (b"", b"{}", b"[]", b'{"schema": "strata.lock.v0"}', b"\xff"):
        kept.write_bytes(damage)
        with pytest.raises(ConfigError, match="no such file"):
            read_lock(path, digest, state)
    path.write_text("version = 1\n" + package("a", "b") + package("b"))
    assert read_lock(path, digest, state) == first
    assert kept.stat().st_size > 20


def test_a_state_folder_that_cannot_be_written_is_no_matter(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    path = tmp_path / "uv.lock"
    path.write_text("version = 1\n" + package("a"))
    assert read_lock(path, digest_bytes(path.read_bytes()), tmp_path / "state").identity("a")


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("version = 1\n<<<<<<< HEAD\n", 2, "cannot be understood"),
        ("version = 1\npackage = 3\n", None, "cannot be understood"),
        ("version = 1\n[[package]]\nversion = '1'\n", None, "cannot be understood"),
        ("version = 1\n[[package]]\nname = 'a'\nsource = 'b'\n", None, "cannot be understood"),
        (package("a") + "dependencies = 1", None, "cannot be understood"),
        ("version = 2\n", None, "format that this version of Strata does not know"),
        ("", None, "format that this version of Strata does not know"),
    ],
)
def test_a_lock_that_is_none_is_an_error_with_its_place(
    tmp_path: Path, text: str, line: int | None, what: str
) -> None:
    path = tmp_path / "uv.lock"
    path.write_text(text)
    with pytest.raises(ConfigError, match=what) as caught:
        read_lock(path, digest_bytes(text.encode()), tmp_path, shown="train/uv.lock")
    assert (caught.value.path, caught.value.line) == ("train/uv.lock", line)
    assert caught.value.hint is not None
    assert not (tmp_path / locks.FOLDER).exists()


def test_a_lock_that_changed_since_it_was_hashed_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "uv.lock"
    path.write_text("version = 1\n")
    with pytest.raises(ConfigError, match="changed during the build"):
        read_lock(path, digest_bytes(b"other"), tmp_path)
    assert not (tmp_path / locks.FOLDER).exists()
