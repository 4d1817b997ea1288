"""What a training needs of its machine, by its model's size: known from its settings, without torch."""

from collections.abc import Iterator

from fashion.models.families import complete, part

# Python, torch, the dataset and an epoch's augmented images: 1100 measured on a CPU; the rest is for CUDA's libraries.
BASE_MB = 6000
# Weights, gradients, Adam's moments, the tested weights, and a checkpoint that is taken up: 35 measured, VGG12.
BYTES_PER_PARAMETER = 36
# Trainings of one thread each, side by side, do more together than one with all cores does (benchmarks/threads.py).
# Only models beyond so many multiply-adds an image take several: alone at the end of a study, one would take hours.
LARGE = 250_000_000
THREADS_OF_LARGE = 8


def training_mb(model: dict) -> int:
    """Megabytes that the training of a model needs at most, on a CPU; on a GPU most of it is there instead."""
    return BASE_MB + parameters(model) * BYTES_PER_PARAMETER // 10**6


def training_threads(model: dict) -> int:
    """Processor threads for the training of a model; Snakemake gives it no more than there are cores."""
    return THREADS_OF_LARGE if multiply_adds(model) > LARGE else 1


def parameters(model: dict) -> int:
    """About the number of a model's parameters: no norms, biases or positions.

    Args:
        model: `family` and `settings`, as in config.yaml.
    """
    return sum(weights for weights, _ in _layers(model))


def multiply_adds(model: dict) -> int:
    """About the multiply-adds of one image's forward pass; see `parameters`."""
    return sum(multiplied for _, multiplied in _layers(model))


def _layers(model: dict) -> Iterator[tuple[int, int]]:
    """The weights and the multiply-adds of each layer."""
    settings = complete(model["family"], model["settings"])
    return part(model["family"], "settings").sizes(settings)
