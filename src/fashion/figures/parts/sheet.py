"""Figures as files: drawn from saved data, the same bytes for the same data.

A module's plot functions take data and return a `Figure`; fashion.mplstyle has the look of all.
"""

import argparse
import textwrap
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.image import AxesImage
from matplotlib.layout_engine import ConstrainedLayoutEngine

from fashion.errors import UserError
from fashion.figures.parts.svg import svg
from fashion.files import atomic, read_json, write_text
from fashion.stage import stage_parser
from fashion.study.definition import titled

WIDTH = 6.5  # inches, the width of a page's text
LINE_HEIGHT = 0.14  # inches
NOTE_CHARACTERS = 110  # in a line of the note

# "default" comes first, so that figures ignore a user's matplotlibrc.
style.use(["default", Path(__file__).with_name("fashion.mplstyle")])


def without_glyph(text: str) -> str:
    """Returns the characters of a text that the figures' font lacks, which a PNG shows as boxes."""
    known = get_font(findfont(FontProperties())).get_charmap()
    return "".join(sorted(character for character in set(text) - {"\n", "\t"} if ord(character) not in known))


def figure_parser(description: str | None) -> argparse.ArgumentParser:
    """Returns the command line of a stage that draws figures, with the options that all of them have."""
    parser = stage_parser(description)
    parser.add_argument("--plan", type=Path, required=True, help="what to draw: a JSON file, see fashion.study.outputs")
    parser.add_argument("--output", type=Path, required=True, help="folder for the figures, .png and .svg")
    return parser


def draw(plan: Path, output: Path, plot: Callable[..., Figure]) -> None:
    """Draws the figures of a plan, as PNG and SVG.

    Args:
        plot: returns a figure from its kind, its groups of runs, `[[model, augmentation, [seed, ...], model's title,
            augmentation's title], ...]`, the names of the classes, and its settings by name.
    """
    planned = read_json(plan)
    for name, settings in planned["outputs"].items():
        kind, models, first = settings.pop("kind"), settings.pop("models", None), settings.pop("first_seeds", False)
        groups = [
            [model, augmentation, seeds[:1] if first else seeds, *titled(planned["titles"], model, augmentation)]
            for model, augmentation, seeds in planned.get("runs", [])
            if models is None or model in models
        ]
        figure = plot(kind, groups, planned["classes"], **settings)
        save(figure, [output / f"{name}.{suffix}" for suffix in ("png", "svg")], planned["note"])


def save(figure: Figure, outputs: Sequence[Path], note: str) -> None:
    """Writes `figure` atomically to each of `outputs`, with `note` in lines added at its foot."""
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
            # An SVG holds each pixel once; a viewer enlarges them.
            image.set_interpolation("none" if path.suffix == ".svg" else "auto")
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Glyph .* missing")  # see `without_glyph`
                if path.suffix == ".svg":
                    write_text(path, svg(figure, path.stem))
                else:
                    with atomic(path) as temporary:
                        figure.savefig(temporary, facecolor="white")
        except OSError as error:
            raise UserError(f"cannot write {path}: {error}") from error
