"""Which distribution a file of an environment belongs to."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from strata.executors.installed import MAPPING, distribution_of, write_mapping

RECORDS = {
    "six-1.0": ["six.py", "__pycache__/six.cpython-311.pyc"],
    "Foo_Bar-2.0": ["foo/__init__.py", "foo/deep/x.py", "_foo.cpython-311-x86_64-linux-gnu.so"],
    "google_auth-1": ["google/auth/__init__.py", "google/oauth2/a.py"],
    "google_cloud_storage-1": ["google/cloud/storage/__init__.py", "../../../bin/tool"],
    "google_cloud_core-1": ["google/cloud/client/__init__.py", '"google/cloud/a,b.py"'],
    "opencv_python-4": ["cv2/__init__.py", "cv2/one.py"],
    "opencv_contrib_python-4": ["cv2/__init__.py", "cv2/two.py"],
}


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    for name, paths in RECORDS.items():
        info = tmp_path / "lib" / "python3.11" / "site-packages" / f"{name}.dist-info"
        info.mkdir(parents=True)
        lines = [*paths, f"{info.name}/RECORD"]
        (info / "RECORD").write_text("".join(f"{path},sha256=x,1\n" for path in lines))
    return tmp_path


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("six.py", "six"),
        ("foo/deep/x.py", "foo-bar"),
        ("foo/made_later.py", "foo-bar"),
        ("_foo.cpython-311-x86_64-linux-gnu.so", "foo-bar"),
        ("google/auth/transport.py", "google-auth"),
        ("google/cloud/storage/blob.py", "google-cloud-storage"),
        ("google/cloud/client/x.py", "google-cloud-core"),
        ("google/cloud/a,b.py", "google-cloud-core"),
        ("google/cloud/other/x.py", None),
        ("google", None),
        ("cv2/two.py", "opencv-contrib-python"),
        ("cv2/one.py", "opencv-python"),
        ("cv2/__init__.py", "opencv-contrib-python"),
        ("nothing.py", None),
        ("six-1.0.dist-info/RECORD", None),
    ],
)
def test_a_file_is_of_the_distribution_that_says_so(
    environment: Path, path: str, name: str | None
) -> None:
    assert distribution_of(environment, path) == name


def test_the_mapping_is_made_once_and_read_after_that(environment: Path) -> None:
    assert distribution_of(environment, "six.py") == "six"
    assert (environment / MAPPING).exists()
    shutil.rmtree(environment / "lib")
    assert distribution_of(environment, "foo/x.py") == "foo-bar"


def test_another_environment_in_the_same_place_has_another_mapping(environment: Path) -> None:
    assert distribution_of(environment, "six.py") == "six"
    (environment / "lib/python3.11/site-packages/six-1.0.dist-info/RECORD").unlink()
    write_mapping(environment)
    assert distribution_of(environment, "six.py") is None


@pytest.mark.parametrize("damage", [b"", b"[]", b'{"schema": "other"}', b"\xff"])
def test_a_damaged_mapping_is_no_matter(environment: Path, damage: bytes) -> None:
    (environment / MAPPING).write_bytes(damage)
    assert distribution_of(environment, "six.py") == "six"


def test_what_is_no_environment_has_no_files(tmp_path: Path) -> None:
    assert distribution_of(tmp_path / "none", "six.py") is None
