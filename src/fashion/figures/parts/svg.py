"""SVG as a part of a page: black becomes the page's text colour, and marks have titles with their numbers.

matplotlib's own SVG stays black on a dark page, and its ids and style sheet would apply to the whole page.
"""

import re
from io import BytesIO
from xml.etree import ElementTree

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure

NAMESPACE = "http://www.w3.org/2000/svg"
FONT = "font-family: 'DejaVu Sans', sans-serif"  # the font of nearly every text
INHERITED = f"{FONT}; stroke-linejoin: round; stroke-linecap: butt; fill: currentColor"  # black texts name no fill
LINE = re.compile(r"M[^A-Z]+(L[^A-Z]+){8,}")  # a line of many points, without a gap
DIGITS = re.compile(r"\d+\.\d{3,}")
BLACK = "#010101"  # for text on a light fill: it stays black on a dark page
# The gid of an artist with a title begins with `TITLE`, or with `STOP` if the keyboard reaches it.
TITLE, STOP = "title ", "stop "
NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))

ElementTree.register_namespace("", NAMESPACE)
ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")


def describe(artist: Artist, text: str, stop: bool = True) -> None:
    """Makes an SVG show `text` when the reader points at an artist.

    Args:
        stop: whether the keyboard stops at it; False for hundreds of marks, or if the number is written anyway.
    """
    artist.set_gid(f"{STOP if stop else TITLE}{text}")


def svg(figure: Figure, name: str) -> str:
    """Returns `figure` as SVG, always the same text; `name` makes its ids unique on a page."""
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
    """Drops what changes nothing on a screen: spaces, rotations by 0, and digits too fine to see."""
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
    """Returns a line as steps from point to point, half as long; each point is right to a twentieth of a point."""
    points = np.array(re.findall(r"-?[\d.]+", path), float).reshape(-1, 2).round(1)
    first, *steps = (f"{round(x, 1):g} {round(y, 1):g}" for x, y in np.diff(points, axis=0, prepend=[[0, 0]]))
    return f"M{first}l{' '.join(steps)}"


def _inherit(element: ElementTree.Element) -> None:
    """Makes black the page's text colour, and moves a style that all parts of a group share to the group."""
    if style := element.get("style"):
        element.set("style", style.replace("stroke: #000000", "stroke: currentColor").replace(f"; {FONT}", ""))
    styles = {part.get("style", "") for part in element}
    if element.tag == f"{{{NAMESPACE}}}g" and len(element) > 1 and len(styles) == 1 and "" not in styles:
        element.set("style", styles.pop())
        for part in element:
            del part.attrib["style"]


def _say(element: ElementTree.Element, used: set[str]) -> None:
    """Turns a gid into a title, and drops ids that nothing refers to."""
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
