"""Which distributions an import name may mean."""

from __future__ import annotations

import pytest

from strata.core.distribution import normalized
from strata.loading.distributions import providers, significant, table
from strata.loading.import_names import NAMESPACES


@pytest.mark.parametrize(
    ("module", "distribution"),
    [
        ("sklearn", "scikit-learn"),
        ("PIL.Image", "pillow"),
        ("yaml", "pyyaml"),
        ("bs4", "beautifulsoup4"),
        ("cv2", "opencv-python-headless"),
        ("dateutil.parser", "python-dateutil"),
        ("attr", "attrs"),
        ("attrs", "attrs"),
        ("pkg_resources", "setuptools"),
        ("mpl_toolkits.mplot3d", "matplotlib"),
        ("pylab", "matplotlib"),
        ("win32api", "pywin32"),
        ("google.protobuf.message", "protobuf"),
        ("google.auth", "google-auth"),
        ("google.cloud.storage.blob", "google-cloud-storage"),
        ("llama_index.core", "llama-index-core"),
        ("ruamel.yaml", "ruamel-yaml"),
        ("numpy.linalg", "numpy"),
        ("ordinary_name", "ordinary-name"),
        ("acme.plots", "acme-plots"),
    ],
)
def test_an_import_name_means_a_distribution_of_the_lock(module: str, distribution: str) -> None:
    others = {"scikit-image", "numba", "google-cloud-bigquery", "llama-index-llms-openai", "acme"}
    found = providers(module, {distribution, *others})
    assert distribution in found
    assert set(found) <= {distribution, "acme"}
    assert providers(module, others - {"acme"}) == ()


def test_every_variant_that_the_lock_has_counts() -> None:
    known = {"opencv-python", "opencv-contrib-python", "opencv-stubs"}
    assert providers("cv2", known) == ("opencv-contrib-python", "opencv-python")


def test_a_module_is_never_taken_from_what_has_it_in_its_name_alone() -> None:
    assert providers("torch.utils", {"torch", "torch-utils"}) == ("torch", "torch-utils")
    assert providers("sklearn", {"sklearn-extra", "scikit-image"}) == ()


def test_a_shared_folder_itself_means_everything_below_it() -> None:
    known = {"google-cloud-storage", "google-cloud-bigquery", "protobuf", "numpy"}
    assert providers("google", known) == tuple(sorted(known - {"numpy"}))
    assert providers("google.cloud", known) == ("google-cloud-bigquery", "google-cloud-storage")
    assert providers("google.cloud.pubsub", known) == ()


def test_names_that_only_lead_to_others_are_dropped_below_shared_folders_alone() -> None:
    names = ["google.cloud", "google.cloud.storage", "google", "pandas.io", "pandas", "os.path"]
    assert significant(names) == ("google.cloud.storage", "os", "pandas")


def test_the_table_is_normalized_and_says_nothing_that_the_name_says() -> None:
    assert len(table()) > 250
    for module, distributions in table().items():
        assert distributions, module
        assert all(d == normalized(d) for d in distributions), module
        assert normalized(module) not in distributions, module
        assert "." not in module or module.partition(".")[0] in {*NAMESPACES, "mysql"}, module
