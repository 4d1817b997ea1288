"""Building models from their entries in config.yaml, and counting parameters and FLOPs.

A family is imported only when one of its models is built.
"""

from torch import nn

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
