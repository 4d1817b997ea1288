"""What the runs of a study say about a statement on them: an estimate with its error, or why there is none.

claims.yaml and deviations.yaml have the statements; the first one's head explains their keys.
"""

import argparse
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from fashion.errors import UserError
from fashion.files import read_json
from fashion.predictions import read_predictions
from fashion.statistics import Estimate, over_seeds, over_seeds_and_images
from fashion.tables import write_table

LEAST_SEEDS = 2
# What a published run has instead of its predictions: `correct` as packed bits.
CORRECT = "correct.npy"


class Run:
    """A finished run, read from its folder as far as it is asked for."""

    def __init__(self, folder: Path):
        self.folder = folder

    @cached_property
    def spec(self) -> dict:
        return read_json(self.folder / "spec.json")

    @cached_property
    def metrics(self) -> dict:
        return read_json(self.folder / "metrics.json")

    @cached_property
    def provenance(self) -> dict:
        return read_json(self.folder / "provenance.json")

    @cached_property
    def history(self) -> pd.DataFrame:
        """A row for each epoch; a `UserError` if the file is missing, or no history of a run."""
        path = self.folder / "history.csv"
        try:
            history = pd.read_csv(path)
            if history[["validation_loss", "seconds"]].empty:
                raise ValueError("no epoch")
        except (OSError, ValueError, KeyError) as error:
            reason = " ".join(str(error).split())
            raise UserError(f"{path}: not the history of a run ({reason}); train the run again") from error
        return history

    @cached_property
    def best(self) -> pd.Series:
        """The history's row with the lowest validation loss."""
        return self.history.loc[self.history["validation_loss"].idxmin()]

    @cached_property
    def correct(self) -> np.ndarray:
        """Whether each test image was predicted right, `[N] float`."""
        return self.correct_of("")

    def correct_of(self, prefix: str) -> np.ndarray:
        """The same; with the prefix "augmented_", of the RandAugmented test images."""
        published = self.folder / f"{prefix}{CORRECT}"
        if published.exists():
            return np.unpackbits(np.load(published), count=self.metrics["test_images"]).astype(float)
        return read_predictions(self.folder, prefix).correct.astype(float)


class Runs:
    """A study's finished runs.

    Args:
        summary: its models, seeds and augmentations, as `fashion.config.Study.summary` gives them.
        folder: has `<model>/<augmentation>/seed<k>/`.
    """

    def __init__(self, summary: dict, folder: Path):
        self.summary = summary
        self.runs = {
            (model, augmentation): [Run(folder / model / augmentation / f"seed{seed}") for seed in summary["seeds"]]
            for model, entry in sorted(summary["models"].items())
            for augmentation in entry["augmentations"]
        }

    def __getitem__(self, key: tuple[str, str]) -> list[Run]:
        """The runs of a model and augmentation, one for each seed."""
        return self.runs[key]

    def reported(self, model: str, augmentation: str) -> dict:
        """The report's numbers of the very runs of this model and augmentation."""
        return self.summary["models"][model]["reported"].get(augmentation, {})

    def items(self) -> Iterator[tuple[tuple[str, str], list[Run]]]:
        """(model, augmentation) with its runs, sorted by model."""
        return iter(self.runs.items())


def percent(value: float) -> str:
    """A share as text: 91.80 %."""
    return f"{100 * value:.2f} %"


def points(value: float) -> str:
    """A difference of shares as text, in percentage points: +0.45 points."""
    return f"{100 * value:+.2f} points"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A number of a run: its name in words, how to read it, and how to show it and a difference of two as text.

    `trained` says whether it comes from training, and so depends on protocol and seed; `timed` whether on the device.
    """

    words: str
    read: Callable[[Run], float | np.ndarray]
    show: Callable[[float], str] = "{:.4g}".format
    show_difference: Callable[[float], str] = "{:+.4g}".format
    trained: bool = True
    timed: bool = False


METRICS = {
    "test_accuracy": Metric(words="test accuracy", read=lambda run: run.correct, show=percent, show_difference=points),
    "augmented_test_accuracy": Metric(
        words="accuracy on RandAugmented test images",
        read=lambda run: run.correct_of("augmented_"),
        show=percent,
        show_difference=points,
    ),
    "validation_accuracy": Metric(
        words="validation accuracy",
        read=lambda run: run.best["validation_accuracy"],
        show=percent,
        show_difference=points,
    ),
    "validation_loss": Metric(words="validation loss", read=lambda run: run.best["validation_loss"]),
    "overfitting": Metric(
        words="last epoch's training minus validation accuracy",
        read=lambda run: (run.history["train_accuracy"] - run.history["validation_accuracy"]).iloc[-1],
        show=points,
    ),
    "last_epoch": Metric(
        words="test accuracy of the last epoch minus that of the best validation epoch",
        read=lambda run: run.history["test_accuracy"].iloc[-1] - run.best["test_accuracy"],
        show=points,
    ),
    "epochs": Metric(
        words="epochs until training stopped",
        read=lambda run: len(run.history),
        show="{:.1f}".format,
        show_difference="{:+.1f}".format,
    ),
    "seconds_per_epoch": Metric(
        words="seconds per epoch", read=lambda run: run.history["seconds"].mean(), show="{:.2f}".format, timed=True
    ),
    "parameters": Metric(
        words="parameters",
        read=lambda run: run.metrics["parameters"],
        show="{:,.0f}".format,
        show_difference="{:+,.0f}".format,
        trained=False,
    ),
    "gradient_first_to_last": Metric(
        words="first layer's gradient norm over the last layer's, median over epochs,",
        read=lambda run: _first_to_last(run.history.filter(like="gradient_norm:")),
    ),
}


def _first_to_last(norms: pd.DataFrame) -> float:
    return (norms.iloc[:, 0] / norms.iloc[:, -1]).median()


def write_study_table(
    module: str,
    description: str | None,
    table: Callable[[Runs], pd.DataFrame],
    readable: Callable[[pd.DataFrame], pd.DataFrame],
) -> None:
    """Read the study that the command line names, and write its `table`, as Markdown the way `readable` has it."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.add_argument("--study", type=Path, required=True, help="the study's summary, JSON")
    parser.add_argument("--runs", type=Path, required=True, help="the folder with all runs")
    parser.add_argument("--output", type=Path, required=True, help="the .csv file; a .md file is written beside it")
    arguments = parser.parse_args()
    summary = read_json(arguments.study)
    frame = table(Runs(summary, arguments.runs))
    write_table(frame, arguments.output, summary["note"], shown=readable(frame))


@dataclass(frozen=True, kw_only=True)
class Statement:
    """That a number of some runs lies in (low, high]: of `side`, a (model, augmentation), or compared with `other`.

    `comparison` is minus or over; None without an `other`. Without a `side` it is about the dataset.
    """

    metric: str
    side: tuple[str, str] | None = None
    other: tuple[str, str] | None = None
    comparison: str | None = None
    low: float = -math.inf
    high: float = math.inf

    @property
    def words(self) -> str:
        """What is measured, in words."""
        if self.side is None:
            return "largest minus smallest number of images of a class"
        name, (model, augmentation) = METRICS[self.metric].words, self.side
        if self.other is None:
            return f"{name} of {model}"
        if self.other[0] == model:
            return f"{name} of {model}, {augmentation} {self.comparison} {self.other[1]}"
        return f"{name}, {model} {self.comparison} {self.other[0]}"

    @property
    def region(self) -> str:
        """Where the number has to lie, in words."""
        if math.isinf(self.low) and math.isinf(self.high):
            return ""
        if math.isinf(self.high):
            return f"more than {self.show(self.low)}"
        if math.isinf(self.low):
            return f"at most {self.show(self.high)}"
        return f"{self.show(self.low)} to {self.show(self.high)}"

    def show(self, value: float) -> str:
        """A value of the number, with its unit."""
        if self.side is None or value == 0:
            return f"{value:.0f}"
        if self.comparison == "over":
            return f"{value:.3g} times"
        metric = METRICS[self.metric]
        return metric.show_difference(value) if self.comparison else metric.show(value)


def expand(entry: dict) -> Iterator[Statement]:
    """The statements that an entry of claims.yaml or deviations.yaml stands for."""
    bounds = {key: float(entry[key]) for key in ("low", "high") if key in entry}
    augmentation = entry.get("augmentation", "both")
    if entry["metric"] == "imbalance":
        yield Statement(metric="imbalance", **bounds)
        return
    comparison = next((word for word in ("minus", "over") if word in entry), None)
    for model in _names(entry["model"]):
        side = Statement(metric=entry["metric"], side=(model, augmentation), **bounds)
        if "minus_augmentation" in entry:
            yield replace(side, other=(model, entry["minus_augmentation"]), comparison="minus")
        elif comparison is None:
            yield side
        else:
            others = [name for name in _names(entry[comparison]) if name != model]
            yield from (replace(side, other=(other, augmentation), comparison=comparison) for other in others)


def _names(entry: str | list[str]) -> list[str]:
    return [entry] if isinstance(entry, str) else entry


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the runs say of a statement: an estimate (None if they were not run), and why it decides nothing, if so."""

    statement: Statement
    estimate: Estimate | None
    why_not: str = ""

    def interval(self) -> tuple[float, float]:
        """The 95 % interval, in the statement's unit."""
        return tuple(self._unit(bound) for bound in self.estimate.interval())

    @property
    def value(self) -> float:
        """The measured number, in the statement's unit."""
        return self._unit(self.estimate.value)

    @property
    def p_values(self) -> tuple[float, float]:
        """Of holding, small if the number surely lies in the region, and of failing, if surely outside; or 1, 1."""
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
        if self.estimate is None:
            return ""
        if self.estimate.error == 0:
            return show(self.value)
        if math.isnan(self.estimate.error):
            return f"{show(self.value)} (no interval from one seed)"
        low, high = self.interval()
        return f"{show(self.value)} ({show(low)} to {show(high)})"

    @property
    def counts(self) -> str:
        """The numbers of seeds and test images behind it; empty for what is counted."""
        estimate = self.estimate
        parts = [f"{estimate.seeds} seed{'s' * (estimate.seeds > 1)}"] if estimate.seeds else []
        return " and ".join(parts + [f"{estimate.images:,} test images"] * bool(estimate.images))

    def _unit(self, value: float) -> float:
        # Ratios are estimated as differences of logarithms.
        return math.exp(value) if self.statement.comparison == "over" else value


def examine(statement: Statement, runs: Runs, classes: pd.DataFrame, protocol: dict) -> Evidence:
    """Measure what a statement is about.

    Args:
        classes: Table 1, with the numbers of images of each class.
        protocol: the training settings under which its runs decide something.
    """
    if statement.side is None:
        counts = classes[["train_images", "test_images"]]
        return Evidence(statement=statement, estimate=Estimate(value=float((counts.max() - counts.min()).max())))
    sides = [side for side in (statement.side, statement.other) if side]
    for model, augmentation in sides:
        if (model, augmentation) not in runs.runs:
            return Evidence(
                statement=statement, estimate=None, why_not=f"{model} with augmentation {augmentation} was not run"
            )
    metric = METRICS[statement.metric]
    estimate = _estimate(metric, statement.comparison, [[metric.read(run) for run in runs[side]] for side in sides])
    reasons = _objections(metric, [run for side in sides for run in runs[side]], protocol)
    if metric.trained and estimate.seeds < LEAST_SEEDS:
        reasons.append(f"{estimate.seeds} seed, at least {LEAST_SEEDS} are needed")
    return Evidence(statement=statement, estimate=estimate, why_not="; ".join(reasons))


def _estimate(metric: Metric, comparison: str | None, sides: list[list]) -> Estimate:
    """The estimate from one value, or one for each test image, for each side and seed."""
    if np.ndim(sides[0][0]):
        # Budgets may test models on different numbers of images, always the first ones.
        images = min(len(values) for side in sides for values in side)
        sides = [np.stack([values[:images] for values in side]) for side in sides]
        return over_seeds_and_images(sides[0] - sides[1] if comparison else sides[0])
    values = np.array(sides, dtype=float)
    if comparison == "over":
        values = np.log(values)
    values = values[0] - values[1] if comparison else values[0]
    return over_seeds(values) if metric.trained else Estimate(value=float(values[0]))


def objections(runs: Iterable[Run], protocol: dict) -> list[str]:
    """In which settings the runs' training differs from a protocol, a sentence's part for each."""
    reasons = []
    for key, value in protocol.items():
        others = {run.spec["training"][key] for run in runs} - {value}
        if others:
            reasons.append(f"{key} {' and '.join(map(str, sorted(others)))}, not {value}")
    return reasons


def _objections(metric: Metric, runs: list[Run], protocol: dict) -> list[str]:
    """Why the runs decide nothing about a metric."""
    if not metric.trained:
        return []
    reasons = objections(runs, protocol)
    devices = {run.provenance["device"] for run in runs}
    if metric.timed and len(devices) > 1:
        reasons.append(f"timed on different devices: {', '.join(sorted(devices))}")
    return reasons
