"""What a training asks its machine for: memory and processor threads."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from fashion.models.build import build, count_parameters
from fashion.study.resources import (
    checkpoint_mb,
    disk_mb,
    multiply_adds,
    parameters,
    processor_mb,
    training_mb,
    training_threads,
)
from helpers.checkout import CONFIGURED


@pytest.mark.parametrize("name", CONFIGURED)
def test_a_models_size_is_known_without_building_it(name):
    with torch.device("meta"):
        exact = count_parameters(build(CONFIGURED[name]))
    # Within a twentieth; what is left out of the smallest is a few megabytes at most.
    assert parameters(CONFIGURED[name]) == pytest.approx(exact, rel=0.05, abs=60_000)


# Settings that no configured model has.
OTHERS = [
    {"family": "vgg", "settings": {"layers": [8, "M", 8], "separable": True, "hidden": []}},
    {"family": "resnet", "settings": {"layers": [8, 8, 16], "block": "separable", "head": "average"}},
    {"family": "resnet", "settings": {"layers": [8, 16], "stem": "large", "head": "average"}},
    {"family": "vit", "settings": {"embedding": "pixels", "width": 8, "depth": 0, "heads": 1}},
    {"family": "vit", "settings": {"embedding": "convolution", "width": 8, "heads": 2, "depthwise": "gelu_first"}},
]


@pytest.mark.parametrize("entry", [*CONFIGURED.values(), *OTHERS], ids=[*CONFIGURED, *map(str, range(len(OTHERS)))])
def test_a_models_multiply_adds_are_those_that_torch_counts(entry):
    with torch.device("meta"):
        model, image = build(entry).eval(), torch.empty(1, 1, 28, 28)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(image)
    assert 2 * multiply_adds(entry) == counter.get_total_flops()


def test_the_drawn_resnet18_costs_a_hundred_times_the_published_one():
    assert round(2 * multiply_adds(CONFIGURED["resnet18"]) / 1e6) == 5165
    assert round(2 * multiply_adds(CONFIGURED["published_resnet18"]) / 1e6) == 47


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
        "baseline_wide",
    }


def test_a_processor_needs_less_memory_than_a_gpu_does_of_its_host():
    # Measured on two cores, of a step of 64 images: 1720 vit_patchfree, 2110 resnet18, 3200 resnet18_wide, 4330 vgg12.
    needed = {name: processor_mb(CONFIGURED[name]) for name in ("vit", "vit_patchfree", "resnet18_wide", "vgg12")}
    assert needed["vit_patchfree"] > 1720
    assert needed["resnet18_wide"] > 3200
    assert needed["vgg12"] > 4330
    assert all(megabytes < training_mb(CONFIGURED[name]) for name, megabytes in needed.items())


def test_a_runs_files_are_foreseen():
    # The published ViT of 1 layer left 612,600 bytes, of which 379,312 are predictions, and 1,806,616 of checkpoints.
    spec = {
        "model": CONFIGURED["published_vit_1x4"],
        "training": {"test_images": 10_000, "validation": "clean"},
    }
    assert disk_mb(spec) == pytest.approx(0.6126, rel=0.15)
    assert checkpoint_mb(spec) == pytest.approx(1.8066, rel=0.15)
