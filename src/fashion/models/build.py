"""Models as config.yaml describes them, built and counted; a family is imported only when one of its models is."""

from torch import nn

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
