"""Calibration: whether a model is right as often as its confidence says."""

import numpy as np
import pandas as pd

from fashion.records.confidence import BINS, reliability
from fashion.records.metrics import percent, with_deviation
from fashion.records.predictions import Groups, Predictions

MEASURES = ("ece", "mean_confidence", "accuracy", "negative_log_likelihood")


def measure(predictions: Predictions) -> dict[str, float]:
    """Returns the `MEASURES` of one run's predictions."""
    of_labels = np.take_along_axis(predictions.log_probabilities, predictions.labels[:, None], axis=1)
    values = (
        reliability(predictions).ece,
        predictions.confidence.mean(),
        predictions.correct.mean(),
        -of_labels.mean(),
    )
    return dict(zip(MEASURES, values, strict=True))


def calibration(groups: Groups) -> pd.DataFrame:
    """Returns a row for each model and augmentation: mean and standard deviation of each measure over the seeds.

    The expected calibration error uses 15 bins of equal width, as the column `bins` says. If a measure is NaN for one
    seed, because it diverged, then its mean is NaN.
    """
    rows = []
    for model, augmentation, seeds in groups:
        measures = pd.DataFrame([measure(predictions) for predictions in seeds])
        row = {
            "model": model,
            "augmentation": augmentation,
            "seeds": len(seeds),
            "test_images": len(seeds[0].labels),
            "bins": BINS,
        }
        for name in MEASURES:
            row |= {name: measures[name].mean(skipna=False), f"{name}_std": measures[name].std(skipna=False)}
        rows.append(row)
    return pd.DataFrame(rows)


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the table for a page: shares in percent, each with its standard deviation if there are several seeds."""

    def show(row: pd.Series, name: str) -> str:
        if np.isnan(row[name]):
            return "diverged"
        write = "{:.3f}".format if name == "negative_log_likelihood" else percent
        return with_deviation(row[name], row[f"{name}_std"], write)

    return pd.DataFrame(
        {
            "model": row["model"],
            "augmentation": row["augmentation"],
            "seeds": row["seeds"],
            "test images": f"{row['test_images']:,}",
            f"ECE, {row['bins']} bins": show(row, "ece"),
            **{name.replace("_", " "): show(row, name) for name in MEASURES[1:]},
        }
        for _, row in table.iterrows()
    )
