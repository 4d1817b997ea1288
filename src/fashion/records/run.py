"""Reading finished runs from their folders. Nothing else reads them."""

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from fashion.data.dataset import CHECKSUMS
from fashion.errors import UserError
from fashion.records.predictions import Groups, Predictions
from fashion.records.schema import read_metrics, read_provenance
from fashion.records.state import state
from fashion.study.run_folder import (
    CORRECT,
    FOLDER,
    HISTORY,
    PREDICTIONS,
    RUN,
    read_run_spec,
    run_folders,
    run_path,
)
from fashion.study.spec import Key
from fashion.study.stopping import best_epoch


class Run:
    """A finished run; each property reads its file when it is first asked for.

    A property raises a `UserError` if its file is missing or damaged.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    @cached_property
    def spec(self) -> dict:
        return read_run_spec(self.folder)

    @cached_property
    def metrics(self) -> dict:
        return read_metrics(self.folder)

    @cached_property
    def provenance(self) -> dict:
        return read_provenance(self.folder)

    @property
    def dataset(self) -> dict[str, str]:
        """The SHA-256 of the dataset's files, by name; older code did not record them."""
        return self.provenance.get("dataset", CHECKSUMS)

    @cached_property
    def history(self) -> pd.DataFrame:
        """The rows of history.csv, one for each epoch, all columns float."""
        path = self.folder / HISTORY
        try:
            history = pd.read_csv(path, dtype=float)
            if missing := {"validation_loss", "seconds"} - set(history):
                raise ValueError(f"no column {', '.join(sorted(missing))}")
            if history.empty:
                raise ValueError("no epoch")
            if not isinstance(history.index, pd.RangeIndex):  # pandas makes an index of the first numbers
                raise ValueError("rows are longer than the header")
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise UserError(f"{path}: not the history of a run ({reason}); train the run again") from error
        return history

    @cached_property
    def best(self) -> pd.Series:
        """The row of the history with the lowest validation loss."""
        return self.history.iloc[best_epoch(self.history["validation_loss"])]

    @property
    def tested_epoch(self) -> pd.Series:
        """The row of the history for the epoch whose weights are tested."""
        return self.best if self.spec["training"]["tested_weights"] == "best" else self.history.iloc[-1]

    @property
    def diverged(self) -> dict | None:
        """Epoch, step and learning rate of the first loss that is not finite; None if all are finite."""
        return self.provenance.get("diverged")  # runs of older code lack it: they failed if they diverged

    @property
    def predictions(self) -> Predictions:
        """The predictions for the test images; they are not kept, because those of many runs are large."""
        return self.predictions_of("")

    def predictions_of(self, prefix: str) -> Predictions:
        """Returns `predictions`, or those for the RandAugmented test images with the prefix "augmented_"."""
        path = self.folder / PREDICTIONS
        try:
            with open(path, "rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
                return Predictions(logits=archive[f"{prefix}logits"], labels=archive["labels"])
        except Exception as error:  # numpy and zipfile raise nearly anything for foreign bytes
            raise UserError(
                f"{path} has no usable predictions ({error}); delete it and run the pipeline again"
            ) from error

    @cached_property
    def correct(self) -> np.ndarray:
        """Whether each test image was predicted right, `[N] float`."""
        return self.correct_of("")

    def correct_of(self, prefix: str) -> np.ndarray:
        """Returns `correct`, or that of the RandAugmented test images with the prefix "augmented_"."""
        published = self.folder / f"{prefix}{CORRECT}"
        if published.exists():
            try:
                return np.unpackbits(np.load(published), count=self.metrics["test_images"]).astype(float)
            except Exception as error:  # numpy raises nearly anything for foreign bytes
                raise UserError(f"{published} cannot be read ({error}); publish the run again") from error
        return self.predictions_of(prefix).correct.astype(float)


def accuracy_so_far(history: pd.DataFrame) -> pd.DataFrame:
    """Returns the `seconds` since the start and the test `accuracy` of the best epoch so far, at the end of each epoch.

    The best epoch has the lowest validation loss. All protocols measure this accuracy on clean test images.
    """
    losses = history["validation_loss"].fillna(math.inf)
    lower = losses < losses.cummin().shift()
    lower.iloc[0] = True
    return pd.DataFrame(
        {"seconds": history["seconds"].cumsum(), "accuracy": history["test_accuracy"].where(lower).ffill()}
    )


def gradient_norms(history: pd.DataFrame) -> pd.DataFrame:
    """Returns the L2 norm of each layer's gradient in the first step of each epoch, `[epochs, layers]`.

    Layers go from input to output; a history without norms gives no layers.
    """
    return history.filter(regex="^gradient_norm:")


def groups_of(folder: Path, runs: Iterable[tuple[str, str, list[int]]]) -> list[list[Run]]:
    """Returns the runs of each model and augmentation that a plan names; `folder` is the study's folder of runs."""
    return [
        [Run(folder / run_path(RUN, (model, augmentation, seed))) for seed in seeds]
        for model, augmentation, seeds in runs
    ]


def predictions_of_groups(groups: Iterable[list[Run]]) -> Groups:
    """Yields model, augmentation and each seed's predictions, read one group at a time."""
    for runs in groups:
        *_, model, augmentation, _ = runs[0].folder.parts
        yield model, augmentation, [run.predictions for run in runs]


class Runs:
    """The finished runs of a study.

    Args:
        summary: what `fashion.study.summary.summary` returns.
        folder: the folder with `<model>/<augmentation>/seed<k>/`.
        alone: the epochs timed alone of a model and augmentation, each in a run of its own.
    """

    def __init__(self, summary: dict, folder: Path, alone: Mapping[tuple[str, str], list[Run]] = MappingProxyType({})):
        self.summary, self.alone = summary, alone
        self.runs = {
            (model, augmentation): [Run(folder / run_path(RUN, (model, augmentation, seed))) for seed in seeds]
            for model, entry in ((model, summary["models"][model]) for model in summary["order"])
            for augmentation, seeds in entry["augmentations"].items()
        }

    def __getitem__(self, key: tuple[str, str]) -> list[Run]:
        """Returns the runs of a model and augmentation, one for each seed."""
        return self.runs[key]

    @property
    def titles(self) -> dict[str, dict[str, str]]:
        """The titles of models and augmentations; see `Study.titles`."""
        return {"model": self.summary["titles"], "augmentation": self.summary["augmentation_titles"]}

    def reported(self, model: str, augmentation: str) -> dict:
        """Returns the reported numbers of a model and augmentation."""
        return self.summary["models"][model]["reported"].get(augmentation, {})

    def parameters(self, model: str) -> int | None:
        """Returns the number of a model's parameters, from its runs or, without any, by counting.

        Returns None for a model that the study does not have.
        """
        for (name, _), runs in self.items():
            if name == model:
                return runs[0].metrics["parameters"]
        if model not in self.summary["networks"]:
            return None
        import torch  # this takes a second, and a finished study does not need it

        from fashion.models.build import build, count_parameters

        with torch.device("meta"):
            return count_parameters(build(self.summary["networks"][model]))

    def predictions(self) -> Groups:
        """Returns model, augmentation and each seed's predictions, in the study's order."""
        return predictions_of_groups(self.runs.values())

    def items(self) -> Iterator[tuple[tuple[str, str], list[Run]]]:
        """Returns each (model, augmentation) with its runs, in the study's order."""
        return iter(self.runs.items())


def finished_runs(folder: Path, pattern: str = FOLDER) -> dict[Key, Run]:
    """Returns the finished runs in a study's folder of results or in a reference, by model, augmentation and seed.

    Args:
        pattern: `FOLDER` or `ALONE`.

    Raises:
        UserError: a run has a damaged record.
    """
    runs = {}
    for key, path in run_folders(folder, pattern=pattern):
        found = state(path)
        if found.damaged:
            raise UserError(f"{found.why}")
        if found.finished:
            runs[key] = Run(path)
    return runs


def grouped_runs(runs: Mapping[Key, Run]) -> dict[tuple[str, str], list[Run]]:
    """Returns the runs of each model and augmentation."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for (model, augmentation, _), run in runs.items():
        groups.setdefault((model, augmentation), []).append(run)
    return groups
