"""The norm of the gradient in each layer, epoch by epoch: where it vanishes, and where it explodes."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator

from fashion.figures.parts.groups import Group
from fashion.figures.parts.multiples import heading, panels
from fashion.records.run import gradient_norms

ROW_HEIGHT = 1.9  # inches
LEAST = 1e-12  # drawn for smaller norms: a logarithmic axis has no place for 0
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
# Without the palest colours, lost on white, and the darkest, lost on a dark page.
COLORS = ListedColormap(matplotlib.colormaps["viridis_r"](np.linspace(0.25, 0.7, 256)))


def plot(groups: Sequence[Group]) -> Figure:
    """Returns a panel for each group's first run: gradient norms from first to last layer, a line for each epoch."""
    runs = [seeds[0] for *_, seeds in groups]
    figure, grid = panels(len(runs), ROW_HEIGHT, xlabel="layer, from input to output", ylabel="gradient norm")
    last = max(2, *(len(run.history) for run in runs))
    epochs = Normalize(1, last)
    for axes, run, (model, augmentation, _) in zip(grid, runs, groups, strict=True):
        _draw(axes, gradient_norms(run.history).to_numpy(), epochs)
        axes.set_title(heading(model, augmentation, f"seed {run.spec['seed']}"), size="small")
    grid[0].set(yscale="log")
    grid[0].yaxis.set_minor_locator(NullLocator())
    grid[0].yaxis.set_major_formatter(lambda norm, _: f"10{f'{np.log10(norm):.0f}'.translate(RAISED)}")
    ticks = MaxNLocator(6, integer=True, min_n_ticks=2).tick_values(1, last)
    named = {int(epoch) for epoch in (1, *ticks) if 1 <= epoch <= last}
    handles = [
        Line2D([], [], color=COLORS(epochs(epoch)), linestyle="-", label=f"epoch {epoch}") for epoch in sorted(named)
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure


def _draw(axes: Axes, norms: np.ndarray, epochs: Normalize) -> None:
    layers = np.arange(1, norms.shape[1] + 1)
    if not len(layers):
        axes.text(0.5, 0.5, "not recorded", transform=axes.transAxes, ha="center", size="small")
    for epoch, of_layers in enumerate(norms, start=1):
        axes.plot(layers, np.maximum(of_layers, LEAST), color=COLORS(epochs(epoch)), linestyle="-")
