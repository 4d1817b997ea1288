"""How much of the machine a training and the processes beside it used, to judge how far its times can be trusted."""

import math
import os
import threading
import time
from pathlib import Path

import torch

MACHINE = Path("/proc/stat")
SAMPLE_SECONDS = 5  # between two samples of a GPU


class Usage:
    """Counters that start when the object is made, and can go on from earlier attempts at the same training.

    A thread of its own samples the GPU every few seconds.
    """

    def __init__(self, device: torch.device):
        self.device = device
        self.began = _counters()
        self.earlier: dict[str, float] = {}
        self.sampled = {"samples": 0.0, "utilisation": 0.0, "shared": 0.0}
        if device.type == "cuda":
            threading.Thread(target=self._watch, daemon=True).start()

    def sums(self) -> dict[str, float]:
        """Returns the sums over all attempts, for `go_on_from`; NaN is what this machine does not count."""
        now = {name: value - self.began[name] for name, value in _counters().items()}
        return {
            name: value + self.earlier.get(name, 0) for name, value in (now | self.sampled | {"attempts": 1}).items()
        }

    def go_on_from(self, sums: dict[str, float]) -> None:
        """Goes on from the `sums` that an earlier attempt saved."""
        self.earlier = sums

    def record(self) -> dict:
        """Returns the usage as JSON values; None is what this machine does not count.

        `seconds`, `processor_seconds` (user and system, all threads) and `other_processor_seconds` (of everything else
        on the machine) are sums over all `attempts`. `gpu` has the peak of this attempt's memory, `memory_mb`; the
        share of the time in which the GPU worked, `utilisation`; and the share in which other processes had it too,
        `shared`.
        """
        sums = self.sums()
        samples = sums["samples"]
        others = sums["machine_seconds"] - sums["processor_seconds"]
        return {
            **{name: sums[name] for name in ("attempts", "seconds", "processor_seconds")},
            "other_processor_seconds": None if math.isnan(others) else max(0.0, others),
            "cores": os.cpu_count(),
            "gpu": {
                "memory_mb": round(torch.cuda.max_memory_reserved(self.device) / 1e6),
                **{name: sums[name] / samples if samples else None for name in ("utilisation", "shared")},
            }
            if self.device.type == "cuda"
            else None,
        }

    def _watch(self) -> None:
        while True:
            try:
                processes = torch.cuda.list_gpu_processes(self.device).count("process ")
                seen = {"samples": 1, "utilisation": torch.cuda.utilization(self.device) / 100, "shared": processes > 1}
            except Exception:  # no NVML, or a driver that does not answer
                return
            self.sampled = {name: value + seen[name] for name, value in self.sampled.items()}
            time.sleep(SAMPLE_SECONDS)


def _counters() -> dict[str, float]:
    """Returns the time in seconds, and the processor seconds of this process and of the whole machine."""
    return {
        "seconds": time.perf_counter(),
        "processor_seconds": time.process_time(),
        "machine_seconds": _machine_seconds(),
    }


def _machine_seconds() -> float:
    """Returns the seconds that the machine's processors have worked; NaN if the system is no Linux or does not say."""
    try:
        user, nice, system, _, _, irq, softirq, steal = map(int, MACHINE.read_text().split()[1:9])
    except (OSError, ValueError):
        return math.nan
    # Time that a hypervisor gave to other machines (steal) was lost to the training too.
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK") or math.nan
