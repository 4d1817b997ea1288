"""What is checked of files before they are published, since they may come from another machine or another person."""

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from PIL import Image

from fashion.data.dataset import CHECKSUMS
from fashion.errors import UserError
from fashion.records.run import Run, gradient_norms
from fashion.study.run_folder import CORRECT, HISTORY, METRICS, PREDICTIONS, RECORDS

# HTML and links in Markdown: tables of ours have none.
ACTIVE, ESCAPED = re.compile(r"<|\]\("), re.compile(r"\\.")
ROUNDING = 1e-6  # of an accuracy
COLUMNS = ["epoch", *(f"{part}_{name}" for part in ("train", "validation", "test") for name in ("loss", "accuracy"))]
COLUMNS += ["seconds", "joules"]


def refuse_links(run: Path, source: Path) -> None:
    """Raises a `UserError` if `refuse_link` does for a file of the run in a folder."""
    for name in (*RECORDS, PREDICTIONS, CORRECT, f"augmented_{CORRECT}"):
        refuse_link(run / name, source)


def refuse_link(path: Path, source: Path) -> None:
    """Raises a `UserError` if there is something at a path other than a file in the folder `source`.

    The content of a file elsewhere, to which a link points, would be published.
    """
    if path.exists() and not (path.is_file() and path.resolve().is_relative_to(source.resolve())):
        raise UserError(f"{path}: a link out of {source}, or no file at all; nothing is published")


def tests_of(run: Run) -> Sequence[str]:
    """Returns the prefixes of the tests that a run has: on clean images, and on augmented ones."""
    return ("", "augmented_") if "augmented_test_accuracy" in run.metrics else ("",)


def check_run(run: Run) -> None:
    """Raises a `UserError` if the records of a run contradict each other or its data is not the report's."""
    if run.dataset != CHECKSUMS:
        raise UserError(f"{run.folder}: made on other data than the report's; nothing is published")
    missing = [name for name in COLUMNS if name not in run.history]
    missing += ["gradient norms"] * gradient_norms(run.history).empty
    if missing:
        raise UserError(f"{run.folder / HISTORY}: it lacks {', '.join(missing)}; train the run again")
    if list(run.history["epoch"]) != list(range(1, len(run.history) + 1)):
        raise UserError(f"{run.folder / HISTORY}: its epochs are not 1, 2, 3 ...; train the run again")
    for prefix in tests_of(run):
        said, images, right = run.metrics[f"{prefix}test_accuracy"], run.metrics["test_images"], run.correct_of(prefix)
        if len(right) != images or abs(right.mean() - said) > ROUNDING:
            raise UserError(
                f"{run.folder / METRICS}: {prefix}test_accuracy is {said} of {images} images, but "
                f"{right.sum():g} of {len(right)} predictions are right; evaluate the run again"
            )


def check_output(path: Path) -> None:
    """Raises a `UserError` if a file is not the table or figure that its suffix says."""
    try:
        if path.suffix == ".png":
            with Image.open(path, formats=["PNG"]) as image:
                image.verify()
        elif path.suffix == ".csv":
            pd.read_csv(path)
        elif ACTIVE.search(ESCAPED.sub("", path.read_text(encoding="utf-8"))):
            raise ValueError("it has HTML or a link")
    except Exception as error:  # Pillow and pandas raise nearly anything for foreign bytes
        raise UserError(f"{path}: not a {path.suffix[1:]} file ({error}); delete it") from error
