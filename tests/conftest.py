"""How tests are run, and the fixtures that unit and pipeline tests share."""

import multiprocessing
import os
import tempfile
from copy import deepcopy

import numpy as np
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from fashion.data.dataset import Dataset
from helpers import forked
from helpers.checkout import CONFIG, ROOT

# Several processes run tests at a time: threads of torch's that wait for each other take a core from another's 25-fold.
os.environ |= {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
# A new interpreter does not know pytest's `pythonpath`.
os.environ["PYTHONPATH"] = str(ROOT / "src")
# Trainings are forked from a server without threads that has imported torch. (torch.optim imports torch._dynamo at
# first use.) Snakemake and its jobs are forked from another one, helpers/forked.py.
multiprocessing.set_forkserver_preload(["fashion.training.train", "torch._dynamo", "pytest"])
os.environ.setdefault(forked.FOLDER, f"{tempfile.gettempdir()}/forked-{os.getpid()}")
os.environ.setdefault(forked.OWNER, str(os.getpid()))


# Those that read the study of the fixture `whole`, which takes minutes: one process has them all, and makes one.
OF_WHOLE = ("test_console.py", "test_pipeline.py", "test_readme.py", "test_staleness.py")


class ByStudy(LoadScopeScheduling):
    """Gives a process all tests of a file, or of the files that read one study.

    Not by `--dist loadgroup`: pytest 9.2 and pytest-xdist 3.8 pass its groups over in silence.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "whole" if file.endswith(OF_WHOLE) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByStudy:
    return ByStudy(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a GPU where there is none; begin with SLURM, which waits more than it works."""
    items.sort(key=lambda item: item.path.name != "test_slurm.py")
    if marked := [item for item in items if item.get_closest_marker("cuda")]:
        import torch

        if not torch.cuda.is_available():
            for item in marked:
                item.add_marker(pytest.mark.skip(reason="needs a CUDA device: there, `make gpu-check` runs it"))


@pytest.fixture
def config() -> dict:
    """The checkout's configuration: a test may change it."""
    return deepcopy(CONFIG)


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
