"""The ablation: what each augmentation does for each model."""

from collections import defaultdict

import numpy as np
import pandas as pd

from fashion.errors import exit_on_user_error
from fashion.prediction_table import Groups, write_prediction_table

BASE = "none"  # the augmentation that the others are compared with


def ablation(groups: Groups) -> pd.DataFrame:
    """A row for each model: the test accuracy with each augmentation, and how far it is from that with `none`.

    Means over the seeds; accuracies and differences are shares of 1. Where a model does not run with an augmentation,
    there is nothing; where no model runs with `none`, there are no differences.
    """
    correct: dict[str, dict[str, np.ndarray]] = defaultdict(dict)
    for model, augmentation, seeds in groups:
        correct[model][augmentation] = np.stack([predictions.correct for predictions in seeds])  # [seeds, N] bool
    augmentations = list(dict.fromkeys(name for of_model in correct.values() for name in of_model))
    rows = []
    for model, of_model in correct.items():
        row = {"model": model}
        row["seeds"], row["test_images"] = next(iter(of_model.values())).shape
        accuracy = {name: right.mean() for name, right in of_model.items()}
        row |= {f"test_accuracy_{name}": accuracy.get(name, np.nan) for name in augmentations}
        if BASE in augmentations:
            row |= {
                f"difference_{name}": accuracy.get(name, np.nan) - accuracy.get(BASE, np.nan)
                for name in augmentations
                if name != BASE
            }
        rows.append(row)
    return pd.DataFrame(rows)


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The table for a page: accuracies in percent, differences in percentage points."""
    shown = table[["model", "seeds"]].assign(**{"test images": table["test_images"].map("{:,}".format)})
    for column, values in table.items():
        if column.startswith("test_accuracy_"):
            name = column.removeprefix("test_accuracy_")
            shown[f"test accuracy, {name}"] = values.map("{:.2%}".format, na_action="ignore")
        elif column.startswith("difference_"):
            name = column.removeprefix("difference_")
            shown[f"{name} − {BASE} (points)"] = (100 * values).map("{:+.2f}".format, na_action="ignore")
    return shown.fillna("")


def main() -> None:
    write_prediction_table("fashion.ablation", __doc__, ablation, readable)


if __name__ == "__main__":
    exit_on_user_error(main)
