"""What a training needs of its machine, by its model's size: known from its settings, without torch."""

from collections.abc import Iterator

from fashion.models.families import complete, part
from fashion.study.spec import split_sizes

# The environment of a job. A thread that waits leaves its core to other jobs: waiting busily, two trainings slow each
# other 25-fold. And memory that is freed stays the process's: given back and taken again at each step, it costs a large
# model half its time. In huge pages, where the kernel gives them to who asks, it costs a step 2 to 7 % less.
JOB_ENVIRONMENT = {
    "OMP_WAIT_POLICY": "PASSIVE",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "4294967296",
}
# Python, torch, the dataset and an epoch's augmented images: 1100 measured on a CPU; the rest is for CUDA's libraries.
BASE_MB = 6000
# On a CPU, where the activations of the large models come to 1000 to 2300.
PROCESSOR_MB, LARGE_MB = 1200, 2500
# Weights, gradients, Adam's moments, the tested weights, and a checkpoint that is taken up: 35 measured.
BYTES_PER_PARAMETER = 36
# On a disk, measured: predictions, and a run's records.
BYTES_PER_PREDICTION = 40
BYTES_OF_RUN = 40_000
# Trainings of one thread each, side by side, do more together than one with all cores does (benchmarks/threads.py).
# Only models beyond so many multiply-adds an image take several: alone at the end of a study, one would take hours.
LARGE = 250_000_000
THREADS_OF_LARGE = 8


def training_mb(model: dict) -> int:
    """Megabytes that the training of a model needs at most, on a CPU; on a GPU most of it is there instead."""
    return BASE_MB + parameters(model) * BYTES_PER_PARAMETER // 10**6


def disk_mb(spec: dict) -> float:
    """Megabytes that a finished run leaves."""
    images = spec["training"]["test_images"] * (1 + (spec["training"]["validation"] == "augmented"))
    return (BYTES_OF_RUN + images * BYTES_PER_PREDICTION + parameters(spec["model"]) * 4) / 1e6


def checkpoint_mb(spec: dict) -> float:
    """Megabytes of checkpoints while a run trains: the last two, each with weights, tested ones and Adam's moments."""
    return parameters(spec["model"]) * 2 * 4 * 4 / 1e6


def epoch_multiply_adds(spec: dict) -> int:
    """About the multiply-adds of an epoch: those of a forward pass for each image, thrice for those trained on."""
    train, validation = split_sizes(spec["training"])
    return multiply_adds(spec["model"]) * (3 * train + validation + spec["training"]["test_images"])


def processor_mb(model: dict) -> int:
    """Megabytes that the training of a model needs on a processor, without CUDA's libraries."""
    activations = LARGE_MB if multiply_adds(model) > LARGE else 0
    return PROCESSOR_MB + activations + parameters(model) * BYTES_PER_PARAMETER // 10**6


def training_threads(model: dict) -> int:
    """Processor threads for the training of a model; Snakemake gives it no more than there are cores."""
    return THREADS_OF_LARGE if multiply_adds(model) > LARGE else 1


def parameters(model: dict) -> int:
    """About the number of a model's parameters: no norms, biases or positions.

    Args:
        model: `family` and `settings`, as in config.yaml.
    """
    return sum(weights for weights, _ in _layers(model))


def multiply_adds(model: dict) -> int:
    """Multiply-adds of an image's forward pass: convolutions and matrix products; no norms or activations."""
    return sum(multiplied for _, multiplied in _layers(model))


def _layers(model: dict) -> Iterator[tuple[int, int]]:
    """The weights and the multiply-adds of each layer."""
    settings = complete(model["family"], model["settings"])
    return part(model["family"], "settings").sizes(settings)
