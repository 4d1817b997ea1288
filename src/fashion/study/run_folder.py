"""Where a run's files are, each named here alone, and what is said of a folder that lacks one."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from fashion.errors import UserError
from fashion.files import read_json
from fashion.image import CLASSES
from fashion.study.spec import Key, read_spec

# A run below runs/, logs/, benchmarks/ and checkpoints/ of a study's results.
RUN = "{model}/{augmentation}/seed{seed}"
FOLDER = f"runs/{RUN}"
TRAINING_LOG, EVALUATION_LOG = f"logs/{RUN}.train.log", f"logs/{RUN}.evaluate.log"
BENCHMARK, CHECKPOINT = f"benchmarks/{RUN}.tsv", f"checkpoints/{RUN}.safetensors"
# Of the training.
SPEC, HISTORY, WEIGHTS, PROVENANCE = "spec.json", "history.csv", "model.safetensors", "provenance.json"
# Of the evaluation.
METRICS, PREDICTIONS = "metrics.json", "predictions.npz"
# What a published run has in place of its predictions: which test images were right, as packed bits.
CORRECT = "correct.npy"
# What every run leaves for good, besides its predictions. Once it is evaluated, its weights may be deleted.
RECORDS = (SPEC, HISTORY, METRICS, PROVENANCE)
# Beside the runs' dataset, in results/data/, where its classes are not named as Fashion-MNIST's.
CLASS_NAMES_FILE = "class_names.json"


def run_path(pattern: str, run: Key) -> str:
    """One of the paths above, of a run."""
    model, augmentation, seed = run
    return pattern.format(model=model, augmentation=augmentation, seed=seed)


def classes_of(run: Path) -> Sequence[str]:
    """The names of the classes of the data that the run in a folder was trained on, in the order of the labels."""
    *_, results = [*run.absolute().parents][:5]
    named = results / "data" / CLASS_NAMES_FILE
    return read_json(named) if named.is_file() else CLASSES


def read_run_spec(run: Path) -> dict:
    """The spec of the run in a folder; a `UserError` if the folder is no run's."""
    if not (run / SPEC).is_file():
        where = "results/<study>/runs/<model>/<augmentation>/seed<k>"
        raise UserError(f"{run}: not a run's folder, it has no {SPEC}; runs are {where}")
    return read_spec(run / SPEC)


def weights_of(run: Path) -> Path:
    """The file with the weights of the run in a folder; a `UserError` if it has none."""
    if not (run / WEIGHTS).is_file():
        folder = shlex.quote(str(run))
        command = f"python -m fashion.training.train --spec {folder}/{SPEC} --data results/data/fashion_mnist.npz"
        raise UserError(f"{run / WEIGHTS}: no weights there; train the run: {command} --output {folder}")
    return run / WEIGHTS
