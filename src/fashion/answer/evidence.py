"""The evidence for a statement from a study's runs: an estimate with its error, or why there is none."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fashion.answer.statements import Statement
from fashion.records.metrics import MEASURES, Metric, span
from fashion.records.run import Run, Runs
from fashion.records.statistics import Estimate, over_seeds, over_seeds_and_images
from fashion.records.timing import device_of, doubts

LEAST_SEEDS = 2
UNMEASURED = Estimate(value=math.nan, error=math.nan)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A statement's estimate (NaN if there is none), and why it decides nothing ("" if it does decide).

    `diverged` counts the runs that diverged; they stay in the estimate.
    """

    statement: Statement
    estimate: Estimate = UNMEASURED
    diverged: int = 0
    why_not: str = ""

    @property
    def measured(self) -> bool:
        """Whether there is an estimate."""
        return not math.isnan(self.estimate.value)

    def interval(self) -> tuple[float, float]:
        """Returns the 95 % interval, in the statement's unit."""
        low, high = self.estimate.interval()
        return self._unit(low), self._unit(high)

    @property
    def value(self) -> float:
        """The measured number, in the statement's unit."""
        return self._unit(self.estimate.value)

    @property
    def p_values(self) -> tuple[float, float]:
        """The p-values of holding, small if the number surely lies in the region, and of failing; 1, 1 if undecided."""
        if self.why_not:
            return 1.0, 1.0
        low, high = self.statement.low, self.statement.high
        if self.statement.comparison == "over":
            low, high = (math.log(bound) if bound > 0 else -math.inf for bound in (low, high))
        return self.estimate.p_inside(low, high), self.estimate.p_outside(low, high)

    @property
    def text(self) -> str:
        """The measured number with its interval; empty if there is none."""
        show = self.statement.show
        if not self.measured:
            return ""
        if self.estimate.error == 0:
            return show(self.value)
        if math.isnan(self.estimate.error):
            return f"{show(self.value)} (no interval from one seed)"
        low, high = self.interval()
        return f"{show(self.value)} ({span(show(low), show(high))})"

    @property
    def counts(self) -> str:
        """The numbers of seeds, diverged runs and test images in words; empty for counted numbers."""
        estimate, diverged = self.estimate, self.diverged
        parts = [f"{estimate.seeds} seed{'s' * (estimate.seeds > 1)}"] if estimate.seeds else []
        if parts and diverged:
            parts[0] += f" ({diverged} run{'s' * (diverged > 1)} diverged)"
        return " and ".join(parts + [f"{estimate.images:,} test images"] * bool(estimate.images))

    def _unit(self, value: float) -> float:
        # Ratios are estimated as differences of logarithms.
        return math.exp(value) if self.statement.comparison == "over" else value


def examine(statement: Statement, runs: Runs, classes: pd.DataFrame, protocol: dict) -> Evidence:
    """Returns the evidence for a statement from a study's runs.

    Args:
        classes: with the numbers of images of each class; empty if they were not counted.
        protocol: the training settings under which its runs decide something.
    """
    if statement.side is None and classes.empty:
        return Evidence(statement=statement, why_not="the images of each class were not counted")
    if statement.side is None:
        counts = classes[["train_images", "test_images"]]
        return Evidence(statement=statement, estimate=Estimate(value=float((counts.max() - counts.min()).max())))
    sides = [side for side in (statement.side, statement.other) if side]
    metric = MEASURES[statement.metric]
    found = [runs.runs.get(side) if metric.read else runs.parameters(side[0]) for side in sides]
    for side, one in zip(sides, found, strict=True):
        if not one:
            reason = f"{statement.title(side)} with augmentation {side[1]} was not run"
            return Evidence(statement=statement, why_not=reason)
    if metric.read is None:
        count = _compared(statement.comparison, np.array(found, dtype=float))
        return Evidence(statement=statement, estimate=Estimate(value=float(count)))
    # Paired by seed: while a study runs, one side may have more seeds.
    by_seed = [{run.spec["seed"]: run for run in runs[side]} for side in sides]
    seeds = [seed for seed in by_seed[0] if all(seed in ones for ones in by_seed)]
    if not seeds:
        names = " and ".join(statement.title(side) for side in sides)
        return Evidence(statement=statement, why_not=f"no seed of both {names} was run")
    paired = [[ones[seed] for seed in seeds] for ones in by_seed]
    values = [[metric.read(run) for run in ones] for ones in paired]
    if unknown := _without_number(statement, sides, paired, values):
        return Evidence(statement=statement, why_not=unknown)
    estimate = _estimate(statement.comparison, values)
    of_both = [run for ones in paired for run in ones]
    diverged = sum(run.diverged is not None for run in of_both)
    reasons = _objections(metric, of_both, protocol, statement.epochs)
    if estimate.seeds < LEAST_SEEDS:
        reasons.append(f"{estimate.seeds} seed, at least {LEAST_SEEDS} are needed")
    return Evidence(statement=statement, estimate=estimate, diverged=diverged, why_not="; ".join(reasons))


def _without_number(statement: Statement, sides: list[tuple[str, str]], paired: list[list[Run]], values: list) -> str:
    """Returns in words for which runs the metric is not finite; empty if there are none."""
    runs = [
        f"{statement.title(side)} seed {run.spec['seed']}{' (diverged)' * (run.diverged is not None)}"
        for side, *both in zip(sides, paired, values, strict=True)
        for run, value in zip(*both, strict=True)
        if not np.isfinite(value).all()
    ]
    return f"the {MEASURES[statement.metric].words} is no number for {', '.join(runs)}" if runs else ""


def _estimate(comparison: str | None, sides: list[list[float | np.ndarray]]) -> Estimate:
    """Returns the estimate from each side and seed's value, or values for each test image."""
    if np.ndim(sides[0][0]):
        # Models may be tested on different numbers of images, always the first ones.
        images = min(np.size(values) for side in sides for values in side)
        right = [np.stack([np.asarray(values)[:images] for values in side]) for side in sides]
        return over_seeds_and_images(right[0] - right[1] if comparison else right[0])
    return over_seeds(_compared(comparison, np.array(sides, dtype=float)))


def _compared(comparison: str | None, sides: np.ndarray) -> np.ndarray:
    """Returns one side's numbers, or two sides' differences (of logarithms for a ratio); sides are the first axis."""
    if comparison == "over":
        sides = np.log(sides)
    return sides[0] - sides[1] if comparison else sides[0]


def objections(runs: Sequence[Run], protocol: dict) -> list[str]:
    """Returns the settings in which the runs' training differs from a protocol, each in words.

    The protocol's `models` has the settings of models with a recipe of their own; null stands for none.
    """
    reasons = []
    for key, value in protocol.items():
        if key == "models":
            continue
        pairs = {
            (run.spec["training"].get(key), protocol["models"].get(run.spec["model"]["name"], {}).get(key, value))
            for run in runs
        }
        others = sorted((pair for pair in pairs if pair[0] != pair[1]), key=str)
        if others:
            given, wanted = (list(dict.fromkeys(map(str, values))) for values in zip(*others, strict=True))
            reasons.append(f"{key} {' and '.join(given)}, not {' or '.join(wanted)}")
    return reasons


def _objections(metric: Metric, runs: list[Run], protocol: dict, epochs: int | None) -> list[str]:
    """Returns why the runs decide nothing about a metric; if `epochs` is given, so many suffice."""
    if epochs and all(run.spec["training"]["epochs"] >= epochs for run in runs):
        protocol = {key: value for key, value in protocol.items() if key != "epochs"}
    reasons = objections(runs, protocol)
    if metric.timed:
        devices = {device_of(run.provenance) for run in runs}
        if len(devices) > 1:
            reasons.append(f"timed on different devices: {', '.join(sorted(devices))}")
        reasons += doubts(runs)
    return reasons
