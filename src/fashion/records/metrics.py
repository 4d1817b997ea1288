"""The numbers of a run that claims and tables are about: each one's name in words, and how to read and show it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fashion.records.run import Run, gradient_norms
from fashion.study.stopping import epochs_until_stop


def percent(value: float, digits: int = 2) -> str:
    """A share as text: 92.50 %."""
    return f"{100 * value:.{digits}f} %"


def points(value: float) -> str:
    """A difference of shares as text, in percentage points: +0.45 points."""
    return f"{100 * value:+.2f} points"


def span(low: str, high: str) -> str:
    """Two values as texts, with their unit once: 85.34 to 87.34 %."""
    return f"{low.partition(' ')[0]} to {high}"


def with_diverged(runs: int, diverged: int) -> str:
    """A number of runs as text, with how many of them diverged, if any: 3 (1 diverged)."""
    return f"{runs} ({diverged} diverged)" if diverged else str(runs)


def with_deviation(mean: float, deviation: float, show: Callable[[float], str]) -> str:
    """A mean as text, with its standard deviation if that is known: 92.50 ± 0.10 %."""
    return show(mean) if pd.isna(deviation) else f"{show(mean).partition(' ')[0]} ± {show(deviation)}"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A number of a run: its name in words, how to read it, and how to show it and a difference of two as text.

    A run's number comes from `read`, or from `of_history`, to which a statement may give the first epochs alone. What
    has neither is counted and needs no run. `read` gives an array `[N]` for what is known of each test image.

    Args:
        share: whether it is a share of the test images, known of each run alone.
        count: whether it is a whole number.
        timed: whether it depends on the device.
    """

    words: str
    read: Callable[[Run], float | np.ndarray] | None = None
    of_history: Callable[[pd.DataFrame], float] | None = None
    show: Callable[[float], str] = "{:.4g}".format
    show_difference: Callable[[float], str] = "{:+.4g}".format
    share: bool = False
    count: bool = False
    timed: bool = False

    @property
    def counted(self) -> bool:
        """Whether it needs no run."""
        return self.read is None and self.of_history is None

    def of(self, run: Run, epochs: int | None) -> float | np.ndarray:
        """Returns a run's number, of the first `epochs` if it is one of the history's."""
        if self.of_history is not None:
            return self.of_history(run.history.head(epochs or len(run.history)))
        assert self.read is not None
        return self.read(run)


MEASURES = {
    "test_accuracy": Metric(words="test accuracy", read=lambda run: run.correct, show=percent, show_difference=points),
    "augmented_test_accuracy": Metric(
        words="accuracy on RandAugmented test images",
        read=lambda run: run.correct_of("augmented_"),
        show=percent,
        show_difference=points,
    ),
    "augmented_minus_clean": Metric(
        words="accuracy on RandAugmented minus clean test images",
        read=lambda run: run.correct_of("augmented_") - run.correct,
        show=points,
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
    "best_epoch_accuracy": Metric(
        words="test accuracy at the epoch of the lowest validation loss",
        read=lambda run: run.best["test_accuracy"],
        show=percent,
        show_difference=points,
        share=True,
    ),
    "highest_test_accuracy": Metric(
        words="highest test accuracy",
        of_history=lambda history: history["test_accuracy"].max(),
        show=percent,
        show_difference=points,
        share=True,
    ),
    "epochs": Metric(
        words="epochs until training stopped",
        read=lambda run: len(run.history),
        show="{:.1f}".format,
        show_difference="{:+.1f}".format,
        count=True,
    ),
    "epochs_without_min_delta": Metric(
        words="epochs until training would have stopped with min_delta 0",
        read=lambda run: epochs_until_stop(
            run.history["validation_loss"], run.spec["training"]["patience"], min_delta=0
        ),
        show="{:.1f}".format,
        show_difference="{:+.1f}".format,
        count=True,
    ),
    "seconds_per_epoch": Metric(
        words="seconds per epoch", read=lambda run: run.history["seconds"].mean(), show="{:.2f}".format, timed=True
    ),
    "processor_minutes": Metric(
        words="minutes of one processor core for the training",
        read=lambda run: run.provenance.get("processor_seconds", math.nan) / 60,
        show="{:.1f}".format,
        show_difference="{:+.1f}".format,
    ),
    "parameters": Metric(words="parameters", show="{:,.0f}".format, show_difference="{:+,.0f}".format),
    "gradient_first_to_last": Metric(
        words="first layer's gradient norm over the last layer's (median over epochs)",
        of_history=lambda history: _first_to_last(gradient_norms(history)),
    ),
}


def _first_to_last(norms: pd.DataFrame) -> float:
    return (norms.iloc[:, 0] / norms.iloc[:, -1]).median()
