"""Test images that are also training images, or nearly, counted from the pixels."""

from collections.abc import Sequence

import pandas as pd

from fashion.data.dataset import Dataset
from fashion.data.duplicates import NEAR, nearest_duplicates
from fashion.image import CLASSES

BOUNDS = (0.0, NEAR / 2, NEAR)
COLUMNS = ["test_image", "train_image", "difference", "test_class", "train_class"]


def duplicates(dataset: Dataset, names: Sequence[str] = CLASSES) -> pd.DataFrame:
    """Returns a row for each test image that differs little from a training image, the nearest pair first.

    `difference` is the root mean square difference of grey values, of 255. Images count from 0.
    """
    rows = [
        (test, train, difference, names[dataset.test_labels[test]], names[dataset.train_labels[train]])
        for test, train, difference in nearest_duplicates(dataset)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the table for a page: the numbers of test images by their difference."""
    rows = []
    for bound in BOUNDS:
        near = table[table["difference"] <= bound]
        pairs = [f"{test} ({train})" for test, train in zip(near["test_image"], near["train_image"], strict=True)]
        rows.append(
            {
                "difference of grey values": f"at most {bound:g}" if bound else "none",
                "test images": len(near),
                "with the same label": int((near["test_class"] == near["train_class"]).sum()),
                "test images (training images)": ", ".join(pairs),
            }
        )
    return pd.DataFrame(rows)
