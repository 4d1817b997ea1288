"""The curves of every model on one page."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fashion.figures.parts.epochs import draw, legend
from fashion.figures.parts.groups import Group, counted
from fashion.figures.parts.multiples import COLUMNS, heading
from fashion.figures.parts.sheet import WIDTH

ROW_HEIGHT = 2.1  # inches
LEGEND_HEIGHT = 0.2
ACCURACIES = (-4, 104)  # percent: points at 0 and at 100 are whole


def plot(groups: Sequence[Group]) -> Figure:
    """Returns each model's accuracy above its loss, a line for each run; all models share a scale of accuracy."""
    rows = -(-len(groups) // COLUMNS)
    figure = Figure(figsize=(WIDTH, ROW_HEIGHT * rows + LEGEND_HEIGHT))
    grid = figure.subplots(2 * rows, COLUMNS, squeeze=False, height_ratios=(3, 2) * rows)
    # [rows, 2, COLUMNS] -> [models, 2]: accuracy and the loss under it.
    pairs = grid.reshape(rows, 2, COLUMNS).swapaxes(1, 2).reshape(-1, 2)
    for axes in pairs[len(groups) :].flat:
        axes.remove()
    pairs = pairs[: len(groups)]
    for (accuracy, loss), (model, augmentation, seeds) in zip(pairs, groups, strict=True):
        draw(accuracy, seeds, "accuracy", scale=100)
        draw(loss, seeds, "loss")
        accuracy.set_title(heading(model, augmentation, counted(len(seeds), "seed")), size="small")
        accuracy.set(ylim=ACCURACIES, yticks=(0, 25, 50, 75, 100))
        accuracy.tick_params(labelbottom=False)
        loss.yaxis.set_major_locator(MaxNLocator(3))
    for accuracy, loss in pairs[::COLUMNS]:
        accuracy.set_ylabel("accuracy (%)")
        loss.set_ylabel("loss")
    for loss in pairs[-COLUMNS:, 1]:
        loss.set_xlabel("epoch")
    figure.align_ylabels(list(pairs[::COLUMNS].flat))
    handles = legend(diverged=any(run.diverged for *_, seeds in groups for run in seeds))
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure
