"""The dataset that stages read: four arrays in one npz file, which `fashion.data.download` writes."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fashion.errors import UserError
from fashion.files import read_json
from fashion.image import CLASSES

FILES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}
# SHA-256 of the uncompressed files of Fashion-MNIST; mirrors compress them differently.
CHECKSUMS = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
# Beside the dataset: the SHA-256 of the files that it was made from.
CHECKSUMS_FILE = "checksums.json"


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

    def checksums(self) -> dict[str, str]:
        """Returns the SHA-256 of the four IDX files that hold these arrays, by the files' names."""
        checksums = {}
        for name, file in FILES.items():
            array = getattr(self, name).astype(np.uint8)
            # The type (unsigned bytes), the number of axes, and their sizes.
            header = np.array([0x0800 + array.ndim, *array.shape], ">u4").tobytes()
            checksums[file] = hashlib.sha256(header + array.tobytes()).hexdigest()
        return checksums


def load(path: str | Path) -> Dataset:
    """Returns the dataset in the file at `path`.

    Raises:
        UserError: the file is missing or damaged, or not what the checksums beside it say.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
            dataset = Dataset(**{name: archive[name] for name in FILES})
    except Exception as error:  # numpy and zipfile raise nearly anything for foreign bytes
        raise UserError(f"{path} is not a usable dataset ({error}); delete it and run the pipeline again") from error
    checksums = path.with_name(CHECKSUMS_FILE)
    if checksums.exists() and read_json(checksums) != dataset.checksums():
        raise UserError(f"{path} is not the dataset that {checksums} names; delete it and run the pipeline again")
    return dataset
