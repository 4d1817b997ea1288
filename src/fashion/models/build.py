"""Models as config.yaml describes them, built and counted; a family is imported only when one of its models is."""

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from fashion.image import IMAGE_SHAPE
from fashion.models.families import part


def build(entry: dict) -> nn.Module:
    """Build the model that a config entry describes, randomly initialised from torch's global generator.

    Args:
        entry: `family`, a folder beside this file, and `settings`, keyword arguments of its `Model`.

    Returns:
        A module that maps images `[N, 1, 28, 28] float32` in [-1, 1] to logits `[N, 10]`.

    Raises:
        UserError: the family is unknown.
    """
    return part(entry["family"], "network").Model(**entry["settings"])


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
