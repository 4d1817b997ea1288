"""The dataset that stages read: four arrays in one npz file, which `fashion.data.download` writes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fashion.errors import UserError
from fashion.image import CLASSES

FILES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training and test images `[N, 28, 28] uint8` and their labels `[N] int64`, 0 to 9.

    Labels are int64, torch's type of class indices; a uint8 tensor used as an index would be a mask.
    Raises `ValueError` for arrays of other shapes, types or labels.
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray

    def __post_init__(self) -> None:
        for part in ("train", "test"):
            images, labels = getattr(self, f"{part}_images"), getattr(self, f"{part}_labels")
            if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (28, 28) or not len(images):
                raise ValueError(f"{part} images are {images.dtype} {list(images.shape)}, not uint8 [N, 28, 28]")
            if labels.dtype != np.int64 or labels.shape != (len(images),):
                raise ValueError(f"{part} labels are {labels.dtype} {list(labels.shape)}, not int64 [{len(images)}]")
            if labels.min() < 0 or labels.max() >= len(CLASSES):
                raise ValueError(f"{part} labels run from {labels.min()} to {labels.max()}, not from 0 to 9")


def load(path: str | Path) -> Dataset:
    """Returns the dataset in the file at `path`; raises a `UserError` if the file is missing, damaged or another."""
    try:
        with open(path, "rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
            return Dataset(**{name: archive[name] for name in FILES})
    except Exception as error:  # numpy and zipfile raise nearly anything for foreign bytes
        raise UserError(f"{path} is not a usable dataset ({error}); delete it and run the pipeline again") from error
