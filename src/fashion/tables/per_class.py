"""Precision, recall and F1 of every model and augmentation, class by class."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_fscore_support

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
        of_seeds = [
            precision_recall_fscore_support(
                predictions.labels, predictions.predicted, labels=range(len(classes)), zero_division=0
            )
            for predictions in seeds
        ]
        *means, images = np.mean(of_seeds, axis=0)
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


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the table for a page, in percent."""
    return table.assign(**{metric: table[metric].map(lambda share: percent(share, 1)) for metric in SCORES})
