"""The memory that a training asks a cluster for."""

from pathlib import Path

import pytest
import torch
import yaml

from fashion.memory import parameters, training_mb
from fashion.models import build, count_parameters

MODELS = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())["models"]


@pytest.mark.parametrize("name", MODELS)
def test_a_models_size_is_known_without_building_it(name):
    with torch.device("meta"):
        exact = count_parameters(build(MODELS[name]))
    # Within a twentieth; what is left out of the smallest is a few megabytes at most.
    assert parameters(MODELS[name]) == pytest.approx(exact, rel=0.05, abs=60_000)


def test_larger_models_ask_for_more_memory():
    assert training_mb(MODELS["vit"]) < training_mb(MODELS["resnet18"]) < training_mb(MODELS["vgg12"])


def test_a_family_that_is_new_counts_as_small():
    assert training_mb({"family": "mixer", "settings": {"width": 64}}) < training_mb(MODELS["vgg8"])
