"""The test images that each model gets wrong with the most confidence."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from fashion.figures.parts.mosaic import SIDE, WHITE, grid, short
from fashion.figures.parts.names import wrap_name
from fashion.image import CLASSES
from fashion.records.predictions import Predictions

COLUMNS = 8  # the longest caption has room under an image
NAME_CHARACTERS = 20  # in a line at the left


def plot(
    images: np.ndarray, groups: list[tuple[str, str, list[Predictions]]], classes: Sequence[str] = CLASSES
) -> Figure:
    """Returns a row for each model: the mistakes of its first seed.

    Args:
        images: the test images `[N, 28, 28] uint8`, in the order of the predictions.
        groups: from `predictions_of_groups`.
    """
    mosaic = np.full((len(groups), COLUMNS, SIDE, SIDE), WHITE, np.uint8)
    rows, captions = [], []
    for row, (model, augmentation, seeds) in zip(mosaic, groups, strict=True):
        predictions = seeds[0]
        wrong = worst(predictions)
        row[: len(wrong)] = images[wrong]
        captions += [caption(predictions, index, classes) for index in wrong] + [""] * (COLUMNS - len(wrong))
        count = np.count_nonzero(~predictions.correct)
        rows.append(
            f"{wrap_name(model, NAME_CHARACTERS)}\n{augmentation}\nwrong: {count:,} of {len(predictions.labels):,}"
        )
    return grid(mosaic, rows=rows, captions=captions)


def worst(predictions: Predictions) -> np.ndarray:
    """Returns the indices `[at most COLUMNS]` of wrongly classified images, the most confident first."""
    wrong = np.flatnonzero(~predictions.correct)
    return wrong[np.argsort(-predictions.confidence[wrong], kind="stable")][:COLUMNS]


def caption(predictions: Predictions, index: int, classes: Sequence[str] = CLASSES) -> str:
    """Returns an image's true class, its predicted class, and the confidence in the prediction."""
    names = (short(classes[labels[index]]) for labels in (predictions.labels, predictions.predicted))
    confidence = 100 * predictions.confidence[index]
    return "{}\n→ {}\n{}".format(*names, "diverged" if np.isnan(confidence) else f"{confidence:.1f} %")
