"""Figures in a page: an SVG, which takes the page's colours, or a PNG."""

import base64
import re
from pathlib import Path

from markupsafe import Markup

LARGEST_SVG = 300_000  # bytes; larger ones are mostly images, for which a PNG is as good
# Parts of an SVG with no use in a page. Its style sheet would apply to the whole page; page.css has its only rule.
NOT_DRAWN = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", re.DOTALL)
# Places that give an id or refer to one.
ID = re.compile(r'(\sid="|url\(#|href="#)')


def picture(path: Path, description: str) -> Markup:
    """Returns the figure whose files are `path` with .svg and .png, as HTML.

    Args:
        description: the figure's name for screen readers.
    """
    svg = path.with_suffix(".svg")
    if svg.stat().st_size <= LARGEST_SVG:
        return inline(svg.read_text(encoding="utf-8"), path.name, description)
    png = base64.b64encode(path.with_suffix(".png").read_bytes()).decode()
    return Markup('<img src="data:image/png;base64,{}" alt="{}">').format(png, description)


def inline(svg: str, name: str, description: str) -> Markup:
    """Returns an SVG file's text as part of a page; its ids begin with `name`, so that no two figures share one."""
    drawn = ID.sub(rf"\g<1>{name}-", NOT_DRAWN.sub("", svg)).strip()
    label = Markup('<svg role="group" aria-label="{}"').format(description)
    return Markup(drawn.replace("<svg", label, 1))
