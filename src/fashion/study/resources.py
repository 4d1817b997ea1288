"""What a training needs of its machine, by its model's size: known from its settings, without torch."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from fashion.image import IMAGE_SIZE
from fashion.study.config import map_sizes

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
        model: `family` and `settings`, as in config.yaml; one of a family that is unknown here counts as small.
    """
    return sum(weights for weights, _ in _layers(model))


def multiply_adds(model: dict) -> int:
    """About the multiply-adds of one image's forward pass; see `parameters`."""
    return sum(multiplied for _, multiplied in _layers(model))


def _layers(model: dict) -> Iterator[tuple[int, int]]:
    """The weights and the multiply-adds of each layer."""
    match model["family"]:
        case "vit":
            return _transformer(model["settings"])
        case "vgg":
            return _convolutional(model["settings"], hidden=model["settings"].get("hidden", [4096, 4096]))
        case "resnet":
            return _convolutional(model["settings"], residual=True)
    return iter(())


def _transformer(settings: dict) -> Iterator[tuple[int, int]]:
    side = {"pixels": 1, "convolution": 2}.get(settings.get("embedding"), settings.get("patch", 7))
    width, tokens = settings.get("width", 64), (IMAGE_SIZE // side) ** 2
    for _ in range(settings.get("depth", 4)):
        weights = (4 + 2 * settings.get("mlp_ratio", 4)) * width**2
        # Queries with keys, and their products with values, at each pair of tokens.
        yield weights, weights * tokens + 2 * tokens**2 * width


def _convolutional(settings: dict, residual: bool = False, hidden: Sequence[int] = ()) -> Iterator[tuple[int, int]]:
    sizes, channels = map_sizes(settings), 1
    if residual:
        channels = settings["layers"][0]
        kernel, size = (7, IMAGE_SIZE // 2) if settings.get("stem") == "large" else (3, IMAGE_SIZE)
        yield kernel**2 * channels, kernel**2 * channels * size**2
    for entry, size in zip(settings["layers"], sizes[1:], strict=True):
        if entry == "M":
            continue
        changed = channels != entry
        if settings.get("block") == "separable":
            # Pointwise; a plain one; and a plain shortcut where the channels change.
            weights = (channels + 9 * entry + changed * 9 * channels) * entry
        elif residual:
            # Two plain ones; and a 1 x 1 shortcut where the channels change.
            weights = (9 * channels + 9 * entry + changed * channels) * entry
        else:
            weights = (1 if settings.get("separable") and channels > 1 else 9) * channels * entry
        yield weights, weights * size**2
        channels = entry
    features = channels * (1 if settings.get("head") == "average" else sizes[-1] ** 2)
    for inputs, outputs in pairwise([features, *hidden, 10]):
        yield inputs * outputs, inputs * outputs
