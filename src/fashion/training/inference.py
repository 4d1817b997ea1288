"""What training and evaluation share: the device, a model's predictions, and their loss and accuracy."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

# Bounds the memory of the widest model's activations; accuracy does not depend on it.
BATCH_SIZE = 500


def use_device(threads: int | None) -> torch.device:
    """The CUDA device if there is one, else the CPU with so many threads (torch's own choice for None)."""
    if threads:
        torch.set_num_threads(threads)
    if not torch.cuda.is_available():
        return torch.device("cpu")
    torch.set_float32_matmul_precision("high")  # TF32
    return torch.device("cuda")


@torch.inference_mode()
def predict(model: nn.Module, inputs: Tensor, after_batch: Callable[[], None] = lambda: None) -> Tensor:
    """Logits `[N, 10]` for inputs `[N, 1, 28, 28] float32` in [-1, 1], in evaluation mode."""
    model.eval()
    logits = []
    for batch in inputs.split(BATCH_SIZE):
        logits.append(model(batch))
        after_batch()
    return torch.cat(logits)


def score(logits: Tensor, targets: Tensor) -> tuple[float, float]:
    """Mean cross entropy and accuracy of logits `[N, 10]` for targets: labels `[N]` or probabilities `[N, 10]`.

    A mixed image counts as right when the class with the larger share is predicted.
    """
    labels = targets.argmax(dim=1) if targets.is_floating_point() else targets
    right = (logits.argmax(dim=1) == labels).sum()
    return functional.cross_entropy(logits, targets).item(), right.item() / len(labels)
