"""The provenance of a run: versions, device, code and command."""

import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import torch

from fashion.machine.gpus import driver_version
from fashion.machine.processor import processor


def collect(device: torch.device) -> dict:
    """Returns versions, device, driver, threads, git commit and command of this process, as JSON values."""
    return {
        "python": platform.python_version(),
        # `torch.__version__` names the build too, such as +cu132.
        "packages": {"torch": torch.__version__, "numpy": version("numpy"), "safetensors": version("safetensors")},
        "platform": platform.platform(),
        "device": device_name(device),
        "driver": driver_version() if device.type == "cuda" else None,
        "threads": torch.get_num_threads(),
        "commit": _commit(),
        "command": [Path(sys.executable).name, *sys.orig_argv[1:]],
    }


def device_name(device: torch.device) -> str:
    """Returns the name of the GPU, or of the processor with its number of cores."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return processor()


def _commit() -> str | None:
    """Returns the git commit of the source, with `-dirty` if the work tree differs; None outside a checkout."""
    return _output("git", "-C", str(Path(__file__).parent), "describe", "--always", "--abbrev=40", "--dirty")


def _output(*command: str) -> str | None:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
