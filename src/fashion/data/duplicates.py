"""Test images that are also training images, or nearly."""

import numpy as np

from fashion.data.dataset import Dataset
from fashion.image import IMAGE_SIZE

BLOCK = 4  # pixels on a side; images are compared as means over blocks first, which takes a sixteenth of the time
CHUNK = 500  # test images at a time
NEAR = 10.0  # root mean square difference of grey values, of 255: below it, a garment's pictures, above it look-alikes


def nearest_duplicates(dataset: Dataset, bound: float = NEAR) -> list[tuple[int, int, float]]:
    """Returns the test images that differ from a training image by at most `bound`, the nearest first.

    Each is `(test image, its nearest training image, root mean square difference of their grey values)`.
    """
    train, test = (
        images.reshape(len(images), -1).astype(np.float32) for images in (dataset.train_images, dataset.test_images)
    )
    train_means, test_means = _block_means(train), _block_means(test)
    # Squared distances less those of the test image from 0, in one product: -2 a·b + b².
    factors = np.hstack([-2 * train_means, (train_means**2).sum(axis=1, keepdims=True)]).T
    # A little more than the bound, for rounding.
    bounds = (bound**2 + 1) * train_means.shape[1] - (test_means**2).sum(axis=1, keepdims=True)
    pairs = []
    for start in range(0, len(test), CHUNK):
        chunk = np.pad(test_means[start : start + CHUNK], ((0, 0), (0, 1)), constant_values=1)
        # Over a block, the mean of squares is at least the square of the mean: no near pair is missed.
        for row, column in np.argwhere(chunk @ factors <= bounds[start : start + CHUNK]):
            difference = float(np.sqrt(np.mean((test[start + row] - train[column]) ** 2)))
            pairs.append((difference, start + int(row), int(column)))
    nearest: dict[int, tuple[int, int, float]] = {}
    for difference, image, twin in sorted(pairs):
        if difference <= bound:
            nearest.setdefault(image, (image, twin, difference))
    return list(nearest.values())


def _block_means(images: np.ndarray) -> np.ndarray:
    """Returns the means over blocks of pixels `[N, 49]` of images `[N, 784]`."""
    blocks = images.reshape(len(images), IMAGE_SIZE // BLOCK, BLOCK, IMAGE_SIZE // BLOCK, BLOCK)
    return blocks.mean(axis=(2, 4)).reshape(len(images), -1)
