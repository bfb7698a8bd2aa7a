"""The names that others build on stay where they are; a moved one keeps its old import for a release."""

import importlib

import pytest

import motionbeat

PUBLIC = {
    "motionbeat": ["MotionBeat", "Embedding", "load"],
    "motionbeat.beats": ["track", "Beats"],
    "motionbeat.losses": [
        "embodied_contrastive_loss",
        "soft_dtw",
        "soft_dtw_divergence",
        "wasserstein_circle",
        "wasserstein_line",
    ],
    "motionbeat.dance": [
        "beat_alignment",
        "geometric_features",
        "kinetic_features",
        "mean_pairwise_distance",
        "physical_foot_contact",
    ],
    "motionbeat.retrieval": ["retrieval_metrics"],
}


@pytest.mark.parametrize(("module", "name"), [(module, name) for module, names in PUBLIC.items() for name in names])
def test_a_public_name_is_there(module: str, name: str) -> None:
    assert callable(getattr(importlib.import_module(module), name))


def test_the_old_place_of_retrieval_metrics_works_and_names_the_new_one() -> None:
    with pytest.warns(DeprecationWarning, match=r"motionbeat\.retrieval"):
        old = importlib.reload(importlib.import_module("motionbeat.tasks"))
    assert old.retrieval_metrics is importlib.import_module("motionbeat.retrieval").retrieval_metrics


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        motionbeat.nonsense  # noqa: B018
