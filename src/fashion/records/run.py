"""A run's folder, read: the one place that knows its files."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from fashion.errors import UserError
from fashion.files import read_json
from fashion.records.predictions import read_predictions
from fashion.study.spec import RECORDS

# What a published run has instead of its predictions: `correct` as packed bits.
CORRECT = "correct.npy"

# Model, augmentation and seed of a run.
Key = tuple[str, str, int]


class Run:
    """A finished run, read from its folder as far as it is asked for."""

    def __init__(self, folder: Path):
        self.folder = folder

    @cached_property
    def spec(self) -> dict:
        return read_json(self.folder / "spec.json")

    @cached_property
    def metrics(self) -> dict:
        return read_json(self.folder / "metrics.json")

    @cached_property
    def provenance(self) -> dict:
        return read_json(self.folder / "provenance.json")

    @cached_property
    def history(self) -> pd.DataFrame:
        """A row for each epoch; a `UserError` if the file is missing, or no history of a run."""
        path = self.folder / "history.csv"
        try:
            history = pd.read_csv(path)
            if history[["validation_loss", "seconds"]].empty:
                raise ValueError("no epoch")
        except (OSError, ValueError, KeyError) as error:
            reason = " ".join(str(error).split())
            raise UserError(f"{path}: not the history of a run ({reason}); train the run again") from error
        return history

    @cached_property
    def best(self) -> pd.Series:
        """The history's row with the lowest validation loss."""
        return self.history.loc[self.history["validation_loss"].idxmin()]

    @cached_property
    def correct(self) -> np.ndarray:
        """Whether each test image was predicted right, `[N] float`."""
        return self.correct_of("")

    def correct_of(self, prefix: str) -> np.ndarray:
        """The same; with the prefix "augmented_", of the RandAugmented test images."""
        published = self.folder / f"{prefix}{CORRECT}"
        if published.exists():
            return np.unpackbits(np.load(published), count=self.metrics["test_images"]).astype(float)
        return read_predictions(self.folder, prefix).correct.astype(float)


class Runs:
    """A study's finished runs.

    Args:
        summary: its models, seeds and augmentations, as `fashion.study.budget.Study.summary` gives them.
        folder: has `<model>/<augmentation>/seed<k>/`.
    """

    def __init__(self, summary: dict, folder: Path):
        self.summary = summary
        self.runs = {
            (model, augmentation): [Run(folder / model / augmentation / f"seed{seed}") for seed in summary["seeds"]]
            for model, entry in sorted(summary["models"].items())
            for augmentation in entry["augmentations"]
        }

    def __getitem__(self, key: tuple[str, str]) -> list[Run]:
        """The runs of a model and augmentation, one for each seed."""
        return self.runs[key]

    def reported(self, model: str, augmentation: str) -> dict:
        """The report's numbers of the very runs of this model and augmentation."""
        return self.summary["models"][model]["reported"].get(augmentation, {})

    def items(self) -> Iterator[tuple[tuple[str, str], list[Run]]]:
        """(model, augmentation) with its runs, sorted by model."""
        return iter(self.runs.items())


def finished_runs(folder: Path) -> dict[Key, Run]:
    """The finished runs in a budget's folder of results, or in a reference: (model, augmentation, seed) -> run."""
    runs = {}
    for path in sorted(folder.glob("runs/*/*/seed*")):
        predictions, weights_made = path / "predictions.npz", path / "provenance.json"
        if not all((path / name).exists() for name in RECORDS):
            continue
        # Predictions that are older than the training are those of its predecessor.
        evaluated = predictions.exists() and predictions.stat().st_mtime_ns >= weights_made.stat().st_mtime_ns
        if evaluated or (path / CORRECT).exists():
            runs[path.parts[-3], path.parts[-2], int(path.name.removeprefix("seed"))] = Run(path)
    return runs


def read_run(folder: Path) -> tuple[dict, np.ndarray]:
    """A run's spec, and its history as a structured array: a row for each epoch, history.csv's columns by name.

    Raises:
        UserError: the folder lacks either, or the history has no epoch.
    """
    path = folder / "history.csv"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) < 2:
            raise ValueError("no epoch")
        # Names as they are: those of gradient norms have colons and dots.
        history = np.genfromtxt(lines, delimiter=",", names=True, deletechars="", ndmin=1)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path} is not the history of a finished run ({reason}); run the training again") from error
    return read_json(folder / "spec.json"), history


def read_runs(folders: Iterable[Path], seeds: Sequence[int]) -> Iterator[tuple[dict, np.ndarray]]:
    """Spec and history of each seed's run in folders `<model>/<augmentation>/`."""
    return (read_run(folder / f"seed{seed}") for folder in folders for seed in seeds)
