"""Evaluate a trained model on the test images, and write the run's metrics and predictions."""

from pathlib import Path

import numpy as np

from fashion.files import atomic, sha256, write_json
from fashion.machine.device import check_gpu, gpu_errors
from fashion.stage import configure, exit_on_user_error, logger, stage_parser
from fashion.study.digest import EVALUATION, NETWORK, code_digest
from fashion.study.run_folder import METRICS, PREDICTIONS, WEIGHTS, read_run_spec, weights_of
from fashion.study.spec import run_name
from fashion.training.evaluation import evaluate
from fashion.training.inference import use_device


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder with spec.json and model.safetensors")
    parser.add_argument("--data", type=Path, required=True, help="the dataset that fashion.data.download wrote")
    parser.add_argument("--output", type=Path, required=True, help="folder for metrics.json and predictions.npz")
    parser.add_argument("--threads", type=int, help="processor threads (default: torch's choice)")
    parser.add_argument("--log", type=Path, help="write log lines to this file too")
    arguments = parser.parse_args()
    configure(arguments.log)
    check_gpu()
    device = use_device(arguments.threads)
    spec = read_run_spec(arguments.run)
    record = {"weights": sha256(weights_of(arguments.run))}
    record["code"] = code_digest(*EVALUATION, NETWORK.format(spec["model"]["family"]))
    with gpu_errors(run_name(spec)):
        metrics, predictions = evaluate(spec, arguments.run / WEIGHTS, arguments.data, device)
    with atomic(arguments.output / PREDICTIONS) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **predictions)
    write_json(arguments.output / METRICS, metrics | record)
    augmented = metrics.get("augmented_test_accuracy")
    logger.info(
        f"{run_name(spec)}: test accuracy {metrics['test_accuracy']:.2%} on {metrics['test_images']} images"
        + (f", {augmented:.2%} on the same images augmented" if augmented is not None else "")
    )


if __name__ == "__main__":
    exit_on_user_error(main)
