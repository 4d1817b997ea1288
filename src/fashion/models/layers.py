"""Layers that the families share, and the reading of layer tables."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

from torch import nn

from fashion.models.fast_cpu import Convolution
from fashion.models.layer_table import POOL


def conv_norm_relu(in_channels: int, out_channels: int, *, separable: bool = False, stride: int = 1) -> nn.Sequential:
    """3 x 3 convolution, BatchNorm, ReLU; `separable` makes the convolution depthwise 3 x 3, then pointwise 1 x 1."""
    if separable:
        convolution = [
            Convolution(in_channels, in_channels, 3, stride, padding=1, groups=in_channels),
            nn.Conv2d(in_channels, out_channels, 1),
        ]
    else:
        convolution = [Convolution(in_channels, out_channels, 3, stride, padding=1)]
    return nn.Sequential(*convolution, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))


def feature_layers(
    table: Sequence[int | str], in_channels: int, layer: Callable[[int, int], nn.Module]
) -> tuple[nn.Sequential, int]:
    """Turn a table such as `[32, 32, "M", 64]` into layers.

    Args:
        table: a number is a layer of that many output channels, "M" a 2 x 2 max-pooling.
        in_channels: channels of the first layer's input.
        layer: makes a layer from its numbers of input and output channels.

    Returns:
        The layers, named `layer1`, `layer2`, ... and `pool1`, ..., and the channels of the last one's output.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels = in_channels
    for position, entry in enumerate(table):
        pools = table[: position + 1].count(POOL)
        if isinstance(entry, str):
            layers[f"pool{pools}"] = nn.MaxPool2d(2)
        else:
            layers[f"layer{position + 1 - pools}"] = layer(channels, entry)
            channels = entry
    return nn.Sequential(layers), channels
