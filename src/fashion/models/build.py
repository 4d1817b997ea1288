"""Building models from their entries in config.yaml, and counting parameters and FLOPs.

A family is imported only when one of its models is built.
"""

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from fashion.image import IMAGE_SHAPE
from fashion.models.families import part


def build(entry: dict) -> nn.Module:
    """Returns the model of an entry in config.yaml, initialised randomly from torch's global generator.

    Args:
        entry: `family`, a folder beside this file, and `settings`, the keyword arguments of its `Model`.

    Returns:
        A module that maps images `[N, 1, 28, 28] float32` in [-1, 1] to logits `[N, 10]`.

    Raises:
        UserError: the family is unknown.
    """
    return part(entry["family"], "network").Model(**entry["settings"])


def count_parameters(model: nn.Module) -> int:
    """Returns the number of trainable scalars."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def count_flops(entry: dict) -> int:
    """Returns the floating-point operations of one image's forward pass; a multiply-add counts as two.

    Convolutions and matrix products are counted, as `torch.utils.flop_counter` does; norms and activations are not.
    """
    # The meta device computes only shapes, so that even the largest model takes milliseconds and no memory.
    with torch.device("meta"):
        model = build(entry).eval()
        image = torch.empty(1, *IMAGE_SHAPE)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(image)
    return counter.get_total_flops()
