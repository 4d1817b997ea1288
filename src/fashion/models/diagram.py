"""The content of a model's diagram, as plain data: layers in words, with their shapes and parameters.

Nothing is typed in by hand: shapes come from a forward pass on the meta device, settings from the modules.
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

    `kind` is a result of `layer_kind`, or "attention", "positions" or "sum". `shape` is the output's shape, without the
    batch. `does` says in words what the layer does.
    """

    kind: str
    shape: tuple[int, ...]
    does: str
    parameters: int


@dataclass(frozen=True, kw_only=True)
class Shortcut:
    """A shortcut around layers of a `Chain`; `first` and `last` are their positions in the chain."""

    first: int
    last: int
    does: str
    parameters: int


@dataclass(frozen=True, kw_only=True)
class Chain:
    """Layers one after another, from an image to logits, with shortcuts around some of them."""

    boxes: Sequence[Box]
    shortcuts: Sequence[Shortcut] = ()


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """Equal layers over tokens.

    A square of `side` pixels moves by `stride` over an image that has `padding` more pixels at each border.
    `projection` makes a token of each square. `positions` are added to the tokens; `dropout`, in words, follows ("" for
    none). `layer` is one of `layers`. A "sum" in it adds the input of the boxes since the sum before. `pooled` makes a
    vector of all tokens, `head` makes logits of the vector.
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
    """The first of the `depth` layers of an `Encoder`, and the module `name` that bypasses it."""

    layer: Sequence[Box]
    depth: int
    name: str
    module: Sequence[Box]


def trace(entry: dict) -> tuple[nn.Module, Shapes]:
    """Returns the model of an entry in config.yaml, on the meta device, and the output shapes of its modules."""
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
    """Returns the box of a module or a sequence of modules; `kind` and `does` default to `layer_kind` and `words`."""
    *_, last = layer.modules()
    return Box(
        kind=kind or layer_kind(layer),
        # `trace` saw the modules of a sequence that is made for the diagram, but not the sequence.
        shape=shapes.get(layer, shapes[last]),
        does=words(layer) if does is None else does,
        parameters=count_parameters(layer),
    )


def layer_kind(layer: nn.Module) -> str:
    """Returns the kind of a layer: the kind of its module that is no norm, dropout or activation."""
    modules = list(layer.modules())
    for each, kind in KINDS.items():
        if any(isinstance(module, each) for module in modules):
            return kind
    convolutions = sum(isinstance(module, nn.Conv2d) for module in modules)
    return ("plain", "Conv2D", "separable Conv2D")[min(convolutions, 2)]


def window_words(module: nn.Conv2d | nn.MaxPool2d, name: str) -> str:
    """Returns size and `name` of the window that `module` slides, and its stride and dilation if they are not 1."""
    # A convolution has two values of each, a pooling one.
    size, stride, dilation = map(np.max, (module.kernel_size, module.stride, module.dilation))
    settings = (f", {setting} {value}" for setting, value in (("stride", stride), ("dilation", dilation)) if value > 1)
    return f"{size} × {size} {name}{''.join(settings)}"


def words(module: nn.Module) -> str:
    """Returns what `module` does, with its settings; "" if its kind says it all."""
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
