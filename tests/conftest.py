"""What unit and pipeline tests share: the checkout's paths and its configuration."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from fashion.data.dataset import Dataset

ROOT = Path(__file__).parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a GPU where there is none."""
    if marked := [item for item in items if item.get_closest_marker("cuda")]:
        import torch

        if not torch.cuda.is_available():
            for item in marked:
                item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))


@pytest.fixture
def config() -> dict:
    """The checkout's config.yaml, freshly read: a test may change it."""
    return yaml.safe_load((ROOT / "config.yaml").read_text())


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    """200 training and 60 test images: in class k the k-th of ten tiles is bright, over noise; easily learned."""
    draws = np.random.default_rng(0)

    def part(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.arange(count) % 10
        images = draws.integers(0, 60, (count, 28, 28), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            row, column = divmod(int(label), 4)
            image[row * 9 : row * 9 + 7, column * 7 : column * 7 + 7] = 230
        return images, labels

    return Dataset(*part(200), *part(60))
