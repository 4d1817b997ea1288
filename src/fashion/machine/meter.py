"""The cost of work: seconds, and joules where the GPU's driver counts them."""

import math
import time
from collections.abc import Callable

import torch

from fashion.stage import logger


class Meter:
    """A meter of seconds and joules, which can go on from the readings of an earlier one.

    The joules are the whole GPU's. They are NaN on a processor, and if the driver has no counter or does not answer.
    They are NaN too while other processes compute on the GPU, because their share is unknown.
    """

    def __init__(self, device: torch.device):
        self.joules_counted = energy_counter(device)
        self.start()

    def start(self, seconds: float = 0.0, joules: float = 0.0) -> None:
        """Starts counting, from the seconds and joules that were spent before."""
        self.since = time.perf_counter() - seconds, self.joules_counted() - joules

    def read(self) -> tuple[float, float]:
        """Returns the seconds and joules so far."""
        return time.perf_counter() - self.since[0], self.joules_counted() - self.since[1]


def energy_counter(device: torch.device) -> Callable[[], float]:
    """Returns a function that reads the joules used since the GPU's driver was loaded, or NaN; see `Meter`."""
    if device.type != "cuda":
        return lambda: math.nan
    import pynvml

    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties(device).uuid}")
    except pynvml.NVMLError:
        return lambda: math.nan
    said = set()

    def joules() -> float:
        try:
            if len(pynvml.nvmlDeviceGetComputeRunningProcesses(handle)) > 1:
                why = "other processes use the GPU too"
            else:
                return pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1000
        except pynvml.NVMLError as error:
            why = str(error)
        if why not in said:
            logger.info(f"the energy used is not recorded: {why}")
            said.add(why)
        return math.nan

    return joules
