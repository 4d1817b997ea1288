"""Figures as a page holds them: an SVG as part of it, which follows its colours, or a PNG."""

import base64
import re
from pathlib import Path

from markupsafe import Markup

LARGEST_SVG = 300_000  # bytes; of more, mostly images, the PNG is as good
# What is of no use within a page. A style sheet would be the whole page's: page.css has matplotlib's one rule.
NOT_DRAWN = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", re.DOTALL)
# Where an id is given or referred to.
ID = re.compile(r'(\sid="|url\(#|href="#)')


def picture(path: Path, description: str) -> Markup:
    """The figure whose files are `path` with .svg and .png, as HTML.

    Args:
        description: what it is, for whom cannot see it.
    """
    svg = path.with_suffix(".svg")
    if svg.stat().st_size <= LARGEST_SVG:
        return inline(svg.read_text(encoding="utf-8"), path.name, description)
    png = base64.b64encode(path.with_suffix(".png").read_bytes()).decode()
    return Markup('<img src="data:image/png;base64,{}" alt="{}">').format(png, description)


def inline(svg: str, name: str, description: str) -> Markup:
    """An SVG file's text as part of a page, its ids begun with `name`: another figure may have the same."""
    drawn = ID.sub(rf"\g<1>{name}-", NOT_DRAWN.sub("", svg)).strip()
    label = Markup('<svg role="group" aria-label="{}"').format(description)
    return Markup(drawn.replace("<svg", label, 1))
