"""What a training used of its machine, and others beside it: how far its times can be trusted."""

import math
import os
import threading
import time
from pathlib import Path

import torch

MACHINE = Path("/proc/stat")
SAMPLE_SECONDS = 5  # between two looks at a GPU


class Usage:
    """Counts from when it is made, and goes on from what earlier attempts at the same training had counted.

    A GPU is looked at every few seconds, by a thread of its own.
    """

    def __init__(self, device: torch.device):
        self.device = device
        self.began = _counters()
        self.earlier: dict[str, float] = {}
        self.sampled = {"samples": 0.0, "utilisation": 0.0, "shared": 0.0}
        if device.type == "cuda":
            threading.Thread(target=self._watch, daemon=True).start()

    def sums(self) -> dict[str, float]:
        """What all attempts together counted, NaN where this machine does not: the state that `go_on_from` takes."""
        now = {name: value - self.began[name] for name, value in _counters().items()}
        return {
            name: value + self.earlier.get(name, 0) for name, value in (now | self.sampled | {"attempts": 1}).items()
        }

    def go_on_from(self, sums: dict[str, float]) -> None:
        """Go on from what an earlier attempt had counted when it was saved."""
        self.earlier = sums

    def record(self) -> dict:
        """As JSON values: None is what this machine does not count.

        `attempts`, and of all of them `seconds`, `processor_seconds` (user and system, of all threads) and
        `other_processor_seconds`, what everything else on the machine used meanwhile of its `cores`; `gpu` has the peak
        of this attempt's `memory_mb`, and the shares of the time in which the GPU worked, `utilisation`, and in which
        another process had it too, `shared`.
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
            except Exception:  # no NVML, or a GPU whose driver does not say
                return
            self.sampled = {name: value + seen[name] for name, value in self.sampled.items()}
            time.sleep(SAMPLE_SECONDS)


def _counters() -> dict[str, float]:
    """What only grows: seconds, and seconds of processors, this process's and the whole machine's."""
    return {
        "seconds": time.perf_counter(),
        "processor_seconds": time.process_time(),
        "machine_seconds": _machine_seconds(),
    }


def _machine_seconds() -> float:
    """Seconds that the machine's processors have worked, for whomever; NaN where there is no Linux that says so."""
    try:
        user, nice, system, _, _, irq, softirq, steal = map(int, MACHINE.read_text().split()[1:9])
    except (OSError, ValueError):
        return math.nan
    # What a hypervisor took for other machines (steal) was not there for the training either.
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK") or math.nan
