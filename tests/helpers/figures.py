"""What is asked of every figure."""

from pathlib import Path
from xml.etree import ElementTree

from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text

from fashion.figures.parts.sheet import WIDTH, save

NOTE = "quick study: " + "says nothing about the report; " * 6


def shown_texts(figure: Figure) -> list[Text]:
    """Every text of a figure, without the labels of ticks beyond an axis's ends, which exist but are not drawn."""
    beyond = set()
    for axis in figure.findobj(Axis):
        low, high = sorted(axis.get_view_interval())
        ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
        ticks = [tick for tick in ticks if not low <= tick.get_loc() <= high]
        beyond |= {label for tick in ticks for label in (tick.label1, tick.label2)}
    return [text for text in figure.findobj(Text) if text.get_text() and text not in beyond]


def texts(figure: Figure) -> list[str]:
    """What `shown_texts` say."""
    return [text.get_text() for text in shown_texts(figure)]


def svg_texts(path: Path) -> list[str]:
    """What the texts of an SVG file say, each in a string."""
    return ["".join(text.itertext()) for text in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")]


def check_legible(figure: Figure, folder: Path) -> None:
    """A figure fills the text width, has the note at its foot, and every text is legible and inside."""
    save(figure, [folder / "figure.png"], NOTE)
    assert figure.get_figwidth() == WIDTH
    assert NOTE.split() == figure.texts[-1].get_text().split()
    for text in shown_texts(figure):
        assert text.get_fontsize() >= 7, text.get_text()
        box, whole = text.get_window_extent(), figure.bbox.padded(1)
        assert whole.contains(box.x0, box.y0), f"{text.get_text()!r} is cut off at the left or the foot"
        assert whole.contains(box.x1, box.y1), f"{text.get_text()!r} is cut off at the right or the top"
