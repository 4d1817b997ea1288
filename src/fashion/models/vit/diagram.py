"""The content of a Vision Transformer's diagram: patches and a layer, or a layer with its depthwise module."""

from typing import Any

from torch import nn

from fashion.models.diagram import Box, Bypass, Encoder, Shapes, box, words
from fashion.models.vit.network import ConvolutionProjection


def describe(model: Any, shapes: Shapes) -> Encoder | Bypass:
    """Returns the way from patches to logits; if there are depthwise modules, a layer and its depthwise module."""
    first, depth = model.layers[0], len(model.layers)
    layer = transformer_layer(first, shapes)
    if first.depthwise is not None:
        module = [box(part, shapes) for part in first.depthwise.layers]
        return Bypass(layer=layer, depth=depth, name="Depthwise module", module=module)
    if isinstance(model.embedding, ConvolutionProjection):
        projection = model.embedding.convolution
        side, stride, padding = projection.kernel_size[0], projection.stride[0], projection.padding[0]
    else:
        projection, side, stride, padding = model.embedding.linear, model.embedding.patch, model.embedding.patch, 0
    positions, (tokens, width) = model.positions, shapes[model.layers]
    learned = isinstance(positions, nn.Parameter)
    return Encoder(
        side=side,
        stride=stride,
        padding=padding,
        projection=box(model.embedding, shapes, does=f"Linear projection, {words(projection)}"),
        positions=Box(
            kind="positions",
            shape=tuple(positions.shape),
            does="learned" if learned else "fixed",
            parameters=positions.numel() if learned else 0,
        ),
        dropout=words(model.dropout),
        layer=layer,
        layers=box(model.layers, shapes, does=f"Transformer encoder: {depth} × this layer"),
        pooled=Box(kind="plain", shape=(width,), does=f"Mean over {tokens} tokens", parameters=0),
        head=box(model.head, shapes, does=f"Linear classification head, {words(model.head)}"),
    )


def transformer_layer(layer: Any, shapes: Shapes) -> list[Box]:
    """Returns attention and MLP, each after its norm and before its sum."""
    norm, attention = layer.attention
    mlp_norm, mlp = layer.mlp[0], layer.mlp[1:]
    linear = [part for part in mlp if isinstance(part, nn.Linear)]
    widths = " → ".join(str(width) for width in (linear[0].in_features, *(part.out_features for part in linear)))
    others = words(nn.Sequential(*(part for part in mlp if part not in linear)))
    addition = Box(kind="sum", shape=shapes[layer], does="", parameters=0)
    return [
        box(norm, shapes),
        box(attention, shapes, kind="attention", does=f"Attention\n{attention.heads} heads"),
        addition,
        box(mlp_norm, shapes),
        box(mlp, shapes, does=f"MLP\n{widths}\n{others}"),
        addition,
    ]
