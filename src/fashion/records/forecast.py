"""The time, memory and disk that training the stale runs of a plan takes on a machine."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fashion.records.estimate import Estimates, likely_epochs
from fashion.records.words import duration
from fashion.study.resources import (
    checkpoint_mb,
    disk_mb,
    epoch_multiply_adds,
    processor_mb,
    training_mb,
    training_threads,
)

# A training on one core does a third of the operations a second that matrix products do; measured: 1/8 to 2/3.
SHARE, WITHIN = 1 / 3, "a factor of 3"
DAY = 24 * 3600
LONG = 2 * DAY  # seconds; longer plans name what else can be run
TOO_LONG = 60 * DAY  # seconds, which nobody means to wait


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The machine for trainings.

    `device` is the name of the GPU or processor in provenance; None if only the trainings know it, as on a cluster.
    Each training takes some of the `cores`, and one of the `places`. `memory_mb` and `disk_mb` are free; None if
    unknown. `speed` measures the multiply-adds that a core does in a second; None if trainings use a GPU.
    """

    device: str | None
    cores: int
    places: int
    memory_mb: float | None
    disk_mb: float
    speed: Callable[[], float] | None


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The `seconds` of a single training, None if unknown; whether similar runs were `measured`; and its `threads`."""

    seconds: float | None
    measured: bool
    threads: int


class Forecast:
    """A forecast of what trainings take on a machine.

    Args:
        finished: folders of runs to learn from. Only runs on the machine's device count or, if that is unknown, runs on
            the device of the run that finished last.
    """

    def __init__(self, machine: Machine, finished: Iterable[Path]):
        self.machine = machine
        if folders := list(finished):
            from fashion.records.run import Run  # this imports pandas, which most plans do not need
        self._estimates = Estimates((Run(folder) for folder in folders), machine.device)
        self.device = self._estimates.device
        self._costs: dict[tuple[str, str, str], Cost] = {}

    @cached_property
    def _speed(self) -> float | None:
        """The multiply-adds that a training does in a second on one core."""
        return self.machine.speed() * SHARE if self.machine.speed else None

    def cost(self, spec: dict) -> Cost:
        """Returns the cost of a training, from similar runs or else from its operations."""
        key = (spec["study"], spec["model"]["name"], spec["augmentation"]["name"])
        if key not in self._costs:  # all seeds cost the same
            threads = min(training_threads(spec["model"]), self.machine.cores)
            measured = seconds = self._estimates.seconds(spec)
            if seconds is None and self._speed:
                operations = epoch_multiply_adds(spec) * likely_epochs(spec["training"], ())
                seconds = operations / self._speed / threads
            self._costs[key] = Cost(seconds=seconds, measured=measured is not None, threads=threads)
        return self._costs[key]

    def seconds(self, specs: Iterable[dict]) -> float:
        """Returns the seconds until trainings have finished, as many at a time as fit; unknown times count 0."""
        known = [(cost.seconds, cost.threads) for cost in map(self.cost, specs) if cost.seconds is not None]
        by_cores = sum(seconds * threads for seconds, threads in known) / self.machine.cores
        by_places = sum(seconds for seconds, _ in known) / self.machine.places
        return max([by_cores, by_places, *(seconds for seconds, _ in known)])

    def needs_gpu(self, specs: Iterable[dict]) -> bool:
        """Returns whether processors alone would take months."""
        return self.machine.speed is not None and self.seconds(specs) > TOO_LONG

    def together(self, specs: Iterable[dict], size: Callable[[dict], float]) -> list[dict]:
        """Returns the trainings of the largest `size` that can run at the same time."""
        cores, chosen = self.machine.cores, []
        for spec in sorted(specs, key=size, reverse=True):
            threads = self.cost(spec).threads
            if threads <= cores and len(chosen) < self.machine.places:
                chosen.append(spec)
                cores -= threads
        return chosen

    def lines(self, specs: Sequence[dict], instead: Mapping[str, Sequence[dict]]) -> list[str]:
        """Returns lines on the time, memory and disk that trainings need, and on what is free.

        Args:
            instead: other commands, with the specs that they train; named if these trainings take days without a GPU.
        """
        lines = [f"time: {self._time(specs)}"]
        memory = sum(map(self._memory, self.together(specs, self._memory)))
        disk = sum(map(disk_mb, specs)) + sum(map(checkpoint_mb, self.together(specs, checkpoint_mb)))
        for name, needed, free, cure in (
            ("memory", memory, self.machine.memory_mb, "give fewer --cores"),
            ("disk", disk, self.machine.disk_mb, "make room, or train fewer models"),
        ):
            if free is None:
                continue
            lines.append(f"{name}: {_size(needed)} needed, {_size(free)} free")
            if needed > free:
                lines.append(f"warning: the {name} will not suffice: {cure}")
        wall = self.seconds(specs)
        if self.machine.speed and wall > LONG:
            others = {command: self.seconds(theirs) for command, theirs in instead.items()}
            shorter = [f"{command}, {_about(seconds)}" for command, seconds in others.items() if seconds < wall]
            lines += [f"without a GPU, in less time: {'; '.join(shorter)}"] * bool(shorter)
        return lines

    def _memory(self, spec: dict) -> float:
        return processor_mb(spec["model"]) if self.machine.speed else training_mb(spec["model"])

    def _time(self, specs: Sequence[dict]) -> str:
        """Returns how long trainings take, and how that is known."""
        costs = list(map(self.cost, specs))
        how = {
            "as runs like them took here": sum(cost.measured for cost in costs),
            f"counted from operations, right within {WITHIN}": sum(
                not cost.measured and cost.seconds is not None for cost in costs
            ),
            "unknown until one like them has finished here": sum(cost.seconds is None for cost in costs),
        }
        said = [f"{count} {words}" if count < len(specs) else words for words, count in how.items() if count]
        if all(cost.seconds is None for cost in costs):
            return said[0]
        together = min(self.machine.places, self.machine.cores, len(specs))
        return f"{_about(self.seconds(specs))}{f', at most {together} at a time' * (together > 1)}: {'; '.join(said)}"


def _about(seconds: float) -> str:
    return f"about {duration(seconds)}"


def _size(megabytes: float) -> str:
    if megabytes < 1000:
        return f"{megabytes:.0f} MB"
    return f"{megabytes / 1000:.1f} GB" if megabytes < 10_000 else f"{megabytes / 1000:,.0f} GB"
