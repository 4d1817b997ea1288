"""Model families, one a module, each imported only when one of its models is built."""

from importlib import import_module

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

IMAGE_SHAPE = (1, 28, 28)
NUM_CLASSES = 10

# family in config.yaml -> class in the module of that name
FAMILIES = {"vgg": "VGG", "resnet": "ResNet", "vit": "VisionTransformer"}


def build(entry: dict) -> nn.Module:
    """Build the model that a config entry describes, randomly initialised from torch's global generator.

    Args:
        entry: `family`, a key of `FAMILIES`, and `settings`, keyword arguments of that family's class.

    Returns:
        A module that maps images `[N, 1, 28, 28] float32` in [-1, 1] to logits `[N, 10]`.

    Raises:
        ValueError: the family is unknown, or the settings do not fit together.
    """
    family = entry["family"]
    if family not in FAMILIES:
        raise ValueError(f"family: {family!r} is none of {', '.join(FAMILIES)}")
    return getattr(import_module(f"{__name__}.{family}"), FAMILIES[family])(**entry["settings"])


def count_parameters(model: nn.Module) -> int:
    """Number of trainable scalars."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def count_flops(entry: dict) -> int:
    """Floating-point operations of one image's forward pass, a multiply-add counted as two.

    Convolutions and matrix products are counted, as `torch.utils.flop_counter` does; norms and activations are not.
    """
    # The meta device computes shapes only: counting the largest model takes milliseconds and no memory.
    with torch.device("meta"):
        model = build(entry).eval()
        image = torch.empty(1, *IMAGE_SHAPE)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(image)
    return counter.get_total_flops()
