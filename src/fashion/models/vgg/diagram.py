"""The content of a VGG's diagram: its layers."""

from typing import Any

from torch import nn

from fashion.models.diagram import Chain, Shapes, box


def describe(model: Any, shapes: Shapes) -> Chain:
    """Returns convolutions, poolings and fully connected layers in order."""
    layers: list[list[nn.Module]] = []
    before: list[nn.Module] = []
    for module in (*model.features, *model.classifier):
        match module:
            case nn.Flatten():
                pass
            case nn.Dropout():  # belongs to the fully connected layer after it
                before = [module]
            case nn.ReLU():  # belongs to the fully connected layer before it
                layers[-1].append(module)
            case _:
                layers.append([*before, module])
                before = []
    return Chain(boxes=[box(nn.Sequential(*modules), shapes) for modules in layers])
