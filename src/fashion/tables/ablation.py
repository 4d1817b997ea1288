"""The ablation: what each augmentation does for each model."""

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import pandas as pd

from fashion.records.metrics import percent
from fashion.records.predictions import Groups
from fashion.records.statistics import contrast

BASE = "none"  # the augmentation that the others are compared with


def ablation(groups: Groups) -> pd.DataFrame:
    """Returns a row for each model: its test accuracy with each augmentation, and each one's difference from `none`.

    Numbers are means over the seeds and shares of 1. A difference's 95 % interval is for other seeds and test images.
    Cells are NaN if a model has no run with that augmentation. Without any run with `none`, there are no differences.
    """
    correct: dict[str, dict[str, np.ndarray]] = defaultdict(dict)
    for model, augmentation, seeds in groups:
        correct[model][augmentation] = np.stack([predictions.correct for predictions in seeds])  # [seeds, N] bool
    augmentations = list(dict.fromkeys(name for of_model in correct.values() for name in of_model))
    rows = []
    for model, of_model in correct.items():
        row: dict[str, object] = {"model": model}
        row["seeds"], row["test_images"] = next(iter(of_model.values())).shape
        accuracy = {name: right.mean() for name, right in of_model.items()}
        row |= {f"test_accuracy_{name}": accuracy.get(name, np.nan) for name in augmentations}
        for name in augmentations if BASE in augmentations else []:
            if name != BASE:
                keys = [f"difference_{name}{part}" for part in ("", "_low", "_high")]
                row |= dict(zip(keys, _difference(of_model.get(name), of_model.get(BASE)), strict=True))
        rows.append(row)
    return pd.DataFrame(rows)


def _difference(right: np.ndarray | None, base: np.ndarray | None) -> tuple[float, float, float]:
    """Returns the difference of two accuracies and its 95 % interval, paired by test image."""
    if right is None or base is None:
        return np.nan, np.nan, np.nan
    estimate = contrast((1, right), (-1, base))
    return estimate.value, *estimate.interval()


def readable(table: pd.DataFrame, titles: Mapping[str, str]) -> pd.DataFrame:
    """Returns the table for a page: accuracies in percent, differences and intervals in percentage points.

    Args:
        titles: the augmentations' titles.
    """
    shown = table[["model", "seeds"]].assign(**{"test images": table["test_images"].map("{:,}".format)})
    for column in map(str, table.columns):
        if column.startswith("test_accuracy_"):
            name = column.removeprefix("test_accuracy_")
            shown[f"test accuracy, {titles.get(name, name)}"] = table[column].map(percent, na_action="ignore")
        elif column.startswith("difference_") and not column.endswith(("_low", "_high")):
            name = column.removeprefix("difference_")
            parts = table[[column, f"{column}_low", f"{column}_high"]].itertuples(index=False)
            shown[f"{titles.get(name, name)} − {titles.get(BASE, BASE)} (points)"] = [
                "" if np.isnan(part[0]) else "{:+.2f} ({:+.2f} to {:+.2f})".format(*(100 * np.array(part)))
                for part in parts
            ]
    return shown.fillna("")
