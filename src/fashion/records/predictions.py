"""The predictions of a run for the test images, for tables and figures."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class Predictions:
    """Logits `[N, 10] float32` and labels `[N] int64` of the test images, in the dataset's order."""

    logits: np.ndarray
    labels: np.ndarray

    @cached_property
    def log_probabilities(self) -> np.ndarray:
        """`[N, 10] float64`; NaN for an image with a logit that is NaN or infinite, as after divergence."""
        from scipy.special import log_softmax  # this takes a quarter of a second, and most stages do not need it

        logits = self.logits.astype(np.float64)
        return log_softmax(np.where(np.isfinite(logits.max(axis=1, keepdims=True)), logits, np.nan), axis=1)

    @cached_property
    def predicted(self) -> np.ndarray:
        """The class with the largest logit, `[N] int64`; NaN counts as the largest."""
        return self.logits.argmax(axis=1)

    @cached_property
    def correct(self) -> np.ndarray:
        """Whether each prediction is right, `[N] bool`."""
        return self.predicted == self.labels

    @cached_property
    def confusion(self) -> np.ndarray:
        """The number of images of each class (a row) that are predicted as each class (a column), `[10, 10] int64`."""
        classes = self.logits.shape[1]
        return np.bincount(self.labels * classes + self.predicted, minlength=classes**2).reshape(classes, classes)

    @cached_property
    def confidence(self) -> np.ndarray:
        """The probability of the predicted class, `[N] float64`: 0.1 to 1, or NaN."""
        return np.exp(self.log_probabilities.max(axis=1))


# Model, augmentation, and the predictions of each seed.
Groups = Iterable[tuple[str, str, list[Predictions]]]
