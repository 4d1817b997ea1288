"""The evidence for a statement from a study's runs: an estimate with its error, or why there is none."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from fashion.answer.statements import Statement
from fashion.records.metrics import MEASURES, Metric, span
from fashion.records.run import Run, Runs
from fashion.records.statistics import (
    CONFIDENCE,
    COUNT_VARIANCE,
    Estimate,
    contrast,
    contrast_of_accuracies,
    contrast_of_numbers,
)
from fashion.records.timing import device_of, doubts
from fashion.study.report import departures

LEVEL = 1 - CONFIDENCE
HOLDS, FAILS, OPEN = "holds", "fails", "open"
LEAST_SEEDS, FINAL_SEEDS = 3, 5  # of each side, for a first verdict and for a final one
UNMEASURED = Estimate(value=math.nan)
NOT_ALONE = "no epochs of both are timed alone (make times)"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A statement's estimate (NaN if there is none), and why it decides nothing ("" if it does decide).

    `seeds` has the number of seeds of each side or, if `alone` is not 0, of its epochs that were timed alone, with so
    many images. `diverged` counts the runs that diverged; the estimate includes them. `unfit` says whether the runs
    decide nothing however many seeds join them.
    """

    statement: Statement
    estimate: Estimate = UNMEASURED
    seeds: tuple[int, ...] = ()
    diverged: int = 0
    why_not: str = ""
    unfit: bool = False
    alone: int = 0

    @property
    def measured(self) -> bool:
        """Whether there is an estimate."""
        return not math.isnan(self.estimate.value)

    @property
    def verdict(self) -> str:
        """Whether the 95 % interval lies inside or outside the region; open if neither, or if it decides nothing."""
        p_holds, p_fails = self.p_values
        return HOLDS if p_holds <= LEVEL else FAILS if p_fails <= LEVEL else OPEN

    @property
    def provisional(self) -> bool:
        """Whether further seeds are planned that could change the verdict."""
        return self.verdict != OPEN and 0 < self.estimate.seeds < FINAL_SEEDS and not self.alone

    def interval(self) -> tuple[float, float]:
        """Returns the 95 % interval, in the statement's unit."""
        low, high = self.estimate.interval()
        return self._unit(low), self._unit(high)

    @property
    def value(self) -> float:
        """The measured number, in the statement's unit."""
        return self._unit(self.estimate.value)

    @property
    def region(self) -> tuple[float, float]:
        """The region of the estimate: a ratio is estimated as a difference of logarithms."""
        low, high = self.statement.low, self.statement.high
        if self.statement.comparison == "over":
            low, high = (math.log(bound) if bound > 0 else -math.inf for bound in (low, high))
        return low, high

    @cached_property
    def p_values(self) -> tuple[float, float]:
        """The p-values of holding, small if the number surely lies in the region, and of failing; 1, 1 if undecided."""
        if self.why_not:
            return 1.0, 1.0
        return self.estimate.p_inside(*self.region), self.estimate.p_outside(*self.region)

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
        if not self.seeds:
            return ""
        counts = sorted(set(self.seeds))
        seeds = f"{' and '.join(map(str, counts))} {_things(max(counts), self.alone)}"
        if self.diverged:
            seeds += f" ({self.diverged} run{'s' * (self.diverged > 1)} diverged)"
        return seeds + f" and {self.estimate.images:,} test images" * bool(self.estimate.images)

    def _unit(self, value: float) -> float:
        return math.exp(value) if self.statement.comparison == "over" else value


def examine(statement: Statement, runs: Runs, classes: pd.DataFrame, protocol: dict) -> Evidence:
    """Returns the evidence for a statement from a study's runs.

    Args:
        classes: with the numbers of images of each class; empty if they were not counted.
        protocol: the training settings under which its runs decide something.
    """
    if statement.side is None:
        if classes.empty:
            return Evidence(statement=statement, why_not="the images of each class were not counted")
        counts = classes[["train_images", "test_images"]]
        return Evidence(statement=statement, estimate=Estimate(value=float((counts.max() - counts.min()).max())))
    metric, sides = MEASURES[statement.metric], statement.sides
    if metric.counted:
        counted = [runs.parameters(model) for model, _ in sides]
        if None in counted:
            return Evidence(statement=statement, why_not=_not_run(statement, counted))
        value = _compared(statement.comparison, *(float(count) for count in counted if count))
        return Evidence(statement=statement, estimate=Estimate(value=value))
    timed_alone = metric.timed and all(side in runs.alone for side in sides)
    found = [(runs.alone if timed_alone else runs.runs).get(side, []) for side in sides]
    seeds = tuple(map(len, found))
    if 0 in seeds:
        why_not = "; ".join([_not_run(statement, found), *[NOT_ALONE] * metric.timed])
        return Evidence(statement=statement, seeds=seeds, why_not=why_not)
    of_all = [run for ones in found for run in ones]
    if statement.metric.startswith("augmented") and not all("augmented_test_accuracy" in run.metrics for run in of_all):
        return Evidence(statement=statement, seeds=seeds, why_not="measured on clean test images only", unfit=True)
    values = [[metric.of(run, statement.epochs) for run in ones] for ones in found]
    if unknown := _without_number(statement, found, values):
        return Evidence(statement=statement, seeds=seeds, why_not=unknown, unfit=True)
    if timed_alone:
        objections = _objections_to_epochs(
            metric, found, [run for side in sides for run in runs.runs.get(side, [])], protocol
        )
    else:
        objections = _objections(metric, of_all, protocol, statement.epochs)
        objections += [NOT_ALONE] * (metric.timed and bool(objections))
    alone = min(run.spec["training"]["train_images"] for run in of_all) if timed_alone else 0
    few = [f"{min(seeds)} {_things(min(seeds), alone)}, at least {LEAST_SEEDS} are needed"] * (min(seeds) < LEAST_SEEDS)
    return Evidence(
        statement=statement,
        estimate=_estimate(statement.comparison, metric, values, of_all),
        seeds=seeds,
        diverged=sum(run.diverged is not None for run in of_all),
        why_not="; ".join([*objections, *few]),
        unfit=bool(objections) or timed_alone,
        alone=alone,
    )


def _things(count: int, alone: int) -> str:
    plural = "s" * (count > 1)
    return f"epoch{plural} of {alone:,} images alone" if alone else f"seed{plural}"


def _not_run(statement: Statement, found: Sequence) -> str:
    """Returns in words which sides have nothing that was found."""
    sides = [side for side, one in zip(statement.sides, found, strict=True) if not one]
    return f"{' and '.join(map(statement.titled, sides))} not run"


def _without_number(statement: Statement, found: list[list[Run]], values: list) -> str:
    """Returns in words for which runs the metric is not finite; empty if there are none."""
    runs = [
        f"{statement.title(side)} seed {run.spec['seed']}{' (diverged)' * (run.diverged is not None)}"
        for side, *both in zip(statement.sides, found, values, strict=True)
        for run, value in zip(*both, strict=True)
        if not np.isfinite(value).all()
    ]
    return f"the {MEASURES[statement.metric].words} is no number for {', '.join(runs)}" if runs else ""


def _estimate(comparison: str | None, metric: Metric, values: list[list], runs: Sequence[Run]) -> Estimate:
    """Returns the estimate from the values of each side's seeds."""
    if np.ndim(values[0][0]):
        # Models may be tested on different numbers of images, always the first ones.
        images = min(len(right) for side in values for right in side)
        return contrast(*_signed([np.stack([right[:images] for right in side]) for side in values]))
    numbers = [np.array(side, dtype=float) for side in values]
    if metric.share:
        images = min(run.metrics["test_images"] for run in runs)
        return contrast_of_accuracies(*_signed(numbers), images=images)
    numbers = [np.log(side) for side in numbers] if comparison == "over" else numbers
    return contrast_of_numbers(*_signed(numbers), least_variance=COUNT_VARIANCE * metric.count)


def _signed(sides: list[np.ndarray]) -> list[tuple[int, np.ndarray]]:
    return list(zip((1, -1), sides, strict=False))  # one side, or one minus another


def _compared(comparison: str | None, one: float, other: float = 1.0) -> float:
    """Returns a counted number, its difference from another, or the logarithm of their ratio."""
    return one - other if comparison == "minus" else math.log(one / other) if comparison else one


def _objections(metric: Metric, runs: list[Run], protocol: dict, epochs: int | None) -> list[str]:
    """Returns why the runs decide nothing about a metric; if `epochs` is given, so many suffice."""
    if epochs and all(run.spec["training"]["epochs"] >= epochs for run in runs):
        protocol = {key: value for key, value in protocol.items() if key != "epochs"}
    reasons = departures((run.spec for run in runs), protocol)
    if metric.timed:
        devices = {device_of(run.provenance) for run in runs}
        if len(devices) > 1:
            reasons.append(f"timed on different devices: {', '.join(sorted(devices))}")
        reasons += doubts(runs)
    return reasons


def _objections_to_epochs(metric: Metric, epochs: list[list[Run]], trained: list[Run], protocol: dict) -> list[str]:
    """Returns why epochs of each side, timed alone, decide nothing; `trained` has the whole trainings of both sides."""
    of_all = [run for ones in epochs for run in ones]
    images = ("train_images", "test_images")  # an epoch of some of them will do, if those of both sides have as many
    reasons = _objections(metric, of_all, {key: value for key, value in protocol.items() if key not in images}, 1)
    if len({tuple(run.spec["training"][key] for key in images) for run in of_all}) > 1:
        reasons.append("timed on different numbers of images")
    models = [run.spec["model"] for run in of_all]
    if any(run.spec["model"] not in models for run in trained):
        reasons.append("timed with other settings")
    return reasons
