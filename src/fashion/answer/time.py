"""Time an epoch of each model whose times the claims compare, by itself, three times in turn.

The times of a study's trainings decide nothing if other processes ran beside them. These take little, on a machine that
does nothing else; where an epoch takes hours, one of fewer images will do.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd

from fashion.answer.claims import read_parts
from fashion.errors import UserError
from fashion.records.metrics import MEASURES
from fashion.records.run import Run, Runs
from fashion.records.state import state, wanted
from fashion.records.timing import doubt
from fashion.stage import exit_on_user_error, stage_parser
from fashion.study.config import CONFIG, load_study
from fashion.study.definition import Study
from fashion.study.outputs import reading_of
from fashion.study.report import Report
from fashion.study.resources import JOB_ENVIRONMENT, training_threads
from fashion.study.run_folder import ALONE, run_path
from fashion.study.spec import Key
from fashion.study.summary import summary

TIMES = 3
LEAST_IMAGES = 10  # as in the schema of config.yaml


def timed_runs(study: Study, report: Report, images: int | None = None) -> dict[Key, dict]:
    """Returns the specs of the epochs to time: of each model in turn, then of each again.

    Args:
        images: how many labelled images an epoch has, and test images to match; None for the study's.

    Raises:
        UserError: these are too few.
    """
    reading, runs = reading_of(study, report), Runs(summary(study.only([]), report), Path())
    protocol = report.claims["protocols"][reading]
    sides = {
        side: None
        for claim in report.claims["claims"].values()
        for part in read_parts(claim[reading], runs, pd.DataFrame(), protocol).parts
        for one in part.evidence
        if one.statement.side and MEASURES[one.statement.metric].timed
        for side in one.statement.sides
    }
    of_side = {side: [key for key in study.specs if key[:2] == side][:TIMES] for side in sides}
    keys = [keys[turn] for turn in range(TIMES) for keys in of_side.values() if turn < len(keys)]
    return {key: {**study.specs[key], "training": _one_epoch(study.specs[key]["training"], images)} for key in keys}


def _one_epoch(training: dict, images: int | None) -> dict:
    images = training["train_images"] if images is None else images
    test_images = training["test_images"] * images // training["train_images"]
    if test_images < LEAST_IMAGES:
        raise UserError(
            f"--images {images}: {test_images} test images go with them, and {LEAST_IMAGES} is the least; give more"
        )
    return {**training, "epochs": 1, "train_images": images, "test_images": test_images}


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--study", required=True, help="the name of a study in config.yaml")
    parser.add_argument("--config", type=Path, default=CONFIG, help="(default: %(default)s)")
    parser.add_argument("--results", type=Path, default=Path("results"), help="has <study>/ (default: %(default)s)")
    parser.add_argument("--images", type=int, help="labelled images of each epoch (default: the study's)")
    arguments = parser.parse_args()
    study, report = load_study([arguments.config], arguments.study)
    results = arguments.results / study.name
    data = arguments.results / "data/fashion_mnist.npz"
    if not data.exists():
        raise UserError(f"{data}: no such dataset; make it: snakemake --cores 1 -- {data}")
    if not (specs := timed_runs(study, report, arguments.images)):
        raise UserError(f"study {study.name}: no claim compares times of its models; name another by STUDY=...")
    for key, each in wanted(replace(study, specs=specs), results).items():
        spec, folder = specs[key], results / run_path(ALONE, key)
        if state(folder, each).finished:
            if not doubt(Run(folder).provenance):
                continue
            # Else the training takes it for done. It replaces any other epoch itself, once it has a new one.
            shutil.rmtree(folder, ignore_errors=True)
        line = [sys.executable, "-m", "fashion.training.train", "--spec", "/dev/stdin", "--data", data]
        threads = min(training_threads(spec["model"]), os.cpu_count() or 1)
        line += ["--output", folder, "--threads", str(threads)]
        environment = os.environ | {name: str(value) for name, value in JOB_ENVIRONMENT.items()}
        done = subprocess.run(line, input=json.dumps(spec), text=True, env=environment)
        if done.returncode:  # the training has said why
            sys.exit(done.returncode)
        if busy := doubt(Run(folder).provenance):
            raise UserError(f"{folder}: timed {busy}; stop what else runs here, and call this again")


if __name__ == "__main__":
    exit_on_user_error(main)
