"""The ten classes and their numbers of images."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fashion.data.dataset import Dataset
from fashion.image import CLASSES


def classes(dataset: Dataset, names: Sequence[str] = CLASSES) -> pd.DataFrame:
    """Returns the ten classes with their numbers of training and test images."""
    return pd.DataFrame(
        {
            "label": range(len(names)),
            "class": names,
            "train_images": np.bincount(dataset.train_labels, minlength=len(names)),
            "test_images": np.bincount(dataset.test_labels, minlength=len(names)),
        }
    )
