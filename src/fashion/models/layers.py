"""Modules that several families share."""

from collections import OrderedDict
from collections.abc import Callable, Iterable

from torch import nn

from fashion.models.fast_cpu import Convolution
from fashion.models.layer_table import Layer


def conv_norm_relu(in_channels: int, out_channels: int, *, separable: bool = False, stride: int = 1) -> nn.Sequential:
    """Returns 3 x 3 convolution, BatchNorm and ReLU; `separable` splits it into depthwise 3 x 3 and pointwise 1 x 1."""
    if separable:
        convolution = [
            Convolution(in_channels, in_channels, 3, stride, padding=1, groups=in_channels),
            nn.Conv2d(in_channels, out_channels, 1),
        ]
    else:
        convolution = [Convolution(in_channels, out_channels, 3, stride, padding=1)]
    return nn.Sequential(*convolution, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))


def feature_layers(table: Iterable[Layer], layer: Callable[[int, int], nn.Module]) -> nn.Sequential:
    """Returns the modules of a layer table; `layer` makes one from its numbers of input and output channels."""
    return nn.Sequential(
        OrderedDict((one.name, nn.MaxPool2d(2) if one.pools else layer(one.inputs, one.outputs)) for one in table)
    )
