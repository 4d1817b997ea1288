"""Errors of a GPU in one line each: torch cannot use it, its memory is too small, or it is lost."""

import os
import re
import warnings
from collections.abc import Generator
from contextlib import contextmanager

import torch

from fashion.errors import UserError
from fashion.machine.gpus import driver_version, listed, visible_gpus
from fashion.stage import logger

# The oldest driver by CUDA's major version:
# https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html
LEAST_DRIVERS = {"12": 525, "13": 580}
# The values of CUDA_VISIBLE_DEVICES by which users and SLURM give a process no GPU.
NOTHING = ("", "-1", "NoDevFiles")
OTHERWISE = "to use the processor instead, set CUDA_VISIBLE_DEVICES to nothing"


def check_gpu(precision: str = "float32") -> None:
    """Raises if torch cannot use the GPU, so that no training runs on the processor unasked or fails in its first step.

    Raises:
        UserError: torch sees none of the machine's GPUs, has no code for the first one that it sees, or that one does
            not compute in `precision`.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if torch.cuda.is_available():
            if torch.version.cuda:
                _check_capability()
            if precision == "bfloat16" and not torch.cuda.is_bf16_supported(including_emulation=False):
                raise UserError(
                    f"training.precision: {torch.cuda.get_device_name()} does not compute in bfloat16; "
                    "leave precision out, or use a GPU of compute capability 8.0 or more"
                )
            return
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    listing = "" if visible in NOTHING else listed()
    if gpus := visible_gpus(listing, None):
        said = str(caught[0].message) if caught else ""
        none = f"CUDA_VISIBLE_DEVICES={visible} names none of them"
        raise UserError(
            f"torch {torch.__version__} can use none of this machine's GPUs ({gpus[0]}{', ...' * (len(gpus) > 1)}): "
            f"{_reason(said) if visible_gpus(listing, visible) else none}; {OTHERWISE}"
        )
    if torch.backends.mps.is_available():
        logger.info("Apple's GPU (MPS) is not used")


def _check_capability() -> None:
    major, minor = torch.cuda.get_device_capability()
    architectures = torch.cuda.get_arch_list()
    if not any(_runs_on((major, minor), architecture) for architecture in architectures):
        raise UserError(
            f"{torch.cuda.get_device_name()} has compute capability {major}.{minor}, for which torch "
            f"{torch.__version__} has no code, only for {' '.join(architectures)}: install an older torch that has, "
            f"or choose another GPU by CUDA_VISIBLE_DEVICES; {OTHERWISE}"
        )


def _runs_on(capability: tuple[int, int], architecture: str) -> bool:
    """Returns whether a GPU runs code such as `sm_90`, for its generation only, or `compute_90`, for newer ones too."""
    kind, _, number = architecture.partition("_")
    digits = re.sub(r"\D", "", number)
    built = int(digits[:-1]), int(digits[-1])
    return built <= capability and (kind == "compute" or built[0] == capability[0])


def _reason(said: str) -> str:
    """Returns why torch sees no GPU where there is one, and the cure; `said` is torch's own warning."""
    cuda, driver = torch.version.cuda, driver_version()
    if cuda is None:
        return "it is built without CUDA; install one that is built with it"
    least = LEAST_DRIVERS.get(cuda.partition(".")[0])
    if driver and least and int(driver.partition(".")[0]) < least:
        return f"its CUDA {cuda} needs driver {least} or newer, and this is {driver}; update the driver"
    found = re.sub(r" \(Triggered internally.*", "", said.removeprefix("CUDA initialization: "), flags=re.DOTALL)
    return f"driver {driver}, CUDA {cuda}: {' '.join(found.split()) or 'no reason given'}"


@contextmanager
def gpu_errors(name: str) -> Generator[None]:
    """Raises a GPU's failure in this block as a `UserError` that begins with `name`.

    A traceback would say little, because CUDA reports an error at a later call than the one that failed.
    """
    try:
        yield
    except RuntimeError as error:
        text = " ".join(str(error).split())
        if isinstance(error, torch.OutOfMemoryError) or "out of memory" in text or "STATUS_ALLOC_FAILED" in text:
            raise UserError(
                f"{name}: the GPU's memory is too small{_memory(text)}; lower trainings_per_gpu in config.yaml, "
                "or use a GPU that has more memory or that no one else uses"
            ) from error
        if isinstance(error, torch.AcceleratorError):
            said = re.split(r" (?:Search for|CUDA kernel errors|Compile with)", text)[0]
            raise UserError(
                f"{name}: the GPU failed: {said}; if nvidia-smi no longer shows it, choose another one by "
                "CUDA_VISIBLE_DEVICES; the same command goes on from the last checkpoint"
            ) from error
        raise


def _memory(text: str) -> str:
    """Returns how much memory was asked and how much was free, from torch's message."""
    asked, free = (re.search(pattern, text) for pattern in (r"allocate ([\d.]+ \w+)", r"of which ([\d.]+ \w+) is free"))
    return f", {asked[1]} asked and {free[1]} free" if asked and free else ""
