"""Train a run as its spec says, evaluate it on the test images, and write its files.

A run that is trained already, by the same code on the same data, is only evaluated again.

On SIGTERM, SIGUSR1 or SIGINT a training finishes its step, saves its state and exits with status 143. The same command
goes on from there, or after kill -9 from the last checkpoint, and ends with the same numbers.
"""

import hashlib
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import torch

from fashion.data.dataset import load
from fashion.errors import UserError
from fashion.files import canonical_json, remove_left_over, sha256
from fashion.lock import Lock
from fashion.machine.device import check_gpu, gpu_errors
from fashion.machine.usage import Usage
from fashion.records.state import Wanted, state
from fashion.stage import configure, exit_on_user_error, logger, stage_parser
from fashion.study.digest import EVALUATION, NETWORK, TRAINING, code_digest
from fashion.study.run_folder import WEIGHTS, weights_of
from fashion.study.spec import read_spec, run_name
from fashion.training.checkpoint import Checkpoint
from fashion.training.evaluation import evaluate, write_evaluation
from fashion.training.inference import use_device
from fashion.training.loop import Interrupted, Training
from fashion.training.provenance import collect
from fashion.training.results import write_training

INTERRUPTED = 143
# That a training whose Snakemake was killed may take to finish its step and save its state.
SAVING_SECONDS = 60


def leave_out_compiler() -> None:
    """Has torch's optimizers do without its compiler, whose import takes longer than torch's own.

    They call two functions of `torch._dynamo`, which do nothing outside compiled code.
    """
    if "torch._dynamo" not in sys.modules:
        stand_in = vars(torch)["_dynamo"] = sys.modules["torch._dynamo"] = ModuleType("torch._dynamo")
        vars(stand_in).update(disable=lambda function, *_, **__: function, graph_break=lambda: None)


def checkpoint_key(spec: dict, data: Path, device: torch.device) -> str:
    """Returns a digest of all that a training's numbers depend on."""
    code = code_digest(*TRAINING, "fashion.training.checkpoint", NETWORK.format(spec["model"]["family"]))
    return hashlib.sha256(canonical_json([spec, code, sha256(data), device.type]).encode()).hexdigest()


def trained(run: Path, wanted: Wanted) -> bool:
    """Returns whether the run in a folder is trained as wanted, with the weights that its record names."""
    if state(run, wanted).training:
        return False
    try:
        weights_of(run)
    except UserError:
        return False
    return True


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument(
        "--spec", type=Path, required=True, help="the run's spec, a JSON file; /dev/stdin reads it from stdin"
    )
    parser.add_argument("--data", type=Path, required=True, help="the dataset that fashion.data.download wrote")
    parser.add_argument("--output", type=Path, required=True, help="folder for the files of the run")
    parser.add_argument("--checkpoint", type=Path, help="the file to save the state to, and to go on from")
    parser.add_argument("--threads", type=int, help="processor threads (default: torch's choice)")
    parser.add_argument("--log", type=Path, help="write log lines to this file too")
    arguments = parser.parse_args()
    asked_to_stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT):
        signal.signal(number, lambda *_: asked_to_stop.set())
    configure(arguments.log, keep=True)
    spec = read_spec(arguments.spec)
    name, network = run_name(spec), NETWORK.format(spec["model"]["family"])
    check_gpu(spec["training"].get("precision", "float32"))
    device = use_device(arguments.threads)
    if device.type == "cpu":
        leave_out_compiler()
    started = datetime.now(UTC)
    dataset = load(arguments.data)
    # Read now, as the imports above were: somebody may edit the source during the training.
    training_code, evaluation_code = (code_digest(*modules, network) for modules in (TRAINING, EVALUATION))
    origin = {"dataset": dataset.checksums(), "code": training_code}
    usage = Usage(device)
    checkpoint = None
    # Beside the run's folder, where Snakemake deletes nothing.
    output = arguments.output.absolute()
    with (
        Lock(output.with_name(f"{output.name}.lock"), "is training this run", SAVING_SECONDS) as lock,
        gpu_errors(name),
    ):
        if arguments.checkpoint:
            checkpoint = Checkpoint(arguments.checkpoint, checkpoint_key(spec, arguments.data, device), usage)
        if trained(output, Wanted(spec=spec, training=training_code, dataset=origin["dataset"])):
            logger.info(f"{name}: trained already, evaluated again")
        else:
            training = Training(spec, dataset, device, checkpoint, asked_to_stop.is_set)
            try:
                weights, history = training.run()
            except Interrupted as interruption:
                logger.info(interruption)
                sys.exit(INTERRUPTED)
            if checkpoint and not training.diverged:
                # Snakemake deletes what a job wrote that failed later.
                checkpoint.save(*training.state.saved())
            finished = datetime.now(UTC)
            provenance = {
                **collect(device),
                **usage.record(),
                **origin,
                "diverged": training.diverged,
                "started": started.isoformat(timespec="seconds"),
                "finished": finished.isoformat(timespec="seconds"),
            }
            if not lock.held():
                raise UserError(f"{lock.path} was removed, or taken by another training: this one writes no results")
            write_training(output, spec, weights, history, provenance)
        metrics, predictions = evaluate(spec, output / WEIGHTS, dataset, device)
        write_evaluation(output, metrics | {"code": evaluation_code}, predictions)
        augmented = metrics.get("augmented_test_accuracy")
        logger.info(
            f"{name}: test accuracy {metrics['test_accuracy']:.2%} on {metrics['test_images']} images"
            + (f", {augmented:.2%} on the same images augmented" if augmented is not None else "")
        )
        if checkpoint:
            checkpoint.remove()
            remove_left_over(checkpoint.path)


if __name__ == "__main__":
    exit_on_user_error(main)
