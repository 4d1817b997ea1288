"""The processor that trainings run on, as planning needs to know it: without torch."""

import os
import platform
import time
from pathlib import Path

import numpy as np

# So many products of matrices of this side are timed at once, and for how long (seconds). Of larger ones numpy gives
# each core a part, and waits for the slowest on a busy machine.
SIDE, AT_ONCE = 64, 200
TRIAL = 0.3


def processor() -> str:
    """The processor's name with the number of its cores."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores"


def multiply_adds_per_second() -> float:
    """What a core of the processor does in matrix products of 32-bit numbers, at its best in a moment."""
    matrices = np.full((AT_ONCE, SIDE, SIDE), 0.5, np.float32)
    fastest, started = float("inf"), time.perf_counter()
    while time.perf_counter() < started + TRIAL:
        begun = time.perf_counter()
        np.matmul(matrices, matrices)
        fastest = min(fastest, time.perf_counter() - begun)
    return AT_ONCE * SIDE**3 / fastest
