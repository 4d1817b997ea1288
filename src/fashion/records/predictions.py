"""What a run predicted for the test images, as tables and figures read it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.special import log_softmax

from fashion.errors import UserError


@dataclass(frozen=True, eq=False)
class Predictions:
    """Logits `[N, 10] float32` and labels `[N] int64` of the test images, in the dataset's order."""

    logits: np.ndarray
    labels: np.ndarray

    @cached_property
    def log_probabilities(self) -> np.ndarray:
        """`[N, 10] float64`."""
        return log_softmax(self.logits.astype(np.float64), axis=1)

    @cached_property
    def predicted(self) -> np.ndarray:
        """The class with the largest logit `[N] int64`."""
        return self.logits.argmax(axis=1)

    @cached_property
    def correct(self) -> np.ndarray:
        """`[N] bool`."""
        return self.predicted == self.labels

    @cached_property
    def confidence(self) -> np.ndarray:
        """The probability of the predicted class `[N] float64`, 0.1 to 1."""
        return np.exp(self.log_probabilities.max(axis=1))


def read_predictions(run: Path, prefix: str = "") -> Predictions:
    """The predictions in a run's folder; with the prefix "augmented_", those for RandAugmented test images.

    Raises:
        UserError: there are none, or the file is damaged.
    """
    path = run / "predictions.npz"
    try:
        with open(path, "rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
            return Predictions(logits=archive[f"{prefix}logits"], labels=archive["labels"])
    except Exception as error:  # numpy and zipfile raise nearly anything on foreign bytes
        raise UserError(f"{path} has no usable predictions ({error}); delete it and run the pipeline again") from error


def read_groups(folders: Iterable[Path], seeds: Sequence[int]) -> Iterator[tuple[str, str, list[Predictions]]]:
    """Model, augmentation and each seed's predictions, of folders `<model>/<augmentation>/` with `seed<k>/` in them."""
    for folder in folders:
        yield folder.parent.name, folder.name, [read_predictions(folder / f"seed{seed}") for seed in seeds]
