"""The processor's name and speed, found without torch, for planning."""

import os
import platform
import time
from pathlib import Path

import numpy as np

# `AT_ONCE` products of square matrices with this side are timed, again and again for `TRIAL` seconds. Numpy would split
# larger matrices among the cores, and on a busy machine wait for the slowest.
SIDE, AT_ONCE = 64, 200
TRIAL = 0.3


def processor() -> str:
    """Returns the processor's name and its number of cores."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores"


def multiply_adds_per_second() -> float:
    """Returns the speed of one core in float32 matrix products: the fastest of many short trials."""
    matrices = np.full((AT_ONCE, SIDE, SIDE), 0.5, np.float32)
    fastest, started = float("inf"), time.perf_counter()
    while time.perf_counter() < started + TRIAL:
        begun = time.perf_counter()
        np.matmul(matrices, matrices)
        fastest = min(fastest, time.perf_counter() - begun)
    return AT_ONCE * SIDE**3 / fastest
