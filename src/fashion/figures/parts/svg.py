"""SVG that a page can hold as its own: its black is the page's text colour, and its marks say their numbers.

As matplotlib writes it, black stays black on a dark page, and its ids and its style sheet would be the whole page's.
"""

import re
from io import BytesIO
from xml.etree import ElementTree

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure

NAMESPACE = "http://www.w3.org/2000/svg"
FONT = "font-family: 'DejaVu Sans', sans-serif"  # of nearly every text
INHERITED = f"{FONT}; stroke-linejoin: round; stroke-linecap: butt; fill: currentColor"  # black texts name no fill
LINE = re.compile(r"M[^A-Z]+(L[^A-Z]+){8,}")  # of many points, without a gap
DIGITS = re.compile(r"\d+\.\d{3,}")
BLACK = "#010101"  # of text on a light fill, which stays black on a dark page
# What the gid of an artist begins with that has a title; of one that the keyboard reaches too.
TITLE, STOP = "title ", "stop "
NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))

ElementTree.register_namespace("", NAMESPACE)
ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")


def describe(artist: Artist, text: str, stop: bool = True) -> None:
    """Have an artist say `text` where it is pointed at in an SVG.

    Args:
        stop: whether the keyboard stops at it: not for marks by the hundreds, nor where the number is written anyway.
    """
    artist.set_gid(f"{STOP if stop else TITLE}{text}")


def svg(figure: Figure, name: str) -> str:
    """`figure` as SVG, the same for the same figure; `name` tells its ids from those of other figures on a page."""
    file = BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(file, format="svg", metadata=NO_METADATA)
    written = file.getvalue().decode()
    root = ElementTree.fromstring(written)
    for definitions in root.findall(f"{{{NAMESPACE}}}defs[{{{NAMESPACE}}}style]"):
        root.remove(definitions)
    used = set(re.findall(r'#(\w+)[")]', written))
    for element in reversed(list(root.iter())):
        _shorten(element)
        _inherit(element)
        _say(element, used)
    root.set("style", INHERITED)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _shorten(element: ElementTree.Element) -> None:
    """Drop what an SVG means without: spaces, a turn by nothing, and digits finer than any screen."""
    element.tail = "\n"
    if element.text and not element.text.strip(" \n"):
        element.text = None
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
    for attribute in ("d", "x", "y"):
        if numbers := element.get(attribute):
            numbers = re.sub(r"\s*([A-Za-z])\s*", r"\1", numbers.strip())
            element.set(attribute, _steps(numbers) if LINE.fullmatch(numbers) else DIGITS.sub(_rounded, numbers))


def _rounded(number: re.Match) -> str:
    return f"{float(number[0]):.2f}"


def _steps(path: str) -> str:
    """A line as steps from point to point, half as long, each end right to a twentieth of a point."""
    points = np.array(re.findall(r"-?[\d.]+", path), float).reshape(-1, 2).round(1)
    first, *steps = (f"{round(x, 1):g} {round(y, 1):g}" for x, y in np.diff(points, axis=0, prepend=[[0, 0]]))
    return f"M{first}l{' '.join(steps)}"


def _inherit(element: ElementTree.Element) -> None:
    """Leave the page its ink, and to the whole what all parts share."""
    if style := element.get("style"):
        element.set("style", style.replace("stroke: #000000", "stroke: currentColor").replace(f"; {FONT}", ""))
    styles = {part.get("style", "") for part in element}
    if element.tag == f"{{{NAMESPACE}}}g" and len(element) > 1 and len(styles) == 1 and "" not in styles:
        element.set("style", styles.pop())
        for part in element:
            del part.attrib["style"]


def _say(element: ElementTree.Element, used: set[str]) -> None:
    """Make a gid a title, and drop ids that nothing refers to."""
    name = element.get("id", "")
    if name not in used:
        element.attrib.pop("id", None)
    for prefix in (TITLE, STOP):
        if name.startswith(prefix):
            title = ElementTree.Element(f"{{{NAMESPACE}}}title")
            title.text = name.removeprefix(prefix)
            element.insert(0, title)
            element.set("role", "img")
            if prefix == STOP:
                element.set("tabindex", "0")
