"""How much memory of its node a training needs, by its model's size: known from its settings, without torch."""

from itertools import pairwise

from fashion.config import IMAGE_SIZE

# Python, torch, the dataset and an epoch's augmented images: 1100 measured on a CPU; the rest is for CUDA's libraries.
BASE_MB = 6000
# Weights, gradients, Adam's moments, the best epoch's weights, and a checkpoint that is taken up: 35 measured, VGG12.
BYTES_PER_PARAMETER = 36


def training_mb(model: dict) -> int:
    """Megabytes that the training of a model needs at most, on a CPU; on a GPU most of it is there instead."""
    return BASE_MB + parameters(model) * BYTES_PER_PARAMETER // 10**6


def parameters(model: dict) -> int:
    """About the number of a model's parameters: no norms, biases or positions, and every convolution a dense one.

    Args:
        model: `family` and `settings`, as in config.yaml; one of a family that is unknown here counts as small.
    """
    settings = model["settings"]
    if model["family"] == "vit":
        return settings.get("depth", 4) * (4 + 2 * settings.get("mlp_ratio", 4)) * settings.get("width", 64) ** 2
    count, channels, size = 0, 1, IMAGE_SIZE
    for entry in settings.get("layers", []):
        if entry == "M":
            size //= 2
            continue
        # A residual block has a second convolution, and a 1 x 1 one beside both.
        count += 9 * channels * entry + (model["family"] == "resnet") * (9 * entry + channels) * entry
        channels = entry
    hidden = settings.get("hidden", [4096, 4096]) if model["family"] == "vgg" else []
    return count + sum(inputs * outputs for inputs, outputs in pairwise([channels * size**2, *hidden, 10]))
