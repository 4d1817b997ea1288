"""A finished run, read from its folder: nothing else reads one."""

import math
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from fashion.errors import UserError
from fashion.files import read_json
from fashion.records.predictions import Groups, Predictions
from fashion.study.run_folder import (
    CORRECT,
    HISTORY,
    METRICS,
    PREDICTIONS,
    PROVENANCE,
    RECORDS,
    RUN,
    read_run_spec,
    run_path,
)
from fashion.study.spec import Key
from fashion.study.stopping import best_epoch


class Run:
    """A finished run, read from its folder as far as it is asked for.

    Whatever is asked for raises a `UserError` where its file is missing or damaged.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    @cached_property
    def spec(self) -> dict:
        return read_run_spec(self.folder)

    @cached_property
    def metrics(self) -> dict:
        return read_json(self.folder / METRICS)

    @cached_property
    def provenance(self) -> dict:
        return read_json(self.folder / PROVENANCE)

    @cached_property
    def history(self) -> pd.DataFrame:
        """A row for each epoch, all columns float; its columns are history.csv's."""
        path = self.folder / HISTORY
        try:
            history = pd.read_csv(path, dtype=float)
            if missing := {"validation_loss", "seconds"} - set(history):
                raise ValueError(f"no column {', '.join(sorted(missing))}")
            if history.empty:
                raise ValueError("no epoch")
            if not isinstance(history.index, pd.RangeIndex):  # pandas makes one of the first numbers
                raise ValueError("rows are longer than the header")
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise UserError(f"{path}: not the history of a run ({reason}); train the run again") from error
        return history

    @cached_property
    def best(self) -> pd.Series:
        """The history's row with the lowest validation loss."""
        return self.history.iloc[best_epoch(self.history["validation_loss"])]

    @property
    def tested_epoch(self) -> pd.Series:
        """The history's row of the epoch whose weights are tested."""
        return self.best if self.spec["training"]["tested_weights"] == "best" else self.history.iloc[-1]

    @property
    def diverged(self) -> dict | None:
        """Where its training loss was no longer finite: epoch, step and learning rate; None if it always was."""
        return self.provenance.get("diverged")  # runs of older code, which failed then, say nothing of it

    @property
    def predictions(self) -> Predictions:
        """What it predicted for the test images; not kept, as those of many runs are large."""
        return self.predictions_of("")

    def predictions_of(self, prefix: str) -> Predictions:
        """The same; with the prefix "augmented_", for the RandAugmented test images."""
        path = self.folder / PREDICTIONS
        try:
            with open(path, "rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
                return Predictions(logits=archive[f"{prefix}logits"], labels=archive["labels"])
        except Exception as error:  # numpy and zipfile raise nearly anything on foreign bytes
            raise UserError(
                f"{path} has no usable predictions ({error}); delete it and run the pipeline again"
            ) from error

    @cached_property
    def correct(self) -> np.ndarray:
        """Whether each test image was predicted right, `[N] float`."""
        return self.correct_of("")

    def correct_of(self, prefix: str) -> np.ndarray:
        """The same; with the prefix "augmented_", of the RandAugmented test images."""
        published = self.folder / f"{prefix}{CORRECT}"
        if published.exists():
            return np.unpackbits(np.load(published), count=self.metrics["test_images"]).astype(float)
        return self.predictions_of(prefix).correct.astype(float)


def accuracy_so_far(history: pd.DataFrame) -> pd.DataFrame:
    """At the end of each epoch, the `seconds` since the first began and the test `accuracy` of the best epoch so far.

    The best is that of the lowest validation loss. On clean test images, it is the same number for all protocols.
    """
    losses = history["validation_loss"].fillna(math.inf)
    lower = losses < losses.cummin().shift()
    lower.iloc[0] = True
    return pd.DataFrame(
        {"seconds": history["seconds"].cumsum(), "accuracy": history["test_accuracy"].where(lower).ffill()}
    )


def gradient_norms(history: pd.DataFrame) -> pd.DataFrame:
    """`[epochs, layers]`: the L2 norm of the gradient of each weight, from input to output, at each epoch's first step.

    A history that has none of them gives no layers.
    """
    return history.filter(regex="^gradient_norm:")


def groups_of(folder: Path, runs: Iterable[tuple[str, str, list[int]]]) -> list[list[Run]]:
    """The runs of each model and augmentation that a plan names, below a study's folder of runs."""
    return [
        [Run(folder / run_path(RUN, (model, augmentation, seed))) for seed in seeds]
        for model, augmentation, seeds in runs
    ]


def predictions_of_groups(groups: Iterable[list[Run]]) -> Groups:
    """Model, augmentation and each seed's predictions, read one group at a time."""
    for runs in groups:
        *_, model, augmentation, _ = runs[0].folder.parts
        yield model, augmentation, [run.predictions for run in runs]


class Runs:
    """A study's finished runs.

    Args:
        summary: its models with the seeds of each augmentation, as `fashion.study.outputs.summary` gives them.
        folder: has `<model>/<augmentation>/seed<k>/`.
    """

    def __init__(self, summary: dict, folder: Path):
        self.summary = summary
        self.runs = {
            (model, augmentation): [Run(folder / run_path(RUN, (model, augmentation, seed))) for seed in seeds]
            for model, entry in ((model, summary["models"][model]) for model in summary["order"])
            for augmentation, seeds in entry["augmentations"].items()
        }

    def __getitem__(self, key: tuple[str, str]) -> list[Run]:
        """The runs of a model and augmentation, one for each seed."""
        return self.runs[key]

    @property
    def titles(self) -> dict[str, dict[str, str]]:
        """The titles of models and augmentations; see `Study.titles`."""
        return {"model": self.summary["titles"], "augmentation": self.summary["augmentation_titles"]}

    def reported(self, model: str, augmentation: str) -> dict:
        """The report's numbers of the very runs of this model and augmentation."""
        return self.summary["models"][model]["reported"].get(augmentation, {})

    def parameters(self, model: str) -> int | None:
        """The number of a model's parameters: as its runs recorded it or, without any, counted.

        None of a model that the study has not.
        """
        for (name, _), runs in self.items():
            if name == model:
                return runs[0].metrics["parameters"]
        if model not in self.summary["networks"]:
            return None
        import torch  # takes a second, which a finished study does without

        from fashion.models.build import build, count_parameters

        with torch.device("meta"):
            return count_parameters(build(self.summary["networks"][model]))

    def predictions(self) -> Groups:
        """Model, augmentation and each seed's predictions in the study's order."""
        return predictions_of_groups(self.runs.values())

    def items(self) -> Iterator[tuple[tuple[str, str], list[Run]]]:
        """(model, augmentation) with its runs in the study's order."""
        return iter(self.runs.items())


def finished_runs(folder: Path) -> dict[Key, Run]:
    """The finished runs in a study's folder of results, or in a reference: (model, augmentation, seed) -> run."""
    runs = {}
    for path in sorted(folder.glob("runs/*/*/seed*")):
        predictions, weights_made = path / PREDICTIONS, path / PROVENANCE
        if not all((path / name).exists() for name in RECORDS):
            continue
        # Predictions that are older than the training are those of its predecessor.
        evaluated = predictions.exists() and predictions.stat().st_mtime_ns >= weights_made.stat().st_mtime_ns
        if evaluated or (path / CORRECT).exists():
            runs[path.parts[-3], path.parts[-2], int(path.name.removeprefix("seed"))] = Run(path)
    return runs
