"""Layers that the families share, and the reading of layer tables."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from fashion.models.layer_table import POOL


class Convolution(nn.Conv2d):
    """A convolution of square maps that in training leaves out the taps of its kernel that meet only padding.

    On a map of one pixel, as a ResNet's last ones, a padded 3 x 3 kernel has eight of them. Their gradient is zero.
    """

    def forward(self, input: Tensor) -> Tensor:
        padding, size = int(self.padding[0]), input.shape[-1]
        one_position = size + 2 * padding - self.kernel_size[0] < self.stride[0]
        if not (self.training and padding and one_position) or self.dilation[0] > 1:
            return super().forward(input)
        # Cut out in the order of channels_last, so that the gradient, which is put among zeros, has it too.
        met = slice(padding, padding + size)
        taps = self.weight.permute(0, 2, 3, 1)[:, met, met].permute(0, 3, 1, 2)
        return functional.conv2d(input, taps, self.bias, self.stride, groups=self.groups)


class Dropout(nn.Dropout):
    """Dropout that a processor draws fast: uniform numbers of 24 bits take it a third of `bernoulli_`'s time."""

    def forward(self, input: Tensor) -> Tensor:
        if not (self.training and self.p and input.is_cpu):
            return super().forward(input)
        kept = torch.rand(input.shape).ge_(self.p).div_(1 - self.p)
        return input * kept.to(input.dtype)


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
