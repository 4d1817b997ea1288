"""The metrics and predictions of a run on the test images."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from fashion.data.augment import rand_augment
from fashion.data.dataset import Dataset
from fashion.errors import UserError
from fashion.files import atomic, sha256, write_json
from fashion.image import normalise
from fashion.models.build import count_parameters
from fashion.study.resources import multiply_adds
from fashion.study.run_folder import METRICS, PREDICTIONS, WEIGHTS
from fashion.training.inference import load_model, logits_of, score
from fashion.training.seeds import generator


def evaluate(spec: dict, weights: Path, dataset: Dataset, device: torch.device) -> tuple[dict, dict[str, np.ndarray]]:
    """Returns the metrics and the predictions of a run.

    The metrics are `test_images`, `test_loss`, `test_accuracy`, `parameters` and `flops_per_image`. The predictions are
    `logits [N, 10] float32` and `labels [N] int64` of the test images, in the dataset's order. After a training that
    diverged the weights are NaN: `test_loss` is None, and each image counts as predicted to be of the first class.

    After a training with RandAugment whose validation is augmented, there are also `augmented_test_loss`,
    `augmented_test_accuracy` and `augmented_logits`: for the test images after one seeded draw of that RandAugment.

    Raises:
        UserError: the weights are damaged, or do not fit the spec.
    """
    model = load_model(spec, weights, device)
    count = spec["training"]["test_images"]
    images = torch.from_numpy(dataset.test_images[:count, None]).to(device)
    labels = torch.from_numpy(dataset.test_labels[:count]).to(device)
    tests = {"": images}
    if spec["training"]["validation"] == "augmented" and "randaugment" in spec["augmentation"]:
        # A protocol that validates on augmented images may report its accuracy on augmented test images.
        draws = generator(spec["seed"], "test", device=device)
        tests["augmented_"] = rand_augment(images, **spec["augmentation"]["randaugment"], generator=draws)
    metrics: dict = {"test_images": count}
    predictions = {"labels": labels.cpu().numpy()}
    for prefix, tested in tests.items():
        logits = logits_of(model, normalise(tested))
        loss, metrics[f"{prefix}test_accuracy"] = score(logits, labels)
        metrics[f"{prefix}test_loss"] = loss if math.isfinite(loss) else None
        predictions[f"{prefix}logits"] = logits.cpu().numpy()
    passes = 2 if spec["training"].get("flip_averaging") else 1
    flops = 2 * passes * multiply_adds(spec["model"])  # a multiply-add is two operations
    metrics |= {"parameters": count_parameters(model), "flops_per_image": flops}
    return metrics, predictions


def write_evaluation(run: Path, metrics: dict, predictions: Mapping[str, np.ndarray]) -> None:
    """Writes metrics and predictions of a trained run, each atomically; the metrics get the weights' SHA-256.

    Raises:
        UserError: the disk does not take them.
    """
    try:
        with atomic(run / PREDICTIONS) as temporary:
            np.savez_compressed(temporary, allow_pickle=False, **predictions)
        write_json(run / METRICS, {**metrics, "weights": sha256(run / WEIGHTS)})
    except OSError as error:
        raise UserError(f"cannot write the run to {run}: {error}") from error
