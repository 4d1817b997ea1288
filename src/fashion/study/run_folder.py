"""The paths of a run's files, and the errors about a folder that lacks one."""

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from fashion.errors import UserError
from fashion.files import read_json, sha256
from fashion.image import CLASSES
from fashion.study.spec import Key, read_spec

# The path of a run below runs/, logs/, benchmarks/ and checkpoints/ in a study's results.
RUN = "{model}/{augmentation}/seed{seed}"
OF_RUN = re.compile("([a-z][a-z0-9_]*)/([a-z][a-z0-9_]*)/seed(0|[1-9][0-9]*)")
FOLDER = f"runs/{RUN}"
# Of one epoch, timed while the machine did nothing else (fashion.answer.time).
ALONE = f"alone/{RUN}"
LOG, BENCHMARK, CHECKPOINT = f"logs/{RUN}.log", f"benchmarks/{RUN}.tsv", f"checkpoints/{RUN}.safetensors"
# Written by the training.
SPEC, HISTORY, WEIGHTS, PROVENANCE = "spec.json", "history.csv", "model.safetensors", "provenance.json"
# Written by the evaluation.
METRICS, PREDICTIONS = "metrics.json", "predictions.npz"
# A published run has this file instead of its predictions: a bit for each test image, 1 if it was right.
CORRECT = "correct.npy"
# The files that every finished run keeps besides its predictions. Its weights may be deleted after the evaluation.
RECORDS = (SPEC, HISTORY, METRICS, PROVENANCE)
# A file in results/data/ that names the classes of another dataset than Fashion-MNIST.
CLASS_NAMES_FILE = "class_names.json"


def run_path(pattern: str, run: Key) -> str:
    """Returns one of the path patterns above, filled in for a run."""
    model, augmentation, seed = run
    return pattern.format(model=model, augmentation=augmentation, seed=seed)


def run_folders(*studies: Path, pattern: str = FOLDER) -> Iterator[tuple[Key, Path]]:
    """Yields the runs in studies' results or references, finished or not, each with its folder, sorted.

    Args:
        pattern: `FOLDER` or `ALONE`.

    Anything else is passed over: files, and copies such as `seed0.bak`.
    """
    for study in studies:
        for folder in sorted(study.glob(pattern.format(model="*", augmentation="*", seed="*"))):
            if (run := OF_RUN.fullmatch("/".join(folder.parts[-3:]))) and folder.is_dir():
                yield (run[1], run[2], int(run[3])), folder


def classes_of(run: Path) -> Sequence[str]:
    """Returns the names of the classes that the run in a folder was trained on, in the order of the labels.

    Raises:
        UserError: their file is damaged.
    """
    *_, results = [*run.absolute().parents][:5]
    named = results / "data" / CLASS_NAMES_FILE
    if not named.is_file():
        return CLASSES
    names = read_json(named)
    if not (isinstance(names, list) and len(names) == len(CLASSES) and all(isinstance(name, str) for name in names)):
        raise UserError(f"{named}: not the names of {len(CLASSES)} classes; delete it and run the pipeline again")
    return names


def read_run_spec(run: Path) -> dict:
    """Returns the spec of the run in a folder; raises a `UserError` if the folder holds no run."""
    if not (run / SPEC).is_file():
        where = "results/<study>/runs/<model>/<augmentation>/seed<k>"
        raise UserError(f"{run}: not a run's folder: it has no {SPEC}; runs are {where}")
    return read_spec(run / SPEC)


def weights_of(run: Path) -> Path:
    """Returns the path of the weights of the run in a folder.

    Raises:
        UserError: they are missing, or not those that the run's training wrote.
        PermissionError: the user may not read them; safetensors would say that the file does not exist.
    """
    path, folder = run / WEIGHTS, shlex.quote(str(run))
    command = f"python -m fashion.training.train --spec {folder}/{SPEC} --data results/data/fashion_mnist.npz"
    train = f"train the run: {command} --output {folder}"
    written = read_json(run / PROVENANCE).get("weights") if (run / PROVENANCE).exists() else None
    try:
        found = sha256(path)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise UserError(f"{path}: no such weights; {train}") from error
    if written not in (None, found):
        raise UserError(f"{path}: not the weights that {PROVENANCE} names; {train}")
    return path
