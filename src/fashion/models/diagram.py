"""What a diagram of a model draws, as plain data: layers in words, with the shapes and parameters that they have.

Nothing about a model is typed in: shapes come from a forward pass on the meta device, settings from the modules.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from fashion.image import IMAGE_SHAPE
from fashion.models.build import build, count_parameters

Shapes = dict[nn.Module, tuple[int, ...]]

KINDS = {nn.MaxPool2d: "MaxPool2D", nn.AdaptiveAvgPool2d: "global average", nn.Linear: "FC"}


@dataclass(frozen=True, kw_only=True)
class Box:
    """A layer.

    `kind` is one of `layer_kind`, or "attention", "positions" or "sum"; `shape` that of its output, without the batch;
    `does` what it does, in words.
    """

    kind: str
    shape: tuple[int, ...]
    does: str
    parameters: int


@dataclass(frozen=True, kw_only=True)
class Shortcut:
    """What bypasses the layers of a `Chain` from the `first` to the `last`, by their positions in it."""

    first: int
    last: int
    does: str
    parameters: int


@dataclass(frozen=True, kw_only=True)
class Chain:
    """Layers one after another, from an image to logits, some of them bypassed."""

    boxes: Sequence[Box]
    shortcuts: Sequence[Shortcut] = ()


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """Layers all alike, over tokens.

    A token is made of the pixels in a square of `side`, which moves by `stride` over an image with `padding` pixels
    more at each border; `projection` makes it, `positions` are added, `dropout` in words follows ("" for none). `layer`
    is one of `layers`, in which a "sum" adds the input of what is between it and the sum before. `pooled` makes one
    vector of all tokens, `head` logits of that.
    """

    side: int
    stride: int
    padding: int
    projection: Box
    positions: Box
    dropout: str
    layer: Sequence[Box]
    layers: Box
    pooled: Box
    head: Box


@dataclass(frozen=True, kw_only=True)
class Bypass:
    """The first of `depth` layers of an `Encoder`, and the module, called `name`, from its input to its output."""

    layer: Sequence[Box]
    depth: int
    name: str
    module: Sequence[Box]


def trace(entry: dict) -> tuple[nn.Module, Shapes]:
    """The model that a config entry describes, on the meta device, and its modules' output shapes for an image."""
    shapes: Shapes = {}
    with torch.device("meta"):
        model = build(entry).eval()
        image = torch.empty(1, *IMAGE_SHAPE)
    for module in model.modules():
        module.register_forward_hook(lambda module, _, output: shapes.update({module: tuple(output.shape[1:])}))
    with torch.no_grad():
        model(image)
    return model, shapes


def box(layer: nn.Module, shapes: Shapes, *, kind: str | None = None, does: str | None = None) -> Box:
    """A layer, of one module or a sequence of several; of the `layer_kind` and in the `words` of these unless told."""
    *_, last = layer.modules()
    return Box(
        kind=kind or layer_kind(layer),
        # A sequence that is made for the diagram was passed by no image, but its modules were.
        shape=shapes.get(layer, shapes[last]),
        does=words(layer) if does is None else does,
        parameters=count_parameters(layer),
    )


def layer_kind(layer: nn.Module) -> str:
    """The kind of a layer, after that of its modules which is not a norm, a dropout or an activation."""
    modules = list(layer.modules())
    for each, kind in KINDS.items():
        if any(isinstance(module, each) for module in modules):
            return kind
    convolutions = sum(isinstance(module, nn.Conv2d) for module in modules)
    return ("plain", "Conv2D", "separable Conv2D")[min(convolutions, 2)]


def window_words(module: nn.Conv2d | nn.MaxPool2d, name: str) -> str:
    """The size of the square that `module` slides, its `name`, and stride and dilation where they are not 1."""
    # A convolution has each of them twice, a pooling once.
    size, stride, dilation = map(np.max, (module.kernel_size, module.stride, module.dilation))
    settings = (f", {setting} {value}" for setting, value in (("stride", stride), ("dilation", dilation)) if value > 1)
    return f"{size} × {size} {name}{''.join(settings)}"


def words(module: nn.Module) -> str:
    """What `module` does, with the settings that it was built with; "" if no more than its kind says."""
    match module:
        case nn.Sequential():
            return ", ".join(filter(None, map(words, module)))
        case nn.Conv2d():
            pointwise = module.kernel_size == (1, 1)
            name = "depthwise" if module.groups > 1 else "pointwise" if pointwise else "convolution"
            return window_words(module, name)
        case nn.MaxPool2d():
            return window_words(module, "window")
        case nn.Linear():
            return f"{module.in_features} → {module.out_features}"
        case nn.AdaptiveAvgPool2d():
            return ""
        case nn.Dropout():
            return f"dropout {module.p:g}" if module.p else ""
        case nn.BatchNorm1d() | nn.BatchNorm2d():
            return "BatchNorm"
    return type(module).__name__
