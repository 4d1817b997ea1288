"""The memory, disk, threads and operations that a run needs, estimated from its model's settings. Without torch."""

from collections.abc import Iterator

from fashion.models.families import complete, part
from fashion.study.spec import split_sizes

# The environment of a job. Waiting threads leave their core to other jobs: with busy waiting, two trainings slow each
# other down 25-fold. The process keeps freed memory: to return it and take it again at each step costs a large model
# half its time. Huge pages, where the kernel offers them, make a step 2 to 7 % faster.
JOB_ENVIRONMENT = {
    "OMP_WAIT_POLICY": "PASSIVE",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "4294967296",
}
# Python, torch, the dataset and an epoch's augmented images take 1100 on a CPU (measured); CUDA's libraries the rest.
BASE_MB = 6000
# On a CPU. The activations of large models take 1000 to 2300.
PROCESSOR_MB, LARGE_MB = 1200, 2500
# Weights, gradients, Adam's moments, the tested weights, and the checkpoint that is read: 35 measured.
BYTES_PER_PARAMETER = 36
# On disk (measured): predictions, and the records of a run.
BYTES_PER_PREDICTION = 40
BYTES_OF_RUN = 40_000
# Trainings of one thread each, side by side, are faster together than one after another on all cores
# (benchmarks/threads.py). Only models with more multiply-adds an image than this get several threads: one that ends a
# study alone would take hours.
LARGE = 250_000_000
THREADS_OF_LARGE = 8


def training_mb(model: dict) -> int:
    """Returns the most megabytes of memory that a training needs; with a GPU, most of them are the GPU's."""
    return BASE_MB + parameters(model) * BYTES_PER_PARAMETER // 10**6


def disk_mb(spec: dict) -> float:
    """Returns the megabytes on disk of a finished run."""
    images = spec["training"]["test_images"] * (1 + (spec["training"]["validation"] == "augmented"))
    return (BYTES_OF_RUN + images * BYTES_PER_PREDICTION + parameters(spec["model"]) * 4) / 1e6


def checkpoint_mb(spec: dict) -> float:
    """Returns the megabytes on disk of a run's last two checkpoints: weights, tested weights and Adam's moments."""
    return parameters(spec["model"]) * 2 * 4 * 4 / 1e6


def epoch_multiply_adds(spec: dict) -> int:
    """Estimates the multiply-adds of an epoch: a forward pass an image, three times that for a training image."""
    train, validation = split_sizes(spec["training"])
    return multiply_adds(spec["model"]) * (3 * train + validation + spec["training"]["test_images"])


def processor_mb(model: dict) -> int:
    """Returns the megabytes of memory that a training needs on a processor, without CUDA's libraries."""
    activations = LARGE_MB if multiply_adds(model) > LARGE else 0
    return PROCESSOR_MB + activations + parameters(model) * BYTES_PER_PARAMETER // 10**6


def training_threads(model: dict) -> int:
    """Returns the processor threads for a training; Snakemake lowers them to the number of cores."""
    return THREADS_OF_LARGE if multiply_adds(model) > LARGE else 1


def parameters(model: dict) -> int:
    """Estimates the number of a model's parameters, without norms, biases and positions.

    Args:
        model: `family` and `settings`, as in config.yaml.
    """
    return sum(weights for weights, _ in _layers(model))


def multiply_adds(model: dict) -> int:
    """Returns the multiply-adds of an image's forward pass: convolutions and matrix products, no norms."""
    return sum(multiplied for _, multiplied in _layers(model))


def _layers(model: dict) -> Iterator[tuple[int, int]]:
    """Yields the weights and the multiply-adds of each layer."""
    settings = complete(model["family"], model["settings"])
    return part(model["family"], "settings").sizes(settings)
