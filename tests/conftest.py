"""What unit and pipeline tests share: the checkout's paths and its configuration."""

import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest
import yaml

from fashion.data.dataset import Dataset

ROOT = Path(__file__).parents[1]

# Several processes run tests at a time: threads of torch's that wait for each other take a core from another's 25-fold.
os.environ |= {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
# Imports are done once, in a server without threads, from which trainings and Snakemake are forked in milliseconds. The
# server is a new interpreter, which does not know pytest's `pythonpath`. (torch.optim imports torch._dynamo at first
# use.)
os.environ["PYTHONPATH"] = str(ROOT / "src")
multiprocessing.set_forkserver_preload(["fashion.training.train", "torch._dynamo", "pytest", "snakemake.cli"])


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a GPU where there is none; give a process the tests of a file, and those that read one study."""
    # It waits more than it works, and would be waited for at the end.
    items.sort(key=lambda item: item.path.name != "test_slurm.py")
    for item in items:
        item.add_marker(pytest.mark.xdist_group("whole" if "whole" in item.fixturenames else item.path.name))
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
