"""Score a trained model on the test images: predictions and metrics of one run."""

import math
from pathlib import Path

import numpy as np
import torch

from fashion.data.augment import rand_augment
from fashion.data.dataset import load
from fashion.files import atomic, write_json
from fashion.image import normalise
from fashion.machine.device import check_gpu, gpu_errors
from fashion.models.build import count_flops, count_parameters
from fashion.stage import configure, exit_on_user_error, logger, stage_parser
from fashion.study.run_folder import METRICS, PREDICTIONS, read_run_spec, weights_of
from fashion.study.spec import run_name
from fashion.training.inference import load_model, logits_of, score, use_device
from fashion.training.seeds import generator


def evaluate(spec: dict, weights: Path, data: Path, device: torch.device) -> tuple[dict, dict[str, np.ndarray]]:
    """Metrics of a run and its predictions.

    Returns:
        `test_images`, `test_loss` (None if it is not finite, after divergence: the weights are no numbers, and every
        image counts as of the first class), `test_accuracy`, `parameters` and `flops_per_image`; and the arrays
        `logits [N, 10] float32` and `labels [N] int64` of the test images, in the dataset's order. After a training
        with RandAugment under the published protocol also `augmented_test_loss`, `augmented_test_accuracy` and
        `augmented_logits`: of the same images, each through one seeded draw of that RandAugment.

    Raises:
        UserError: the weights or the data are damaged, or not those of the spec.
    """
    model = load_model(spec, weights, device)
    dataset = load(data)
    count = spec["training"]["test_images"]
    images = torch.from_numpy(dataset.test_images[:count, None]).to(device)
    labels = torch.from_numpy(dataset.test_labels[:count]).to(device)
    tests = {"": images}
    if spec["training"]["validation"] == "augmented" and "randaugment" in spec["augmentation"]:
        # The published code inserts RandAugment into the transform that its test images go through as well.
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
    metrics |= {"parameters": count_parameters(model), "flops_per_image": passes * count_flops(spec["model"])}
    return metrics, predictions


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder with spec.json and model.safetensors")
    parser.add_argument("--data", type=Path, required=True, help="the dataset, as fashion.data.download writes it")
    parser.add_argument("--output", type=Path, required=True, help="folder for metrics.json and predictions.npz")
    parser.add_argument("--threads", type=int, help="processor threads; torch decides if not given")
    parser.add_argument("--log", type=Path, help="a file that gets the log lines too")
    arguments = parser.parse_args()
    configure(arguments.log)
    check_gpu()
    device = use_device(arguments.threads)
    spec = read_run_spec(arguments.run)
    with gpu_errors(run_name(spec)):
        metrics, predictions = evaluate(spec, weights_of(arguments.run), arguments.data, device)
    with atomic(arguments.output / PREDICTIONS) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **predictions)
    write_json(arguments.output / METRICS, metrics)
    augmented = metrics.get("augmented_test_accuracy")
    logger.info(
        f"{run_name(spec)}: test accuracy {metrics['test_accuracy']:.2%} on {metrics['test_images']} images"
        + (f", {augmented:.2%} on the same images augmented" if augmented is not None else "")
    )


if __name__ == "__main__":
    exit_on_user_error(main)
