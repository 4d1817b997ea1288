"""Score a trained model on the test images: predictions and metrics of one run."""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from fashion.augment import normalise
from fashion.dataset import load
from fashion.errors import exit_on_user_error
from fashion.files import atomic, read_json, write_json
from fashion.logs import configure, logger
from fashion.models import build, count_flops, count_parameters

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


def evaluate(spec: dict, weights: Path, data: Path, device: torch.device) -> tuple[dict, dict[str, np.ndarray]]:
    """Metrics of a run and its predictions.

    Returns:
        `test_images`, `test_loss`, `test_accuracy`, `parameters` and `flops_per_image`; and the arrays
        `logits [N, 10] float32` and `labels [N] int64` of the test images, in the dataset's order.
    """
    model = build(spec["model"])
    model.load_state_dict(load_file(weights))
    model.to(device=device, memory_format=torch.channels_last)
    dataset = load(data)
    count = spec["training"]["test_images"]
    labels = dataset.test_labels[:count]
    logits = predict(model, normalise(torch.from_numpy(dataset.test_images[:count, None]).to(device)))
    loss, accuracy = score(logits, torch.from_numpy(labels).to(device))
    metrics = {
        "test_images": len(labels),
        "test_loss": loss,
        "test_accuracy": accuracy,
        "parameters": count_parameters(model),
        "flops_per_image": count_flops(spec["model"]),
    }
    return metrics, {"logits": logits.cpu().numpy(), "labels": labels}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m fashion.evaluate", description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder with spec.json and model.safetensors")
    parser.add_argument("--data", type=Path, required=True, help="the dataset, as fashion.download writes it")
    parser.add_argument("--output", type=Path, required=True, help="folder for metrics.json and predictions.npz")
    parser.add_argument("--threads", type=int, help="processor threads; torch decides if not given")
    parser.add_argument("--log", type=Path, help="a file that gets the log lines too")
    arguments = parser.parse_args()
    configure(arguments.log)
    device = use_device(arguments.threads)
    spec = read_json(arguments.run / "spec.json")
    metrics, predictions = evaluate(spec, arguments.run / "model.safetensors", arguments.data, device)
    with atomic(arguments.output / "predictions.npz") as temporary:
        np.savez_compressed(temporary, **predictions)
    write_json(arguments.output / "metrics.json", metrics)
    logger.info(f"test accuracy {metrics['test_accuracy']:.2%} on {metrics['test_images']} images")


if __name__ == "__main__":
    exit_on_user_error(main)
