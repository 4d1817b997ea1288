"""The content of a ResNet's diagram: its layers and shortcuts."""

from typing import Any

from torch import nn

from fashion.models.build import count_parameters
from fashion.models.diagram import Box, Chain, Shapes, Shortcut, box, window_words, words


def describe(model: Any, shapes: Shapes) -> Chain:
    """Returns the stem, two convolutions and a shortcut for each block, poolings, and the fully connected layer."""
    boxes: list[Box] = []
    shortcuts: list[Shortcut] = []
    for part in (model.stem[:3], *model.stem[3:], *model.features, *model.classifier):
        if hasattr(part, "shortcut"):
            first, second = part.residual[:3], part.residual[3:]
            boxes += [box(first, shapes), box(second, shapes, does=f"{words(second)}, sum, ReLU")]
            parameters = count_parameters(part.shortcut)
            does = window_words(part.shortcut[0], "projection") if parameters else "shortcut"
            last = len(boxes) - 1
            shortcuts.append(Shortcut(first=last - 1, last=last, does=does, parameters=parameters))
        elif not isinstance(part, nn.Flatten):
            boxes.append(box(part, shapes))
    return Chain(boxes=boxes, shortcuts=shortcuts)
