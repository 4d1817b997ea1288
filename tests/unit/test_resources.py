"""What a training asks its machine for: memory and processor threads."""

import pytest
import torch
from runs import CONFIGURED

from fashion.models.build import build, count_flops, count_parameters
from fashion.study.resources import multiply_adds, parameters, training_mb, training_threads


@pytest.mark.parametrize("name", CONFIGURED)
def test_a_models_size_is_known_without_building_it(name):
    with torch.device("meta"):
        exact = count_parameters(build(CONFIGURED[name]))
    # Within a twentieth; what is left out of the smallest is a few megabytes at most.
    assert parameters(CONFIGURED[name]) == pytest.approx(exact, rel=0.05, abs=60_000)


@pytest.mark.parametrize("name", CONFIGURED)
def test_a_models_multiply_adds_are_known_without_building_it(name):
    assert multiply_adds(CONFIGURED[name]) == pytest.approx(count_flops(CONFIGURED[name]) / 2, rel=0.1)


def test_an_averaged_map_has_one_value_a_channel():
    flat, averaged = (
        {"family": "resnet", "settings": {"layers": [64, "M"], "head": head}} for head in ("flatten", "average")
    )
    assert parameters(flat) - parameters(averaged) == (14 * 14 - 1) * 64 * 10


def test_larger_models_ask_for_more_memory():
    sizes = [training_mb(CONFIGURED[name]) for name in ("vit", "published_resnet18", "resnet18", "vgg12")]
    assert sizes == sorted(set(sizes))


def test_only_models_that_take_hours_alone_ask_for_several_threads():
    threads = {name: training_threads(entry) for name, entry in CONFIGURED.items()}
    several = {name for name, count in threads.items() if count > 1}
    assert several == {
        "vgg12",
        "resnet18",
        "resnet18_narrow",
        "resnet18_wide",
        "resnet18_dilated",
        "vit_patchfree",
    }
