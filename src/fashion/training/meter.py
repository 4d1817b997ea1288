"""What work costs: seconds, and joules where the GPU's driver counts them."""

import math
import time
from collections.abc import Callable

import torch


class Meter:
    """Seconds and joules since its start, or since that of an earlier meter whose readings it goes on from.

    The joules are those of the whole GPU, whoever used it; NaN on a processor, and where the driver has no counter.
    """

    def __init__(self, device: torch.device):
        self.joules_counted = energy_counter(device)
        self.start()

    def start(self, seconds: float = 0.0, joules: float = 0.0) -> None:
        """Count from now, with so much spent before."""
        self.since = time.perf_counter() - seconds, self.joules_counted() - joules

    def read(self) -> tuple[float, float]:
        """Seconds and joules so far."""
        return time.perf_counter() - self.since[0], self.joules_counted() - self.since[1]


def energy_counter(device: torch.device) -> Callable[[], float]:
    """A function that gives the joules which the GPU has used since its driver was loaded, or NaN."""
    if device.type != "cuda":
        return lambda: math.nan
    import pynvml

    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties(device).uuid}")
        pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except pynvml.NVMLError:
        return lambda: math.nan
    return lambda: pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1000
