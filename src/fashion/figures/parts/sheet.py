"""Figures: each module is a stage that draws from saved data and writes the same bytes for the same data.

A module's plot functions take data and return a `Figure`; how it looks is in fashion.mplstyle.
"""

import argparse
import textwrap
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.layout_engine import ConstrainedLayoutEngine

from fashion.errors import UserError
from fashion.figures.parts.svg import svg
from fashion.files import atomic, write_text
from fashion.records.run import Run, add_runs
from fashion.stage import add_classes, stage_parser

WIDTH = 6.5  # of a page's text, in inches
LINE_HEIGHT = 0.14  # inches
NOTE_CHARACTERS = 110  # in a line of the note

# "default" first: the figures do not depend on a matplotlibrc of the user's.
style.use(["default", Path(__file__).with_name("fashion.mplstyle")])


def figure_parser(description: str | None) -> argparse.ArgumentParser:
    """The command line of a figure's stage, with what all of them take: `--note`, `--classes` and `--output`."""
    parser = stage_parser(description)
    parser.add_argument("--note", default="", help="a line at the figure's foot")
    add_classes(parser)
    parser.add_argument("--output", type=Path, nargs="+", required=True, help="the files to write, .png or .svg")
    return parser


def draw_runs(
    description: str | None,
    read: Callable[[list[list[Run]]], Iterable],
    plot: Callable[[list], Figure],
) -> None:
    """Draw what the command line names: `plot` of all that `read` gives for groups of runs."""
    parser = figure_parser(description)
    add_runs(parser)
    arguments = parser.parse_args()
    save(plot(list(read(arguments.runs))), arguments.output, arguments.note)


def save(figure: Figure, outputs: Sequence[Path], note: str) -> None:
    """Write `figure` to each of `outputs`, whole or not at all, with `note` on lines added at its foot."""
    if lines := textwrap.wrap(note, NOTE_CHARACTERS):
        foot = LINE_HEIGHT * (len(lines) + 0.5)
        height = figure.get_figheight() + foot
        figure.set_figheight(height)
        engine = figure.get_layout_engine()
        assert isinstance(engine, ConstrainedLayoutEngine)  # fashion.mplstyle's
        engine.set(rect=(0, foot / height, 1, 1 - foot / height))
        middle = foot / height / 2
        figure.text(0.5, middle, "\n".join(lines), ha="center", va="center", size="small", style="italic")
    for path in outputs:
        for image in figure.findobj(AxesImage):
            # An SVG has each pixel once; a viewer enlarges them.
            image.set_interpolation("none" if path.suffix == ".svg" else "auto")
        try:
            if path.suffix == ".svg":
                write_text(path, svg(figure, path.stem))
            else:
                with atomic(path) as temporary:
                    figure.savefig(temporary, facecolor="white")
        except OSError as error:
            raise UserError(f"cannot write {path}: {error}") from error
