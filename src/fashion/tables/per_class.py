"""Precision, recall and F1 of every model and augmentation, class by class."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fashion.image import CLASSES
from fashion.records.metrics import percent
from fashion.records.predictions import Groups

SCORES = ("precision", "recall", "f1")


def per_class(groups: Groups, classes: Sequence[str] = CLASSES) -> pd.DataFrame:
    """Returns a row for each model, augmentation and class: means over the seeds, shares of 1.

    If a class is never predicted, its precision is 0. If it has no images, its recall is 0.
    """
    rows = []
    for model, augmentation, seeds in groups:
        *means, images = np.mean([scores(predictions.confusion) for predictions in seeds], axis=0)
        for label, name in enumerate(classes):
            rows.append(
                {
                    "model": model,
                    "augmentation": augmentation,
                    "seeds": len(seeds),
                    "class": name,
                    "test_images": int(images[label]),
                    **{metric: mean[label] for metric, mean in zip(SCORES, means, strict=True)},
                }
            )
    return pd.DataFrame(rows)


def scores(confusion: np.ndarray) -> np.ndarray:
    """Returns each class's precision, recall, F1 and images `[4, 10]` from the counts of true x predicted classes."""
    right, images, predicted = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    shares = [right / np.maximum(predicted, 1), right / np.maximum(images, 1)]
    return np.array([*shares, 2 * right / np.maximum(images + predicted, 1), images])


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the table for a page, in percent."""
    return table.assign(**{metric: table[metric].map(lambda share: percent(share, 1)) for metric in SCORES})
