"""Inference with a trained model: the device, the weights, the logits, and their loss and accuracy."""

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from fashion.errors import UserError
from fashion.models.build import build
from fashion.study.run_folder import SPEC

# Keeps the activations of the widest model at a few GB on a GPU, where larger batches need fewer kernel launches.
BATCH_SIZE = {"cpu": 500, "cuda": 2000}


def use_device(threads: int | None) -> torch.device:
    """Returns the CUDA device if there is one, else the CPU with so many threads; None is torch's choice."""
    if threads:
        torch.set_num_threads(threads)
    if not torch.cuda.is_available():
        return torch.device("cpu")
    torch.set_float32_matmul_precision("high")  # TF32
    return torch.device("cuda")


def place(model: nn.Module, device: torch.device) -> nn.Module:
    """Returns the model on the device, in the memory format in which its convolutions are fast there.

    The format is channels_last, except for models with depthwise convolutions on a GPU. There torch has fast kernels of
    its own for contiguous float32 tensors, but leaves channels_last ones to cuDNN, which is slow.
    """
    grouped = any(isinstance(module, nn.Conv2d) and module.groups > 1 for module in model.modules())
    plain = grouped and device.type == "cuda"
    return model.to(device).to(memory_format=torch.contiguous_format if plain else torch.channels_last)


class FlipAveraged(nn.Module):
    """A model whose logits are the mean of another model's logits for an image and for its mirror image."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """Maps images `[N, 1, 28, 28]` to logits `[N, 10]`."""
        return (self.model(images) + self.model(images.flip(-1))) / 2


def load_model(spec: dict, weights: Path, device: torch.device) -> nn.Module:
    """Returns the model of a run's spec with the weights in a file, on the device, in evaluation mode.

    With the setting `flip_averaging` the model is `FlipAveraged`.

    Raises:
        UserError: the file is damaged, or has another model's weights.
    """
    try:
        model = build(spec["model"])
        model.load_state_dict(load_file(weights))
    except (SafetensorError, OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{weights}: not the weights of the model in {SPEC}: {' '.join(str(error).split()):.200}; train it again"
        ) from error
    model = place(model, device)
    return (FlipAveraged(model) if spec["training"].get("flip_averaging") else model).eval()


@torch.inference_mode()
def logits_of(model: nn.Module, inputs: Tensor, after_batch: Callable[[], None] = lambda: None) -> Tensor:
    """Returns logits `[N, 10]` for inputs `[N, 1, 28, 28] float32` in [-1, 1], in evaluation mode."""
    model.eval()
    logits = []
    for batch in inputs.split(BATCH_SIZE[inputs.device.type]):
        logits.append(model(batch))
        after_batch()
    return torch.cat(logits)


def score(logits: Tensor, targets: Tensor) -> tuple[float, float]:
    """Returns mean cross entropy and accuracy of logits `[N, 10]` for labels `[N]` or probabilities `[N, 10]`.

    A mixed image counts as right if its class with the largest share is predicted.
    """
    labels = targets.argmax(dim=1) if targets.is_floating_point() else targets
    right = (logits.argmax(dim=1) == labels).sum()
    return functional.cross_entropy(logits, targets).item(), right.item() / len(labels)
