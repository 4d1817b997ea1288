"""Beyond the report: how long each model trains until it is how good, on validation images."""

from collections.abc import Sequence
from itertools import chain

import pandas as pd
from matplotlib.figure import Figure

from fashion.figures.parts.epochs import by_model, counted
from fashion.figures.parts.names import height, lead, logit_scale, on_logit_scale, styles, write_names
from fashion.figures.parts.sheet import WIDTH, draw_runs
from fashion.records.run import Run
from fashion.stage import exit_on_user_error

HEIGHT = 4.2  # inches


def progress(history: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """At the end of each epoch, the seconds since the first began and the best validation accuracy so far."""
    return history["seconds"].cumsum(), on_logit_scale(history["validation_accuracy"].cummax())


def plot(runs: Sequence[Run]) -> Figure:
    """Best validation accuracy so far over training time, a line for each run, each model named beside its lines."""
    models = by_model(runs)
    drawn = styles({run.spec["model"]["name"]: run.spec["model"]["family"] for run in runs})
    figure = Figure(figsize=(WIDTH, height(HEIGHT, len(models))))
    axes, column = figure.subplots(1, 2, sharey=True, width_ratios=(1, 0.2))
    axes.set(xscale="log", xlabel="training time (s)", ylabel="best validation accuracy so far (%)")
    augmentations = sorted({augmentation for _, augmentation in models})
    seeds = max(map(len, models.values()))
    axes.set_title(f"augmentation: {', '.join(augmentations)}, {counted(seeds, 'seed')}", size="small")
    logit_scale(axes)
    ends = {}
    for (model, _), of_model in models.items():
        lines = [axes.plot(*progress(run.history), **drawn[model], marker="o", markevery=[-1])[0] for run in of_model]
        # The run that ended last: its end is the nearest to the names.
        ends[model] = max(tuple(line.get_xydata()[-1]) for line in lines)
    heights = write_names(column, {model: accuracy for model, (_, accuracy) in ends.items()}, drawn)
    for model, end in ends.items():
        lead(figure, axes, end, column, (0.0, heights[model]))
    return figure


def main() -> None:
    draw_runs(__doc__, chain.from_iterable, plot)


if __name__ == "__main__":
    exit_on_user_error(main)
